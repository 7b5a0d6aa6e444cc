//! A compact JWS by a key or a key set, outside of the request path.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use std::rc::Rc;

use harness::signatures::{Answers, SignatureHost, at_once};
use tollgate_core::capability::SignatureError;
use tollgate_core::jose::{JwkError, JwkSetError, VerifyError, base64url, limits, verify_compact};
use tollgate_core::json::JsonError;

/// RFC 8037 appendix A.4.
const KEY: &str =
    r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const JWS: &str = concat!(
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7",
    "-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
);

fn verify(keys: &str, jws: &str) -> Result<Vec<u8>, VerifyError> {
    at_once(verify_compact(
        SignatureHost::shared(),
        keys.into(),
        jws.into(),
    ))
}

#[test]
fn keys_are_one_or_a_set() {
    for keys in [
        format!("{{{KEY}}}"),
        format!(r#"{{{KEY},"kid":"any"}}"#),
        format!(r#"{{"keys":[{{{KEY}}}]}}"#),
    ] {
        assert_eq!(
            verify(&keys, JWS).as_deref(),
            Ok(&b"Example of Ed25519 signing"[..])
        );
    }
    let largest = format!("{{{KEY}}}");
    let padding = " ".repeat(limits::KEY_SET_BYTES - largest.len());
    let largest = largest + &padding;
    assert!(verify(&largest, JWS).is_ok());
    let set = |error| VerifyError::Keys(error);
    for (keys, error) in [
        ("", set(JwkSetError::Json(JsonError::Syntax))),
        (r#"{"keys":1}"#, set(JwkSetError::NoKeys)),
        (r#"{"keys":[]}"#, VerifyError::NoKey),
        (r#"{"kty":"oct"}"#, VerifyError::Key(JwkError::Symmetric)),
        (&format!(r#"{{{KEY},"alg":"Ed25519"}}"#), VerifyError::NoKey),
        (&format!("{largest} "), set(JwkSetError::TooLarge)),
    ] {
        assert_eq!(verify(keys, JWS), Err(error), "{keys:.60}");
    }
}

#[test]
fn kid_names_the_key() {
    let header = base64url::encode(br#"{"alg":"EdDSA","kid":"a"}"#);
    let jws = format!("{header}{}", &JWS[JWS.find('.').unwrap()..]);
    // The header is not the one that was signed: a key that is tried says so.
    for (keys, error) in [
        (format!("{{{KEY}}}"), VerifyError::Signature),
        (format!(r#"{{{KEY},"kid":"a"}}"#), VerifyError::Signature),
        (format!(r#"{{{KEY},"kid":"b"}}"#), VerifyError::NoKey),
        (format!(r#"{{"keys":[{{{KEY}}}]}}"#), VerifyError::NoKey),
        (
            format!(r#"{{"keys":[{{{KEY},"kid":"a"}}]}}"#),
            VerifyError::Signature,
        ),
    ] {
        assert_eq!(verify(&keys, &jws), Err(error), "{keys}");
    }
}

#[test]
fn a_missing_verdict_among_several_is_no_bad_signature() {
    let (head, signature) = JWS.rsplit_once('.').unwrap();
    let forged = format!("{head}A.{signature}");
    let keys = format!(r#"{{"keys":[{{{KEY}}},{{{KEY}}}]}}"#);
    let failed = Answers::Fails(SignatureError::Failed);
    for (answers, error) in [
        ([Answers::AtOnce, Answers::AtOnce], VerifyError::Signature),
        (
            [failed, Answers::AtOnce],
            VerifyError::NoVerdict(SignatureError::Failed),
        ),
        (
            [Answers::AtOnce, failed],
            VerifyError::NoVerdict(SignatureError::Failed),
        ),
    ] {
        let host = SignatureHost::default();
        host.0.next.borrow_mut().extend(answers);
        let verified = verify_compact(Rc::new(host), keys.clone().into(), forged.clone());
        assert_eq!(at_once(verified), Err(error), "{answers:?}");
    }
}
