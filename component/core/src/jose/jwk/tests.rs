//! Tests that break each rule of keys.

use super::*;
use crate::jose::public_key::Curve;

const EC: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
    r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
);
const OKP: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn parse(json: &str) -> Object<'_> {
    Object::parse(json.as_bytes(), limits::KEY_SET_DEPTH).unwrap()
}

fn rsa(n: &[u8], e: &[u8]) -> Object<'static> {
    let mut jwk = parse(r#"{"kty":"RSA"}"#);
    jwk.insert("n", Json::String(base64url::encode(n).into()));
    jwk.insert("e", Json::String(base64url::encode(e).into()));
    jwk
}

/// An odd number with this many bits.
fn odd(bits: usize) -> Vec<u8> {
    let mut n = vec![0xFF; bits.div_ceil(8)];
    n[0] >>= (8 - bits % 8) % 8;
    n
}

/// A key with members set to other values, or taken away.
fn changed(json: &str, changes: &[(&str, Option<Json<'_>>)]) -> Object<'static> {
    let unchanged = parse(json);
    let mut jwk = Object::default();
    for (name, value) in unchanged.iter() {
        if !changes.iter().any(|(changed, _)| *changed == name) {
            jwk.insert(name, value.clone());
        }
    }
    for (name, value) in changes {
        if let Some(value) = value {
            jwk.insert(*name, value.clone());
        }
    }
    jwk.into_owned()
}

fn string(text: &str) -> Option<Json<'static>> {
    Some(Json::String(text.to_owned().into()))
}

fn strings(list: &[&str]) -> Option<Json<'static>> {
    Some(Json::Array(
        list.iter()
            .map(|text| Json::String((*text).to_owned().into()))
            .collect(),
    ))
}

fn error(jwk: &Object<'_>) -> Option<JwkError> {
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
    let many: Vec<String> = (0..16).map(|i| format!("op{i}")).collect();
    let many: Vec<&str> = ["verify"]
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
    let jwk = changed(EC, &[("key_ops", strings(&many))]);
    assert_eq!(error(&jwk), Some(JwkError::BadMember("key_ops")));
    let jwk = changed(EC, &[("key_ops", strings(&many[..16]))]);
    assert_eq!(error(&jwk), None);
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
fn coordinates_are_below_the_prime() {
    let x = |len: usize| string(&base64url::encode(&vec![1; len]));
    // The prime of P-256, which would be another encoding of 0.
    let prime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    for (member, value, expected) in [
        ("crv", None, JwkError::MissingMember("crv")),
        ("crv", string("P-384"), JwkError::BadMember("x")),
        ("crv", string("secp256k1"), JwkError::UnsupportedCurve),
        ("crv", string("p-256"), JwkError::UnsupportedCurve),
        ("x", None, JwkError::MissingMember("x")),
        ("y", None, JwkError::MissingMember("y")),
        ("x", string(prime), JwkError::NotOnCurve),
        ("y", string(prime), JwkError::NotOnCurve),
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
    // The host checks the curve's equation.
    assert_eq!(error(&changed(EC, &[("x", x(32))])), None);
}

#[test]
fn ed25519_keys_are_canonical_points_of_full_order() {
    let x = |bytes: [u8; 32]| string(&base64url::encode(&bytes));
    // Little-endian: the first byte, the 30 in the middle, the last.
    let ending = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    for (member, value, expected) in [
        ("crv", string("Ed448"), JwkError::UnsupportedCurve),
        ("crv", string("X25519"), JwkError::UnsupportedCurve),
        ("crv", string("P-256"), JwkError::UnsupportedCurve),
        ("x", None, JwkError::MissingMember("x")),
        ("x", string("AA"), JwkError::BadMember("x")),
        (
            "x",
            string(&base64url::encode(&[1; 33])),
            JwkError::BadMember("x"),
        ),
        ("alg", string("ES256"), JwkError::Algorithm),
        ("alg", string("Ed448"), JwkError::Algorithm),
    ] {
        let jwk = changed(OKP, &[(member, value)]);
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
    // The order of a point, and its y.
    let order_8 = {
        let hex = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
        let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn::<u8, 32, _>(byte)
    };
    // -y: subtracted from the prime.
    let negative = {
        let prime = ending(0xED, 0xFF, 0x7F);
        let mut borrow = 0;
        std::array::from_fn::<u8, 32, _>(|at| {
            let difference = i16::from(prime[at]) - i16::from(order_8[at]) - borrow;
            borrow = i16::from(difference < 0);
            difference.rem_euclid(256) as u8
        })
    };
    for (order, y) in [
        (1, ending(1, 0, 0)),
        (2, ending(0xEC, 0xFF, 0x7F)),
        (4, ending(0, 0, 0)),
        (8, order_8),
        (8, negative),
        // The same numbers plus the prime.
        (1, ending(0xEE, 0xFF, 0x7F)),
        (4, ending(0xED, 0xFF, 0x7F)),
    ] {
        for sign in [0, 0x80] {
            let mut y = y;
            y[31] |= sign;
            let jwk = changed(OKP, &[("x", x(y))]);
            assert_eq!(error(&jwk), Some(JwkError::WeakKey), "order {order}, {jwk}");
        }
    }
    // All other numbers beyond the prime.
    for first in 0xEF..=0xFF {
        for last in [0x7F, 0xFF] {
            let jwk = changed(OKP, &[("x", x(ending(first, 0xFF, last)))]);
            assert_eq!(error(&jwk), Some(JwkError::NotOnCurve), "{jwk}");
        }
    }
    // The largest below the prime that are of full order, if they are points at all: the host's
    // to find out.
    for bytes in [ending(0xEB, 0xFF, 0x7F), ending(2, 0, 0)] {
        assert_eq!(error(&changed(OKP, &[("x", x(bytes))])), None);
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
        // Of zeros, only a few.
        (
            rsa(&[vec![0; 12], odd(8192)].concat(), &e),
            JwkError::BadMember("n"),
        ),
        (rsa(&odd(2048), &[1, 0, 0, 0, 1]), JwkError::BadMember("e")),
    ] {
        assert_eq!(error(&jwk), Some(expected), "{jwk}");
    }
    for jwk in [
        rsa(&odd(2048), &[3]),
        rsa(&odd(8192), &[255, 255, 255, 255]),
        rsa(&[vec![0], odd(2048)].concat(), &[0, 1, 0, 1]),
        rsa(&[vec![0; 11], odd(8192)].concat(), &e),
    ] {
        assert_eq!(error(&jwk), None, "{jwk}");
    }
}

#[test]
fn weak_rsa_keys_are_refused() {
    let e = [1, 0, 1];
    for jwk in [
        // An even modulus.
        rsa(&[odd(2040), vec![0xFE]].concat(), &e),
        // Exponents below 3 and even ones, also with zeros in front.
        rsa(&odd(2048), &[]),
        rsa(&odd(2048), &[0]),
        rsa(&odd(2048), &[1]),
        rsa(&odd(2048), &[0, 0, 1]),
        rsa(&odd(2048), &[2]),
        rsa(&odd(2048), &[1, 0, 0]),
        rsa(&odd(2048), &[255, 255, 255, 254]),
    ] {
        assert_eq!(error(&jwk), Some(JwkError::WeakKey), "{jwk}");
    }
}

#[test]
fn one_key_one_algorithm() {
    let key = |jwk: &Object<'_>| VerifyingKey::from_jwk(jwk).unwrap();
    let with = |json: &str, alg: &str| key(&changed(json, &[("alg", string(alg))]));
    assert_eq!(key(&parse(EC)).algorithm(), None);
    assert_eq!(with(OKP, "EdDSA").algorithm(), Some(Algorithm::EdDsa));
    assert_eq!(accepted(&key(&parse(EC))), ["ES256"]);
    assert_eq!(accepted(&key(&parse(OKP))), ["EdDSA", "Ed25519"]);
    assert_eq!(accepted(&with(OKP, "EdDSA")), ["EdDSA"]);
    assert_eq!(accepted(&with(OKP, "Ed25519")), ["Ed25519"]);
    let rsa = rsa(&odd(2048), &[1, 0, 1]);
    let all = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    assert_eq!(accepted(&key(&rsa)), all);
    assert_eq!(accepted(&with(&rsa.to_string(), "PS384")), ["PS384"]);
}

#[test]
fn signatures_have_one_length_and_one_range() {
    let rsa = rsa(&odd(2048), &[1, 0, 1]);
    for (jwk, len) in [(parse(EC), 64), (parse(OKP), 64), (rsa, 256)] {
        let key = VerifyingKey::from_jwk(&jwk).unwrap();
        let form = |signature: &[u8]| key.public().check_form(signature);
        for wrong in [0, 1, 32, len - 1, len + 1, 2 * len] {
            assert_eq!(form(&vec![1; wrong]), Err(SignatureForm::Length), "{wrong}");
        }
        assert_eq!(form(&vec![1; len]), Ok(()));
        assert_eq!(form(&vec![0xFF; len]), Err(SignatureForm::Range));
    }
}

#[test]
fn ecdsa_numbers_are_from_1_to_the_order() {
    for curve in [Curve::P256, Curve::P384, Curve::P521] {
        let (len, order) = (curve.field_len(), curve.order().to_vec());
        assert_eq!(order.len(), len);
        let key = PublicKey::ec(curve, vec![0; len], vec![1; len]).unwrap();
        let (zero, mut below) = (vec![0; len], order.clone());
        *below.last_mut().unwrap() -= 1;
        for (number, good) in [(&zero, false), (&order, false), (&below, true)] {
            for signature in [[number, &below], [&below, number]] {
                let form = key.check_form(&signature.map(Vec::as_slice).concat());
                assert_eq!(form.is_ok(), good, "{curve:?}");
            }
        }
    }
}

#[test]
fn rsa_signatures_are_below_the_modulus() {
    let n = odd(2048);
    let key = PublicKey::rsa(n.clone(), vec![3]).unwrap();
    assert_eq!(key.check_form(&n), Err(SignatureForm::Range));
    let mut below = n;
    below[255] -= 1;
    assert_eq!(key.check_form(&below), Ok(()));
}

#[test]
fn ed25519_signatures_have_s_below_the_order() {
    let key = VerifyingKey::from_jwk(&parse(OKP)).unwrap();
    // L = 2^252 + 27742317777372353535851937790883648493, little-endian.
    let low = 27_742_317_777_372_353_535_851_937_790_883_648_493_u128;
    let mut order = [0; 32];
    order[..16].copy_from_slice(&low.to_le_bytes());
    order[31] = 0x10;
    let form = |s: [u8; 32]| key.public().check_form(&[[0xFF; 32], s].concat());
    assert_eq!(form(order), Err(SignatureForm::Range));
    order[0] -= 1;
    assert_eq!(form(order), Ok(()));
    order[31] = 0x11;
    assert_eq!(form(order), Err(SignatureForm::Range));
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
    // Leading zeros do not change the key.
    let e = [1, 0, 1];
    let (plain, signed) = (rsa(&odd(2048), &e), rsa(&[vec![0], odd(2048)].concat(), &e));
    let [plain, signed] = [plain, signed].map(|jwk| VerifyingKey::from_jwk(&jwk).unwrap());
    assert!(plain.is_same(&signed));
    assert_eq!(plain.to_jwk(), signed.to_jwk());
}

#[test]
fn different_keys_are_not_equal() {
    let key = |changes: &[(&str, Option<Json<'_>>)]| {
        VerifyingKey::from_jwk(&changed(EC, changes)).unwrap()
    };
    let plain = key(&[]);
    assert!(plain.is_same(&key(&[("use", string("sig"))])));
    assert!(!plain.is_same(&key(&[("kid", string("a"))])));
    assert!(!plain.is_same(&key(&[("alg", string("ES256"))])));
    assert!(!plain.is_same(&VerifyingKey::from_jwk(&parse(OKP)).unwrap()));
}
