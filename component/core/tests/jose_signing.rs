//! Private keys in every encoding, and what they sign.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod jose_signing_keys;

use std::time::Instant;

use jose_signing_keys::{PRIVATE, jwk, random, with, without};
use tollgate_core::jose::{
    Algorithm, CompactJws, SigningError, SigningKey, VerifyingKey, base64url, verify_compact,
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

fn read(text: &str) -> SigningKey {
    SigningKey::from_text(text, None, None).unwrap()
}

/// The payload, verified by what the key publishes.
fn round_trip(key: &SigningKey, payload: &[u8]) -> String {
    let jws = key
        .sign_compact(Some("JWT"), payload, &mut random(7))
        .unwrap();
    let public = key.public_jwk().to_string();
    assert_eq!(
        verify_compact(public.as_bytes(), &jws).as_deref(),
        Ok(payload)
    );
    jws
}

#[test]
fn every_encoding_of_a_key_is_the_same_key() {
    for (pem, name, algorithm) in PEMS {
        let jwk = jwk(name);
        let public = VerifyingKey::from_jwk(&without(&jwk, &PRIVATE)).unwrap();
        for text in [*pem, &jwk.to_string()] {
            let key = read(text);
            assert_eq!(key.algorithm(), *algorithm);
            assert_eq!(key.kid(), base64url::encode(&public.thumbprint()), "{name}");
            round_trip(&key, b"{}");
        }
    }
}

#[test]
fn pem_survives_what_settings_do_to_it() {
    for (pem, name, _) in PEMS {
        let kid = read(pem).kid().to_owned();
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
            assert_eq!(read(&text).kid(), kid, "{name}");
        }
    }
    let json = jwk("ed25519").to_string();
    for text in [format!("'{json}'"), format!(" \n{json}\n")] {
        assert_eq!(read(&text).kid(), read(&json).kid());
    }
}

#[test]
fn names_are_given_or_in_the_key_or_thumbprints() {
    let plain = jwk("p256");
    let named = with(&plain, "kid", "\"own\"").to_string();
    let kid = |text: &str, kid| {
        SigningKey::from_text(text, kid, None)
            .unwrap()
            .kid()
            .to_owned()
    };
    assert_eq!(kid(&named, None), "own");
    assert_eq!(kid(&named, Some("given")), "given");
    assert_eq!(kid(&plain.to_string(), Some("given")), "given");
    assert_eq!(kid(&plain.to_string(), None).len(), 43);
    assert_eq!(kid(pem!("p256-pkcs8"), Some("given")), "given");
}

#[test]
fn algorithms_are_asked_for_or_in_the_key_or_follow_from_it() {
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
        let key = SigningKey::from_text(text, None, asked).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let jws = round_trip(&key, b"payload");
        assert_eq!(
            CompactJws::parse(&jws).unwrap().header().algorithm,
            algorithm
        );
    }
}

#[test]
fn the_header_says_how_it_was_signed() {
    let key = SigningKey::from_text(pem!("p256-pkcs8"), Some("a\"b"), None).unwrap();
    let jws = key.sign_compact(Some("JWT"), b"", &mut random(1)).unwrap();
    let header = base64url::decode(jws.split_once('.').unwrap().0).unwrap();
    let expected = r#"{"alg":"ES256","kid":"a\"b","typ":"JWT"}"#;
    assert_eq!(String::from_utf8(header).unwrap(), expected);
    let jws = key.sign_compact(None, b"", &mut random(1)).unwrap();
    assert_eq!(CompactJws::parse(&jws).unwrap().header().typ, None);
}

#[test]
fn nothing_private_is_published_or_shown() {
    for (pem, name, _) in PEMS {
        let key = read(pem);
        let public = key.public_jwk();
        let names: Vec<_> = public.iter().map(|(name, _)| name).collect();
        let expected: &[&str] = match public.get("kty").and_then(Json::as_str) {
            Some("RSA") => &["e", "kty", "n", "kid", "alg", "use"],
            Some("EC") => &["crv", "kty", "x", "y", "kid", "alg", "use"],
            _ => &["crv", "kty", "x", "kid", "alg", "use"],
        };
        assert_eq!(names, expected);
        assert_eq!(public.get("use").and_then(Json::as_str), Some("sig"));
        let shown = format!("{key:?}");
        let kid = key.kid();
        let algorithm = key.algorithm();
        let expected = format!("SigningKey {{ kid: {kid:?}, algorithm: {algorithm:?}, .. }}");
        assert_eq!(shown, expected);
        let jwk = jwk(name);
        for value in PRIVATE.iter().filter_map(|name| jwk.get(name)) {
            let value = value.as_str().unwrap();
            assert!(!public.to_string().contains(value) && !shown.contains(value));
        }
    }
}

#[test]
fn printed_signatures_are_ours() {
    let vectors = Json::parse(include_bytes!("jose_rfc_vectors.json"), 4).unwrap();
    let text = |object: &Object, name| object.get(name).and_then(Json::as_str).map(str::to_owned);
    let mut signed = 0;
    for vector in vectors.as_array().unwrap() {
        let vector = vector.as_object().unwrap();
        let name = text(vector, "name").unwrap();
        if ![
            "RFC 7515 appendix A.2, RS256",
            "RFC 8037 appendix A.4, EdDSA",
        ]
        .contains(&&*name)
        {
            continue;
        }
        let jws = text(vector, "jws").unwrap();
        let (message, signature) = jws.rsplit_once('.').unwrap();
        let key = read(&jwk(&name).to_string());
        for seed in [1, 2] {
            let own = key.sign(message.as_bytes(), &mut random(seed)).unwrap();
            assert_eq!(base64url::encode(&own), signature, "{name}");
        }
        signed += 1;
    }
    assert_eq!(signed, 2);
}

#[test]
fn random_bytes_are_used_where_they_protect() {
    let count = |text: &str, algorithm| {
        let key = SigningKey::from_text(text, None, Some(algorithm)).unwrap();
        let mut asked = Vec::new();
        let mut bytes = random(3);
        let mut counting = |out: &mut [u8]| {
            asked.push(out.len());
            bytes(out);
        };
        let first = key.sign(b"m", &mut counting).unwrap();
        let second = key.sign(b"m", &mut counting).unwrap();
        (asked, first == second)
    };
    // RSA is blinded, which does not show in the signature; the second time by the first's square.
    assert_eq!(
        count(pem!("rsa-2048-pkcs8"), Algorithm::Rs256),
        (vec![255], true)
    );
    assert_eq!(
        count(pem!("rsa-2048-pkcs8"), Algorithm::Ps256),
        (vec![32, 255, 32], false)
    );
    assert_eq!(
        count(pem!("p256-pkcs8"), Algorithm::Es256),
        (vec![32, 32], false)
    );
    assert_eq!(
        count(pem!("p384-pkcs8"), Algorithm::Es384),
        (vec![32, 32], false)
    );
    assert_eq!(
        count(pem!("ed25519-pkcs8"), Algorithm::EdDsa),
        (vec![], true)
    );
}

#[test]
fn a_blinding_is_squared_and_in_time_replaced() {
    let rsa = read(pem!("rsa-2048-pkcs8"));
    let mut asked = 0;
    let mut bytes = random(3);
    let mut counting = |out: &mut [u8]| {
        asked += 1;
        bytes(out);
    };
    let first = rsa.sign(b"m", &mut counting).unwrap();
    for _ in 0..66 {
        assert_eq!(rsa.sign(b"m", &mut counting).unwrap(), first);
    }
    assert_eq!(asked, 3, "for signatures 1, 34 and 67");
}

#[test]
fn rsa_does_not_sign_without_a_blind() {
    let mut zeros = |_: &mut [u8]| {};
    let rsa = read(pem!("rsa-2048-pkcs8"));
    assert_eq!(rsa.sign(b"m", &mut zeros), Err(SigningError::Randomness));
    // The nonce is good without.
    assert!(read(pem!("p256-pkcs8")).sign(b"m", &mut zeros).is_ok());
}

#[test]
fn a_wrong_signature_is_withheld() {
    // All its numbers belong together, but one "prime" is none.
    let key = read(&jwk("composite").to_string());
    assert_eq!(key.sign(b"m", &mut random(1)), Err(SigningError::Fault));
}

#[test]
fn the_largest_rsa_key_signs() {
    let text = pem!("rsa-4096-pkcs8");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let key = SigningKey::from_text(text, None, Some(algorithm)).unwrap();
        round_trip(&key, b"{}");
    }
}

/// `cargo test --release -p tollgate-rules --test jose_signing -- --ignored --nocapture`
#[test]
#[ignore = "prints times"]
fn times() {
    for (name, text) in [
        ("rsa-2048", pem!("rsa-2048-pkcs8")),
        ("rsa-4096", pem!("rsa-4096-pkcs8")),
        ("p256", pem!("p256-pkcs8")),
        ("p384", pem!("p384-pkcs8")),
        ("ed25519", pem!("ed25519-pkcs8")),
    ] {
        let per_call = |run: &mut dyn FnMut()| {
            run();
            let start = Instant::now();
            (0..20).for_each(|_| run());
            start.elapsed() / 20
        };
        let load = per_call(&mut || drop(read(text)));
        let key = read(text);
        let mut bytes = random(5);
        let sign = per_call(&mut || drop(key.sign(b"m", &mut bytes).unwrap()));
        println!("{name}: load {load:?}, sign {sign:?}");
    }
}
