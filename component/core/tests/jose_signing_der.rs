//! Private keys in DER, put together element by element.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
mod jose_signing_keys;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jose_signing_keys::jwk;
use tollgate_core::jose::{SigningKey, SigningKeyError, base64url};

const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
/// Of the same length.
const PRIME239V3: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 6];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

const fn context(number: u8) -> u8 {
    0xA0 | number
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let len = u8::try_from(value.len()).unwrap();
    let len = if len < 0x80 {
        vec![len]
    } else {
        vec![0x81, len]
    };
    [&[tag], &len[..], &value].concat()
}

fn member(name: &str) -> Vec<u8> {
    let jwk = jwk("p256");
    base64url::decode(jwk.get(name).unwrap().as_str().unwrap()).unwrap()
}

/// The tag of a point and its bytes.
fn point(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag], bytes].concat()
}

/// `ECPrivateKey`.
fn sec1(curve: Option<&[u8]>, point: &[u8]) -> Vec<u8> {
    let curve = curve.map(|curve| element(context(0), &[&element(OID, &[curve])]));
    let point = element(context(1), &[&element(BIT_STRING, &[&[0], point])]);
    element(
        SEQUENCE,
        &[
            &element(INTEGER, &[&[1]]),
            &element(OCTET_STRING, &[&member("d")]),
            &curve.unwrap_or_default(),
            &point,
        ],
    )
}

/// `OneAsymmetricKey` on P-256, with more elements behind it.
fn pkcs8(private_key: &[u8], more: &[u8]) -> Vec<u8> {
    let algorithm = [element(OID, &[EC_PUBLIC_KEY]), element(OID, &[P256])];
    element(
        SEQUENCE,
        &[
            &element(INTEGER, &[&[0]]),
            &element(SEQUENCE, &[&algorithm[0], &algorithm[1]]),
            &element(OCTET_STRING, &[private_key]),
            more,
        ],
    )
}

fn read(label: &str, der: &[u8]) -> Result<(), SigningKeyError> {
    let body = STANDARD.encode(der);
    let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    SigningKey::from_text(&pem, None, None).map(|_| ())
}

fn whole_point() -> Vec<u8> {
    point(4, &[member("x"), member("y")].concat())
}

#[test]
fn two_curve_names_must_agree() {
    let with = |curve| read("PRIVATE KEY", &pkcs8(&sec1(curve, &whole_point()), &[]));
    assert_eq!(with(None), Ok(()));
    assert_eq!(with(Some(P256)), Ok(()));
    assert_eq!(with(Some(PRIME239V3)), Err(SigningKeyError::Der));
}

#[test]
fn points_must_have_the_length_of_their_curve() {
    let with = |point: &[u8]| read("EC PRIVATE KEY", &sec1(Some(P256), point));
    assert_eq!(with(&whole_point()), Ok(()));
    let x = member("x");
    for tag in [2, 3] {
        assert_eq!(with(&point(tag, &x)), Ok(()));
        for wrong in [&x[1..], &[&[0], &x[..]].concat()] {
            assert_eq!(with(&point(tag, wrong)), Err(SigningKeyError::Der));
        }
    }
    let whole = &whole_point()[1..];
    for wrong in [&whole[1..], &[whole, &[0]].concat(), &x] {
        assert_eq!(with(&point(4, wrong)), Err(SigningKeyError::Der));
    }
    for tag in [0, 1, 5, 6] {
        assert_eq!(with(&point(tag, whole)), Err(SigningKeyError::Der));
    }
}

#[test]
fn only_extensions_follow_a_key() {
    let with = |more: &[u8]| read("PRIVATE KEY", &pkcs8(&sec1(None, &whole_point()), more));
    assert_eq!(with(&element(context(2), &[])), Ok(()));
    let other = element(OCTET_STRING, &[]);
    assert_eq!(with(&other), Err(SigningKeyError::Der));
    let both = [element(context(2), &[]), other].concat();
    assert_eq!(with(&both), Err(SigningKeyError::Der));
}
