//! The signatures and thumbprints of RFCs 7515, 7520, 7638 and 8037, and RSA keys of unusual sizes
//! (made with OpenSSL).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::signatures::{SignatureHost, at_once};
use tollgate_core::jose::{VerifyError, VerifyingKey, base64url};
use tollgate_core::json::{Json, Object};

/// The payload, by a host that has its answers at once.
fn verify(keys: &str, jws: &str) -> Result<Vec<u8>, VerifyError> {
    at_once(tollgate_core::jose::verify_compact(
        SignatureHost::shared(),
        keys.into(),
        jws.into(),
    ))
}

fn entries(json: &str) -> Vec<Object<'_>> {
    let list = Json::parse(json.as_bytes(), 4).unwrap();
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry.as_object().unwrap().clone())
        .collect()
}

fn text<'a>(object: &'a Object<'_>, name: &str) -> &'a str {
    object.get(name).and_then(Json::as_str).unwrap()
}

/// The token with one bit of one part turned, still strict base64url.
fn turned(jws: &str, part: usize, bit: u8) -> String {
    let mut parts: Vec<String> = jws.split('.').map(str::to_owned).collect();
    let mut bytes = base64url::decode(&parts[part]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= bit;
    parts[part] = base64url::encode(&bytes);
    parts.join(".")
}

#[test]
fn signatures_in_rfcs_verify() {
    let vectors = entries(include_str!("jose_rfc_vectors.json"));
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let (name, jws) = (text(&vector, "name"), text(&vector, "jws"));
        let jwk = vector.get("jwk").unwrap().to_string();
        let payload = verify(&jwk, jws).unwrap();
        assert_eq!(payload, text(&vector, "payload").as_bytes(), "{name}");
        for bit in [1, 128] {
            for part in [1, 2] {
                let error = verify(&jwk, &turned(jws, part, bit)).err();
                assert_eq!(error, Some(VerifyError::Signature), "{name}, part {part}");
            }
            assert!(verify(&jwk, &turned(jws, 0, bit)).is_err(), "{name}");
        }
        let set = format!(r#"{{"keys":[{{"kty":"new"}},{jwk}]}}"#);
        assert!(verify(&set, jws).is_ok(), "{name}");
        let without = r#"{"keys":[]}"#;
        assert_eq!(verify(without, jws), Err(VerifyError::NoKey), "{name}");
    }
}

#[test]
fn no_key_verifies_another_keys_token() {
    let vectors = entries(include_str!("jose_rfc_vectors.json"));
    for (i, vector) in vectors.iter().enumerate() {
        for (j, other) in vectors.iter().enumerate() {
            let (jwk, other_jwk) = (vector.get("jwk").unwrap(), other.get("jwk").unwrap());
            if i != j && jwk != other_jwk {
                let verified = verify(&jwk.to_string(), text(other, "jws"));
                assert!(verified.is_err(), "{i} {j}");
            }
        }
    }
}

#[test]
fn rsa_keys_of_all_sizes_verify() {
    for entry in entries(include_str!("jose_rsa_sizes.json")) {
        let (jwk, jws) = (entry.get("jwk").unwrap().to_string(), text(&entry, "jws"));
        let payload = verify(&jwk, jws);
        if entry.get("surplus").is_some() {
            // A good encoded message with one bit more before it, where a modulus of 8i + 1 bits
            // leaves room for one.
            assert_eq!(payload, Err(VerifyError::Signature), "{jws}");
            continue;
        }
        assert_eq!(
            payload,
            Ok(entry.get("bits").unwrap().to_string().into_bytes()),
            "{jws}"
        );
        for part in [1, 2] {
            let error = verify(&jwk, &turned(jws, part, 1)).err();
            assert_eq!(error, Some(VerifyError::Signature), "{jws}");
        }
    }
}

#[test]
fn thumbprints_in_rfcs_are_reproduced() {
    let rsa = concat!(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86z"#,
        "wu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt",
        "7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr",
        "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44",
        r#"-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
    );
    let ed25519 =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    for (jwk, thumbprint) in [
        (rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        (ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ] {
        let key = VerifyingKey::from_jwk(&Object::parse(jwk.as_bytes(), 2).unwrap()).unwrap();
        assert_eq!(base64url::encode(&key.thumbprint()), thumbprint);
        // What is left out of the thumbprint, and the order, does not change it.
        let exported = key.to_jwk();
        let again = VerifyingKey::from_jwk(&exported).unwrap();
        assert!(again.is_same(&key), "{exported}");
    }
}
