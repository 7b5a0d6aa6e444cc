//! Runs a file with Wycheproof's JSON Web Signature, Key or Crypto schema through the built
//! component.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Check, Kind, Ways};

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
    /// Compact; other serialisations are objects, or text that is one. None where the test is about
    /// encryption.
    jws: Option<Value>,
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

/// The results of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) total: usize,
    pub(crate) agree: usize,
    /// Valid tokens that a rule of Tollgate's refuses, see [`Policy`].
    pub(crate) refused_by_policy: usize,
    pub(crate) disagree: usize,
}

/// Runs a file in every way and prints how many agree, and each that does not.
pub(crate) async fn run(ways: &mut Ways, file: &Path) -> Result<Summary, String> {
    let text = std::fs::read(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let vectors: File = serde_json::from_slice(&text).map_err(|error| {
        format!(
            "{} is not of the JSON Web Signature schema: {error}",
            file.display()
        )
    })?;
    let tests = vectors.groups.iter().flat_map(|group| {
        let keys = keys_of(&group.rest);
        let signed = group.tests.iter().filter(|test| test.jws.is_some());
        signed.map(move |test| (keys.clone(), test))
    });
    let tests: Vec<(Keys, &Test)> = tests.collect();
    let checks: Vec<Check> = tests
        .iter()
        .flat_map(|(keys, test)| [keys.check(test), keys.check_without_algorithm(test)])
        .collect();
    let answers = ways.answers(&checks.iter().collect::<Vec<_>>()).await?;
    let mut summary = Summary::default();
    for (number, (keys, test)) in tests.iter().enumerate() {
        let (at, without_algorithm) = (2 * number, 2 * number + 1);
        if let Some(difference) = answers.difference(at, false) {
            summary.total += 1;
            summary.disagree += 1;
            println!("  tcId {} ({}): {difference}", test.id, test.comment);
            continue;
        }
        let got = match compact(test) {
            Some(_) => answers.first(at).clone(),
            None => Answer::failed(Kind::Invalid, "not-compact"),
        };
        let policy = Policy::of(keys, test, answers.first(without_algorithm));
        judge(test, &got, policy, &mut summary);
    }
    println!(
        "{} of {} agree; {} valid ones are refused by policy; {} disagree",
        summary.agree, summary.total, summary.refused_by_policy, summary.disagree
    );
    Ok(summary)
}

/// Why a token that is valid in the file is refused nevertheless.
#[derive(Clone, Copy)]
enum Policy {
    /// Only asymmetric algorithms are accepted.
    Hmac,
    /// The JWK's `alg` is not the token's (RFC 7517 section 4.4); without it the token is valid.
    OtherAlgorithm,
}

impl Policy {
    fn of(keys: &Keys, test: &Test, without_algorithm: &Answer) -> Option<Self> {
        if keys.symmetric {
            return Some(Self::Hmac);
        }
        let (own, _) = keys.algorithm()?;
        if algorithm_of(compact(test)?) == Some(own) {
            return None;
        }
        without_algorithm.is_valid().then_some(Self::OtherAlgorithm)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Hmac => "HMAC is never accepted",
            Self::OtherAlgorithm => "the key's `alg` is for another algorithm",
        }
    }
}

/// A test's token, where it is in the compact serialisation.
fn compact(test: &Test) -> Option<&str> {
    let jws = test.jws.as_ref()?.as_str()?;
    (!jws.trim_start().starts_with('{')).then_some(jws)
}

/// `alg` of a token's header.
fn algorithm_of(jws: &str) -> Option<Value> {
    let header = Base64UrlUnpadded::decode_vec(jws.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("alg").cloned()
}

/// A group's keys, as the component takes them.
#[derive(Clone)]
struct Keys {
    text: String,
    symmetric: bool,
}

impl Keys {
    fn check(&self, test: &Test) -> Check {
        Check::Jws {
            keys: self.text.clone(),
            jws: compact(test).unwrap_or_default().to_owned(),
        }
    }

    /// The same by the one key without its `alg`.
    fn check_without_algorithm(&self, test: &Test) -> Check {
        let keys = self.algorithm().map_or_else(String::new, |(_, rest)| rest);
        Check::Jws {
            keys,
            jws: compact(test).unwrap_or_default().to_owned(),
        }
    }

    /// `alg` of the one key, and the key without it.
    fn algorithm(&self) -> Option<(Value, String)> {
        let mut jwk: Map<String, Value> = serde_json::from_str(&self.text).ok()?;
        let own = jwk.remove("alg")?;
        Some((own, Value::Object(jwk).to_string()))
    }
}

fn judge(test: &Test, got: &Answer, policy: Option<Policy>, summary: &mut Summary) {
    summary.total += 1;
    let agrees = match test.result.as_str() {
        "valid" => got.is_valid(),
        "invalid" => got.is_verdict() && !got.is_valid(),
        // "acceptable": either way is.
        _ => got.is_verdict(),
    };
    if agrees {
        summary.agree += 1;
        return;
    }
    let policy = policy.filter(|_| !got.is_valid());
    match policy {
        Some(_) => summary.refused_by_policy += 1,
        None => summary.disagree += 1,
    }
    println!(
        "  tcId {} ({}): expected {}, got {got}{}",
        test.id,
        test.comment,
        test.result,
        policy.map_or_else(String::new, |policy| format!(
            " [policy: {}]",
            policy.words()
        ))
    );
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
    fn the_public_key_is_preferred_and_a_private_key_is_stripped() {
        let both = json!({ "private": { "kty": "RSA", "d": "x" }, "public": { "kty": "EC" } });
        assert_eq!(keys(both).text, r#"{"kty":"EC"}"#);
        let private = json!({ "private": { "kty": "EC", "d": "x", "key_ops": ["sign"] } });
        assert_eq!(keys(private).text, r#"{"key_ops":["verify"],"kty":"EC"}"#);
    }

    #[test]
    fn a_symmetric_key_is_not_changed() {
        let found = keys(json!({ "private": { "kty": "oct", "k": "AA" } }));
        assert!(found.symmetric && found.text.contains("\"k\""));
        assert!(!keys(json!({ "keys": [{ "kty": "oct" }, { "kty": "EC" }] })).symmetric);
    }
}
