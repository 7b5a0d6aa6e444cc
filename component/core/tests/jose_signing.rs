//! Private keys in every encoding, and what they sign.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod jose_signing_keys;

use std::rc::Rc;

use harness::signatures::{SignatureHost, at_once};
use jose_signing_keys::{PRIVATE, jwk, with, without};
use tollgate_core::jose::{
    Algorithm, CompactJws, SigningError, SigningKey, SigningKeyError, VerifyingKey, base64url,
    publish, sign_compact, verify_compact,
};
use tollgate_core::json::{Json, Object};

/// Encodings, the key's name in `keys.json`, and its algorithm.
const PEMS: &[(&str, &str, Algorithm)] = &[
    (pem!("rsa-2048-pkcs8"), "rsa-2048", Algorithm::Rs256),
    (pem!("rsa-2048-pkcs1"), "rsa-2048", Algorithm::Rs256),
    (pem!("p256-pkcs8"), "p256", Algorithm::Es256),
    (pem!("p256-sec1-parameters"), "p256", Algorithm::Es256),
    (pem!("p256-sec1-compressed"), "p256", Algorithm::Es256),
    (pem!("p384-pkcs8"), "p384", Algorithm::Es384),
    (pem!("p384-sec1-parameters"), "p384", Algorithm::Es384),
    (pem!("ed25519-pkcs8"), "ed25519", Algorithm::EdDsa),
];

fn read_for(text: &str, kid: Option<&str>, algorithm: Option<Algorithm>) -> Rc<SigningKey> {
    Rc::new(SigningKey::from_text(text, kid, algorithm).unwrap())
}

fn read(text: &str) -> Rc<SigningKey> {
    read_for(text, None, None)
}

fn published(key: &Rc<SigningKey>) -> Object<'static> {
    at_once(publish(Rc::clone(key), SignatureHost::shared())).unwrap()
}

fn kid(key: &Rc<SigningKey>) -> String {
    let public = published(key);
    let kid = public.get("kid").and_then(Json::as_str).unwrap();
    assert_eq!(key.kid(), Some(kid));
    kid.to_owned()
}

fn sign(key: &Rc<SigningKey>, typ: Option<&str>, payload: &[u8]) -> Result<String, SigningError> {
    let (key, typ) = (Rc::clone(key), typ.map(str::to_owned));
    at_once(sign_compact(
        key,
        SignatureHost::shared(),
        typ,
        payload.to_vec(),
    ))
}

/// The payload, verified by what the key publishes.
fn round_trip(key: &Rc<SigningKey>, payload: &[u8]) -> String {
    let jws = sign(key, Some("JWT"), payload).unwrap();
    let public = published(key).to_string();
    let verified = verify_compact(SignatureHost::shared(), public.into(), jws.clone());
    assert_eq!(at_once(verified).as_deref(), Ok(payload));
    jws
}

#[test]
fn every_encoding_of_a_key_is_the_same_key() {
    for (pem, name, algorithm) in PEMS {
        let jwk = jwk(name);
        let public = VerifyingKey::from_jwk(&without(&jwk, &PRIVATE)).unwrap();
        for text in [*pem, &jwk.to_string()] {
            let key = read(text);
            assert_eq!(key.algorithm(), Some(*algorithm));
            assert_eq!(kid(&key), base64url::encode(&public.thumbprint()), "{name}");
            round_trip(&key, b"{}");
        }
    }
}

#[test]
fn pem_is_read_from_settings_with_changed_line_breaks() {
    for (pem, name, _) in PEMS {
        let own = kid(&read(pem));
        let block = pem.split_once("-----BEGIN").unwrap().1;
        let block = format!("-----BEGIN{block}");
        let one_line = block.trim_end().replace('\n', "\\n");
        for text in [
            pem.replace('\n', "\r\n"),
            block.replace('\n', "\\n"),
            block.replace('\n', "\\r\\n"),
            block.replace('\n', " "),
            block.replace('\n', "\n    "),
            format!("\"{one_line}\""),
            format!(" '{one_line}'\n"),
            format!("\"\n{block}\n\""),
            format!("\n\n  {block}  \n\n"),
        ] {
            assert_eq!(kid(&read(&text)), own, "{name}");
        }
    }
    let json = jwk("ed25519").to_string();
    for text in [format!("'{json}'"), format!(" \n{json}\n")] {
        assert_eq!(kid(&read(&text)), kid(&read(&json)));
    }
}

#[test]
fn a_kid_is_configured_or_in_the_key_or_the_thumbprint() {
    let plain = jwk("p256");
    let named = with(&plain, "kid", "\"own\"").to_string();
    let kid = |text: &str, given| kid(&read_for(text, given, None));
    assert_eq!(kid(&named, None), "own");
    assert_eq!(kid(&named, Some("given")), "given");
    assert_eq!(kid(&plain.to_string(), Some("given")), "given");
    assert_eq!(kid(&plain.to_string(), None).len(), 43);
    assert_eq!(kid(pem!("p256-pkcs8"), Some("given")), "given");
}

#[test]
fn an_algorithm_is_configured_or_in_the_key_or_the_default() {
    let rsa = jwk("rsa-2048");
    let pss = with(&rsa, "alg", "\"PS256\"").to_string();
    let (rsa, ed25519) = (rsa.to_string(), jwk("ed25519").to_string());
    for (text, asked, algorithm) in [
        (&*rsa, None, Algorithm::Rs256),
        (&rsa, Some(Algorithm::Rs256), Algorithm::Rs256),
        (&rsa, Some(Algorithm::Ps256), Algorithm::Ps256),
        (&pss, None, Algorithm::Ps256),
        (&pss, Some(Algorithm::Ps256), Algorithm::Ps256),
        (
            pem!("rsa-2048-pkcs8"),
            Some(Algorithm::Ps256),
            Algorithm::Ps256,
        ),
        (&ed25519, Some(Algorithm::Ed25519), Algorithm::Ed25519),
    ] {
        let key = read_for(text, None, asked);
        assert_eq!(key.algorithm(), Some(algorithm));
        let jws = round_trip(&key, b"payload");
        assert_eq!(
            CompactJws::parse(&jws).unwrap().header().algorithm,
            algorithm
        );
    }
}

#[test]
fn the_header_has_algorithm_and_kid() {
    let key = read_for(pem!("p256-pkcs8"), Some("a\"b"), None);
    let jws = sign(&key, Some("JWT"), b"").unwrap();
    let header = base64url::decode(jws.split_once('.').unwrap().0).unwrap();
    let expected = r#"{"alg":"ES256","kid":"a\"b","typ":"JWT"}"#;
    assert_eq!(String::from_utf8(header).unwrap(), expected);
    let jws = sign(&key, None, b"").unwrap();
    assert_eq!(CompactJws::parse(&jws).unwrap().header().typ, None);
}

#[test]
fn nothing_private_is_published_or_shown() {
    for (pem, name, _) in PEMS {
        let key = read(pem);
        let public = published(&key);
        let names: Vec<_> = public.iter().map(|(name, _)| name).collect();
        let expected: &[&str] = match public.get("kty").and_then(Json::as_str) {
            Some("RSA") => &["e", "kty", "n", "kid", "alg", "use"],
            Some("EC") => &["crv", "kty", "x", "y", "kid", "alg", "use"],
            _ => &["crv", "kty", "x", "kid", "alg", "use"],
        };
        assert_eq!(names, expected);
        assert_eq!(public.get("use").and_then(Json::as_str), Some("sig"));
        let shown = format!("{key:?}");
        let algorithm = key.algorithm();
        let expected = format!("SigningKey {{ algorithm: {algorithm:?}, .. }}");
        assert_eq!(shown, expected);
        let jwk = jwk(name);
        for value in PRIVATE.iter().filter_map(|name| jwk.get(name)) {
            let value = value.as_str().unwrap();
            assert!(!public.to_string().contains(value) && !shown.contains(value));
        }
    }
}

#[test]
fn inconsistent_keys_are_refused() {
    // All its numbers fit each other, but one "prime" is none.
    let key = read(&jwk("composite").to_string());
    let refused = sign(&key, None, b"m").unwrap_err();
    assert!(refused.is_permanent(), "{refused:?}");
    for name in ["p256", "p384", "ed25519"] {
        // Another private half.
        let own = jwk(name);
        let mut d = base64url::decode(own.get("d").unwrap().as_str().unwrap()).unwrap();
        *d.last_mut().unwrap() ^= 1;
        let text = with(&own, "d", &format!("\"{}\"", base64url::encode(&d)));
        let key = read(&text.to_string());
        let refused = sign(&key, None, b"m").unwrap_err();
        assert!(refused.is_permanent(), "{name}: {refused:?}");
        assert_eq!(
            refused.to_string(),
            SigningKeyError::Inconsistent.to_string()
        );
    }
}

#[test]
fn the_largest_rsa_key_signs() {
    let text = pem!("rsa-4096-pkcs8");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        round_trip(&read_for(text, None, Some(algorithm)), b"{}");
    }
}
