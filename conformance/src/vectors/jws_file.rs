//! Any file of Wycheproof's JSON Web Signature schema, through the built component.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::component::RawSignatures;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "testGroups")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    tests: Vec<Test>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    id: u64,
    #[serde(default)]
    comment: String,
    /// Compact; other serialisations are objects, or text that is one.
    jws: Value,
    result: String,
}

/// Names under which groups carry keys, the public ones first.
const PUBLIC: [&str; 8] = [
    "public",
    "publicJwk",
    "publicKeyJwk",
    "jwk",
    "jwks",
    "keys",
    "publicKeys",
    "key",
];
const PRIVATE: [&str; 4] = ["private", "privateJwk", "privateKeyJwk", "secret"];

/// Members that no public key has (RFC 7518 sections 6.2.2, 6.3.2).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// How a file went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) total: usize,
    pub(crate) agree: usize,
    /// Valid tokens that a rule of Tollgate's refuses, see [`Policy`].
    pub(crate) refused_by_policy: usize,
    pub(crate) disagree: usize,
}

/// Runs a file and prints how many agree, and each that does not.
pub(crate) fn run(raw: &mut RawSignatures, file: &Path) -> wasmtime::Result<Summary> {
    let text = std::fs::read(file)
        .map_err(|error| wasmtime::format_err!("{} cannot be read: {error}", file.display()))?;
    let vectors: File = serde_json::from_slice(&text).map_err(|error| {
        wasmtime::format_err!(
            "{} is not of the JSON Web Signature schema: {error}",
            file.display()
        )
    })?;
    let mut summary = Summary::default();
    for group in &vectors.groups {
        let keys = keys_of(&group.rest);
        for test in &group.tests {
            run_test(raw, &keys, test, &mut summary)?;
        }
    }
    println!(
        "{} of {} agree; {} valid ones are refused by policy; {} disagree",
        summary.agree, summary.total, summary.refused_by_policy, summary.disagree
    );
    Ok(summary)
}

/// Why a token that the file calls valid is refused all the same.
#[derive(Clone, Copy)]
enum Policy {
    /// Only asymmetric algorithms are accepted.
    Hmac,
    /// The JWK's `alg` is not the token's (RFC 7517 section 4.4); without it the token is valid.
    OtherAlgorithm,
}

impl Policy {
    fn of(raw: &mut RawSignatures, keys: &Keys, jws: &Value) -> wasmtime::Result<Option<Self>> {
        if keys.symmetric {
            return Ok(Some(Self::Hmac));
        }
        let Ok(Value::Object(mut jwk)) = serde_json::from_str(&keys.text) else {
            return Ok(None);
        };
        let (Some(own), Some(jws)) = (jwk.remove("alg"), jws.as_str()) else {
            return Ok(None);
        };
        if algorithm_of(jws) == Some(own) {
            return Ok(None);
        }
        let verified = raw.verify_jws(&Value::Object(jwk).to_string(), jws)?;
        Ok(verified.ok().map(|_| Self::OtherAlgorithm))
    }

    fn words(self) -> &'static str {
        match self {
            Self::Hmac => "HMAC is never accepted",
            Self::OtherAlgorithm => "the key's `alg` is for another algorithm",
        }
    }
}

/// `alg` of a token's header.
fn algorithm_of(jws: &str) -> Option<Value> {
    let header = Base64UrlUnpadded::decode_vec(jws.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("alg").cloned()
}

/// A group's keys, as the component takes them.
struct Keys {
    text: String,
    symmetric: bool,
}

fn run_test(
    raw: &mut RawSignatures,
    keys: &Keys,
    test: &Test,
    summary: &mut Summary,
) -> wasmtime::Result<()> {
    summary.total += 1;
    let got = match test.jws.as_str() {
        Some(jws) if !jws.trim_start().starts_with('{') => raw
            .verify_jws(&keys.text, jws)?
            .map(|_| ())
            .map_err(|failure| failure.code().to_owned()),
        _ => Err("not-compact".to_owned()),
    };
    let agrees = match test.result.as_str() {
        "valid" => got.is_ok(),
        "invalid" => got.is_err(),
        // "acceptable": either way is.
        _ => true,
    };
    if agrees {
        summary.agree += 1;
        return Ok(());
    }
    let policy = match got {
        Err(_) => Policy::of(raw, keys, &test.jws)?,
        Ok(()) => None,
    };
    match policy {
        Some(_) => summary.refused_by_policy += 1,
        None => summary.disagree += 1,
    }
    println!(
        "  tcId {} ({}): expected {}, got {}{}",
        test.id,
        test.comment,
        test.result,
        got.err().as_deref().unwrap_or("valid"),
        policy.map_or_else(String::new, |policy| format!(
            " [policy: {}]",
            policy.words()
        ))
    );
    Ok(())
}

fn keys_of(group: &Map<String, Value>) -> Keys {
    let found = PUBLIC
        .iter()
        .chain(&PRIVATE)
        .find_map(|name| group.get(*name).filter(|value| !value.is_string()));
    let keys = match found {
        None => json!({ "keys": [] }),
        Some(Value::Array(list)) => json!({ "keys": list.iter().map(public).collect::<Vec<_>>() }),
        Some(set) if set.get("keys").is_some_and(Value::is_array) => {
            let list = set["keys"].as_array().into_iter().flatten();
            json!({ "keys": list.map(public).collect::<Vec<_>>() })
        }
        Some(jwk) => public(jwk),
    };
    let is_symmetric = |jwk: &Value| jwk["kty"] == "oct";
    Keys {
        symmetric: match keys.get("keys").and_then(Value::as_array) {
            Some(list) => !list.is_empty() && list.iter().all(is_symmetric),
            None => is_symmetric(&keys),
        },
        text: keys.to_string(),
    }
}

/// The public half. A symmetric key has none and stays: it is to be refused as it is. `key_ops`
/// of a private half names what the public half is for by its counterpart.
fn public(jwk: &Value) -> Value {
    let mut jwk = jwk.clone();
    let Some(members) = jwk.as_object_mut().filter(|members| {
        PRIVATE_MEMBERS
            .iter()
            .any(|name| members.contains_key(*name))
    }) else {
        return jwk;
    };
    for name in PRIVATE_MEMBERS {
        members.remove(name);
    }
    if let Some(operations) = members.get_mut("key_ops").and_then(Value::as_array_mut) {
        for operation in operations
            .iter_mut()
            .filter(|operation| **operation == "sign")
        {
            *operation = "verify".into();
        }
    }
    jwk
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(group: Value) -> Keys {
        keys_of(group.as_object().expect("an object"))
    }

    #[test]
    fn keys_are_found_under_many_names() {
        for name in PUBLIC {
            let found = keys(json!({ name: { "kty": "EC", "x": "a" } }));
            assert!(found.text.contains("\"EC\""), "{name}");
        }
        assert_eq!(
            keys(json!({ "jwks": { "keys": [{ "kty": "EC", "d": "x" }] } })).text,
            r#"{"keys":[{"kty":"EC"}]}"#
        );
        assert_eq!(
            keys(json!({ "keys": [{ "kty": "OKP" }] })).text,
            r#"{"keys":[{"kty":"OKP"}]}"#
        );
        assert_eq!(keys(json!({})).text, r#"{"keys":[]}"#);
    }

    #[test]
    fn the_public_key_goes_before_the_private_and_a_private_one_is_stripped() {
        let both = json!({ "private": { "kty": "RSA", "d": "x" }, "public": { "kty": "EC" } });
        assert_eq!(keys(both).text, r#"{"kty":"EC"}"#);
        let private = json!({ "private": { "kty": "EC", "d": "x", "key_ops": ["sign"] } });
        assert_eq!(keys(private).text, r#"{"key_ops":["verify"],"kty":"EC"}"#);
    }

    #[test]
    fn a_symmetric_key_stays_as_it_is() {
        let found = keys(json!({ "private": { "kty": "oct", "k": "AA" } }));
        assert!(found.symmetric && found.text.contains("\"k\""));
        assert!(!keys(json!({ "keys": [{ "kty": "oct" }, { "kty": "EC" }] })).symmetric);
    }
}
