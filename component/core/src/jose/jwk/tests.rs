//! Each rule of keys from its wrong side.

use super::*;

const EC: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
    r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
);
const OKP: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn parse(json: &str) -> Object {
    Object::parse(json.as_bytes(), limits::KEY_SET_DEPTH).unwrap()
}

fn rsa(n: &[u8], e: &[u8]) -> Object {
    let mut jwk = parse(r#"{"kty":"RSA"}"#);
    jwk.insert("n", Json::String(base64url::encode(n)));
    jwk.insert("e", Json::String(base64url::encode(e)));
    jwk
}

/// An odd number of so many bits.
fn odd(bits: usize) -> Vec<u8> {
    let mut n = vec![0xFF; bits.div_ceil(8)];
    n[0] >>= (8 - bits % 8) % 8;
    n
}

/// A key with members set to other values, or taken away.
fn changed(json: &str, changes: &[(&str, Option<Json>)]) -> Object {
    let mut jwk = Object::default();
    for (name, value) in parse(json).iter() {
        if !changes.iter().any(|(changed, _)| *changed == name) {
            jwk.insert(name, value.clone());
        }
    }
    for (name, value) in changes {
        if let Some(value) = value {
            jwk.insert(*name, value.clone());
        }
    }
    jwk
}

fn string(text: &str) -> Option<Json> {
    Some(Json::String(text.to_owned()))
}

fn strings(list: &[&str]) -> Option<Json> {
    Some(Json::Array(
        list.iter()
            .map(|text| Json::String((*text).to_owned()))
            .collect(),
    ))
}

fn error(jwk: &Object) -> Option<JwkError> {
    VerifyingKey::from_jwk(jwk).err()
}

fn accepted(key: &VerifyingKey) -> Vec<&'static str> {
    let all = Algorithm::ALL
        .iter()
        .filter(|algorithm| key.accepts(**algorithm));
    all.map(|algorithm| algorithm.name()).collect()
}

#[test]
fn type_and_purpose_decide() {
    let number = || Some(Json::Number(1.into()));
    for (member, value, expected) in [
        ("kty", None, JwkError::MissingMember("kty")),
        ("kty", number(), JwkError::BadMember("kty")),
        ("kty", string("ec"), JwkError::UnsupportedType),
        ("kty", string("AKP"), JwkError::UnsupportedType),
        ("kty", string("oct"), JwkError::Symmetric),
        ("kty", string("OKP"), JwkError::UnsupportedCurve),
        ("kty", string("RSA"), JwkError::MissingMember("n")),
        ("d", string("AA"), JwkError::PrivateKey),
        ("d", Some(Json::Null), JwkError::PrivateKey),
        ("p", string("AA"), JwkError::PrivateKey),
        ("k", string("AA"), JwkError::PrivateKey),
        ("oth", Some(Json::Array(vec![])), JwkError::PrivateKey),
        ("use", string("enc"), JwkError::NotForVerifying),
        ("use", string("SIG"), JwkError::NotForVerifying),
        ("use", string(""), JwkError::NotForVerifying),
        ("use", Some(Json::Null), JwkError::BadMember("use")),
        ("use", strings(&["sig"]), JwkError::BadMember("use")),
        ("key_ops", strings(&[]), JwkError::NotForVerifying),
        ("key_ops", strings(&["sign"]), JwkError::NotForVerifying),
        (
            "key_ops",
            strings(&["encrypt", "wrapKey"]),
            JwkError::NotForVerifying,
        ),
        (
            "key_ops",
            strings(&["verify", "verify"]),
            JwkError::BadMember("key_ops"),
        ),
        (
            "key_ops",
            strings(&["verify", "x", "x"]),
            JwkError::BadMember("key_ops"),
        ),
        ("key_ops", string("verify"), JwkError::BadMember("key_ops")),
        (
            "key_ops",
            Some(Json::Array(vec![Json::Null])),
            JwkError::BadMember("key_ops"),
        ),
        ("alg", string("ES384"), JwkError::Algorithm),
        ("alg", string("RS256"), JwkError::Algorithm),
        ("alg", string("ECDH-ES"), JwkError::Algorithm),
        ("alg", string("none"), JwkError::Algorithm),
        ("alg", number(), JwkError::BadMember("alg")),
        ("kid", number(), JwkError::BadMember("kid")),
        ("kid", string(&"k".repeat(1025)), JwkError::BadMember("kid")),
    ] {
        let jwk = changed(EC, &[(member, value)]);
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
    let many: Vec<String> = (0..17).map(|i| format!("op{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["verify"]).collect();
    let jwk = changed(EC, &[("key_ops", strings(&many))]);
    assert_eq!(error(&jwk), Some(JwkError::BadMember("key_ops")));
    for changes in [
        ("use", string("sig")),
        ("key_ops", strings(&["verify"])),
        ("key_ops", strings(&["sign", "verify"])),
        ("alg", string("ES256")),
        ("x5c", strings(&["nonsense"])),
        ("kid", string("")),
    ] {
        let jwk = changed(EC, &[changes]);
        assert_eq!(error(&jwk), None, "{jwk}");
    }
}

#[test]
fn points_are_on_their_curve() {
    let x = |len: usize| string(&base64url::encode(&vec![1; len]));
    // The prime of P-256, to which 0 on the curve would be another name for it.
    let prime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    for (member, value, expected) in [
        ("crv", None, JwkError::MissingMember("crv")),
        ("crv", string("P-384"), JwkError::BadMember("x")),
        ("crv", string("secp256k1"), JwkError::UnsupportedCurve),
        ("crv", string("p-256"), JwkError::UnsupportedCurve),
        ("x", None, JwkError::MissingMember("x")),
        ("y", None, JwkError::MissingMember("y")),
        ("x", x(32), JwkError::NotOnCurve),
        ("x", string(prime), JwkError::NotOnCurve),
        ("x", x(31), JwkError::BadMember("x")),
        ("x", x(33), JwkError::BadMember("x")),
        ("y", x(0), JwkError::BadMember("y")),
        (
            "y",
            string("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"),
            JwkError::BadMember("y"),
        ),
        (
            "y",
            string("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0="),
            JwkError::BadMember("y"),
        ),
        (
            "y",
            string("x/FEzRu9m36HLN/tue659LNpXW6pCyStikYjKIWI5a0"),
            JwkError::BadMember("y"),
        ),
        (
            "y",
            string("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"),
            JwkError::NotOnCurve,
        ),
    ] {
        let jwk = changed(EC, &[(member, value)]);
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
    let zero = changed(
        EC,
        &[
            ("x", string(&base64url::encode(&[0; 32]))),
            ("y", string(&base64url::encode(&[0; 32]))),
        ],
    );
    assert_eq!(error(&zero), Some(JwkError::NotOnCurve));
}

#[test]
fn ed25519_points_are_of_full_order() {
    let x = |bytes: [u8; 32]| string(&base64url::encode(&bytes));
    let ending = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    for (member, value, expected) in [
        ("crv", string("Ed448"), JwkError::UnsupportedCurve),
        ("crv", string("X25519"), JwkError::UnsupportedCurve),
        ("crv", string("P-256"), JwkError::UnsupportedCurve),
        ("x", string("AA"), JwkError::BadMember("x")),
        (
            "x",
            string(&base64url::encode(&[1; 33])),
            JwkError::BadMember("x"),
        ),
        ("x", x(ending(2, 0, 0)), JwkError::NotOnCurve),
        // The neutral point, and those of order 2 and 4.
        ("x", x(ending(1, 0, 0)), JwkError::WeakKey),
        ("x", x(ending(0xEC, 0xFF, 0x7F)), JwkError::WeakKey),
        ("x", x(ending(0, 0, 0)), JwkError::WeakKey),
        ("x", x(ending(0, 0, 0x80)), JwkError::WeakKey),
        // The neutral point and that of order 4, with numbers beyond the prime.
        ("x", x(ending(0xEE, 0xFF, 0x7F)), JwkError::WeakKey),
        ("x", x(ending(0xED, 0xFF, 0x7F)), JwkError::WeakKey),
        ("alg", string("ES256"), JwkError::Algorithm),
        ("alg", string("Ed448"), JwkError::Algorithm),
    ] {
        let jwk = changed(OKP, &[(member, value)]);
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
}

#[test]
fn rsa_numbers_are_bounded() {
    let e = [1, 0, 1];
    for (jwk, expected) in [
        (rsa(&odd(1024), &e), JwkError::KeySize),
        (rsa(&odd(2047), &e), JwkError::KeySize),
        (rsa(&odd(8193), &e), JwkError::KeySize),
        // 2048 bits only with the zeros in front.
        (rsa(&[vec![0], odd(2040)].concat(), &e), JwkError::KeySize),
        (rsa(&[], &e), JwkError::KeySize),
        (rsa(&odd(20_000), &e), JwkError::BadMember("n")),
        (
            rsa(&[odd(2040), vec![0xFE]].concat(), &e),
            JwkError::BadMember("n"),
        ),
        (rsa(&odd(2048), &[]), JwkError::BadMember("e")),
        (rsa(&odd(2048), &[0]), JwkError::BadMember("e")),
        (rsa(&odd(2048), &[1]), JwkError::BadMember("e")),
        (rsa(&odd(2048), &[2]), JwkError::BadMember("e")),
        (rsa(&odd(2048), &[1, 0, 0]), JwkError::BadMember("e")),
        (rsa(&odd(2048), &[1, 0, 0, 0, 1]), JwkError::BadMember("e")),
    ] {
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
    for jwk in [
        rsa(&odd(2048), &[3]),
        rsa(&odd(8192), &[255, 255, 255, 255]),
        rsa(&[vec![0], odd(2048)].concat(), &[0, 1, 0, 1]),
    ] {
        assert_eq!(error(&jwk), None, "{jwk}");
    }
}

#[test]
fn one_key_one_algorithm() {
    let key = |jwk: &Object| VerifyingKey::from_jwk(jwk).unwrap();
    let with = |json: &str, alg: &str| key(&changed(json, &[("alg", string(alg))]));
    assert_eq!(accepted(&key(&parse(EC))), ["ES256"]);
    assert_eq!(accepted(&key(&parse(OKP))), ["EdDSA", "Ed25519"]);
    assert_eq!(accepted(&with(OKP, "EdDSA")), ["EdDSA"]);
    assert_eq!(accepted(&with(OKP, "Ed25519")), ["Ed25519"]);
    let rsa = rsa(&odd(2048), &[1, 0, 1]);
    let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    assert_eq!(accepted(&key(&rsa)), all);
    assert_eq!(accepted(&with(&rsa.to_string(), "PS384")), ["PS384"]);
    let refused = key(&parse(EC)).verify(Algorithm::Es384, b"", &[0; 96]);
    assert_eq!(refused, Err(SignatureError::Algorithm));
    let refused = with(&rsa.to_string(), "PS384").verify(Algorithm::Rs256, b"", &[0; 256]);
    assert_eq!(refused, Err(SignatureError::Algorithm));
}

#[test]
fn signatures_have_one_length() {
    let rsa = rsa(&odd(2048), &[1, 0, 1]);
    for (jwk, algorithm, len) in [
        (parse(EC), Algorithm::Es256, 64),
        (parse(OKP), Algorithm::EdDsa, 64),
        (rsa.clone(), Algorithm::Rs256, 256),
        (rsa, Algorithm::Ps512, 256),
    ] {
        let key = VerifyingKey::from_jwk(&jwk).unwrap();
        for wrong in [0, 1, len - 1, len + 1, 2 * len] {
            let refused = key.verify(algorithm, b"", &vec![1; wrong]);
            assert_eq!(
                refused,
                Err(SignatureError::Length),
                "{algorithm:?} {wrong}"
            );
        }
        // All zeros, all ones: numbers that are out of range for every algorithm.
        for byte in [0, 0xFF] {
            let refused = key.verify(algorithm, b"", &vec![byte; len]);
            assert_eq!(
                refused,
                Err(SignatureError::Invalid),
                "{algorithm:?} {byte}"
            );
        }
    }
}

#[test]
fn export_has_the_public_members_only() {
    let changes = [
        ("kid", string("k\"1")),
        ("use", string("sig")),
        ("x5c", strings(&["A"])),
    ];
    let key = VerifyingKey::from_jwk(&changed(EC, &changes)).unwrap();
    let exported = key.to_jwk();
    let names: Vec<&str> = exported.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["crv", "kty", "x", "y", "kid"]);
    assert!(VerifyingKey::from_jwk(&exported).unwrap().is_same(&key));
    // Zeros in front are no other key.
    let e = [1, 0, 1];
    let (plain, signed) = (rsa(&odd(2048), &e), rsa(&[vec![0], odd(2048)].concat(), &e));
    let [plain, signed] = [plain, signed].map(|jwk| VerifyingKey::from_jwk(&jwk).unwrap());
    assert!(plain.is_same(&signed));
    assert_eq!(plain.to_jwk(), signed.to_jwk());
}

#[test]
fn keys_are_told_apart() {
    let key =
        |changes: &[(&str, Option<Json>)]| VerifyingKey::from_jwk(&changed(EC, changes)).unwrap();
    let plain = key(&[]);
    assert!(plain.is_same(&key(&[("use", string("sig"))])));
    assert!(!plain.is_same(&key(&[("kid", string("a"))])));
    assert!(!plain.is_same(&key(&[("alg", string("ES256"))])));
    assert!(!plain.is_same(&VerifyingKey::from_jwk(&parse(OKP)).unwrap()));
}
