//! One public key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use std::fmt::{self, Debug, Display, Formatter};
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::ecdsa::{self, GeneratorTables};
use super::eddsa::Ed25519Key;
use super::rsa::RsaKey;
use super::signature::{SignatureError, SignatureVerifier};
use super::{Algorithm, base64url, limits};
use crate::json::{Json, Object};

/// A public key that may verify signatures: parsed and checked once, used many times.
///
/// One key, one algorithm (RFC 8725 section 3.1): `alg` is kept to where the key has one, else
/// the key's type and curve decide.
pub struct VerifyingKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    thumbprint: [u8; 32],
    verifier: Box<dyn SignatureVerifier>,
}

/// Why a JWK cannot be used. Nothing of the key is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwkError {
    /// Not a JSON object.
    NotAnObject,
    /// A member is missing.
    MissingMember(&'static str),
    /// A member is of the wrong type, too long, or not what its specification allows.
    BadMember(&'static str),
    /// The key type is not `RSA`, `EC` or `OKP`.
    UnsupportedType,
    /// The curve is not P-256, P-384, P-521 or Ed25519.
    UnsupportedCurve,
    /// A shared secret.
    Symmetric,
    /// The private part is there. What is published in a key set is known to everybody.
    PrivateKey,
    /// `use` or `key_ops` says that the key is not for verifying signatures.
    NotForVerifying,
    /// `alg` does not fit the key, or is not one of [`Algorithm::ALL`].
    Algorithm,
    /// The RSA modulus is too small or too large ([`limits::RSA_BITS`]).
    KeySize,
    /// The coordinates are not those of a point on the curve.
    NotOnCurve,
    /// A point of small order, under which anything verifies.
    WeakKey,
    /// One key too many ([`limits::KEYS`]).
    TooMany,
}

impl JwkError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAnObject => "jwk-not-an-object",
            Self::MissingMember(_) => "jwk-missing-member",
            Self::BadMember(_) => "jwk-bad-member",
            Self::UnsupportedType => "jwk-unsupported-type",
            Self::UnsupportedCurve => "jwk-unsupported-curve",
            Self::Symmetric => "jwk-symmetric",
            Self::PrivateKey => "jwk-private-key",
            Self::NotForVerifying => "jwk-not-for-verifying",
            Self::Algorithm => "jwk-algorithm",
            Self::KeySize => "jwk-key-size",
            Self::NotOnCurve => "jwk-not-on-curve",
            Self::WeakKey => "jwk-weak-key",
            Self::TooMany => "jwk-too-many",
        }
    }
}

impl Display for JwkError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => out.write_str("is not a JSON object"),
            Self::MissingMember(name) => write!(out, "has no {name}"),
            Self::BadMember(name) => write!(out, "has a bad {name}"),
            Self::UnsupportedType => out.write_str("is of a type that is not supported"),
            Self::UnsupportedCurve => out.write_str("is on a curve that is not supported"),
            Self::Symmetric => out.write_str("is a shared secret"),
            Self::PrivateKey => out.write_str("is private"),
            Self::NotForVerifying => out.write_str("is not for verifying signatures"),
            Self::Algorithm => out.write_str("has an alg that it does not fit"),
            Self::KeySize => write!(
                out,
                "does not have {} to {} bits",
                limits::RSA_BITS.start(),
                limits::RSA_BITS.end()
            ),
            Self::NotOnCurve => out.write_str("is not a point on its curve"),
            Self::WeakKey => out.write_str("is a point of small order"),
            Self::TooMany => write!(out, "comes after {} others", limits::KEYS),
        }
    }
}

impl std::error::Error for JwkError {}

/// A member that must be there, as text.
pub(super) fn text<'a>(jwk: &'a Object, name: &'static str) -> Result<&'a str, JwkError> {
    let value = jwk.get(name).ok_or(JwkError::MissingMember(name))?;
    value.as_str().ok_or(JwkError::BadMember(name))
}

/// A member that must be there, in base64url. The longest is a modulus of
/// [`limits::RSA_BITS`] with a few zeros before it.
pub(super) fn bytes(jwk: &Object, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let text = text(jwk, name)?;
    if text.len() > limits::RSA_BITS.end() / 6 + 16 {
        return Err(JwkError::BadMember(name));
    }
    base64url::decode(text).ok_or(JwkError::BadMember(name))
}

impl VerifyingKey {
    /// Reads a public key. Members that are not known are ignored, as RFC 7517 section 4 has it;
    /// so are certificates, which nothing here vouches for.
    ///
    /// # Errors
    /// The first rule that the key breaks.
    pub fn from_jwk(jwk: &Object) -> Result<Self, JwkError> {
        Self::from_jwk_with(jwk, &Rc::default())
    }

    /// [`VerifyingKey::from_jwk`] with tables that are shared with other keys.
    ///
    /// # Errors
    /// The first rule that the key breaks.
    pub fn from_jwk_with(jwk: &Object, tables: &Rc<GeneratorTables>) -> Result<Self, JwkError> {
        let kty = text(jwk, "kty")?;
        if kty == "oct" {
            return Err(JwkError::Symmetric);
        }
        if PRIVATE.iter().any(|name| jwk.get(name).is_some()) {
            return Err(JwkError::PrivateKey);
        }
        check_use(jwk)?;
        let kid = match jwk.get("kid") {
            None => None,
            Some(Json::String(kid)) if kid.len() <= limits::KEY_ID_BYTES => Some(kid.clone()),
            Some(_) => return Err(JwkError::BadMember("kid")),
        };
        let verifier: Box<dyn SignatureVerifier> = match kty {
            "RSA" => Box::new(RsaKey::from_jwk(jwk)?),
            "EC" => ecdsa::from_jwk(jwk, tables)?,
            "OKP" => Box::new(Ed25519Key::from_jwk(jwk)?),
            _ => return Err(JwkError::UnsupportedType),
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(Json::String(name)) => {
                Some(Algorithm::from_name(name).ok_or(JwkError::Algorithm)?)
            }
            Some(_) => return Err(JwkError::BadMember("alg")),
        };
        if algorithm.is_some_and(|algorithm| !verifier.fits(algorithm)) {
            return Err(JwkError::Algorithm);
        }
        let thumbprint = Sha256::digest(object(verifier.members()).to_string()).into();
        Ok(Self {
            kid,
            algorithm,
            thumbprint,
            verifier,
        })
    }

    /// `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The JWK thumbprint with SHA-256 (RFC 7638): the same for the same key, whatever else its
    /// JWK says.
    #[must_use]
    pub const fn thumbprint(&self) -> [u8; 32] {
        self.thumbprint
    }

    /// Whether both are one key under the same `kid` for the same algorithms, so that either may
    /// stand for the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint
            && self.kid == other.kid
            && self.algorithm == other.algorithm
    }

    /// Whether the key may be used with this algorithm.
    #[must_use]
    pub fn accepts(&self, algorithm: Algorithm) -> bool {
        match self.algorithm {
            Some(own) => own == algorithm,
            None => self.verifier.fits(algorithm),
        }
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`SignatureError::Algorithm`] where the key does not accept the algorithm, else what is
    /// wrong with the signature.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if !self.accepts(algorithm) {
            return Err(SignatureError::Algorithm);
        }
        self.verifier.verify(algorithm, message, signature)
    }

    /// The key as a JWK again: what makes the key, `kid` and `alg`, and nothing else.
    #[must_use]
    pub fn to_jwk(&self) -> Object {
        let mut jwk = object(self.verifier.members());
        if let Some(kid) = &self.kid {
            jwk.insert("kid", Json::String(kid.clone()));
        }
        if let Some(algorithm) = self.algorithm {
            jwk.insert("alg", Json::String(algorithm.name().to_owned()));
        }
        jwk
    }
}

/// Members of private keys (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn object(members: Vec<(&'static str, String)>) -> Object {
    let mut object = Object::default();
    for (name, value) in members {
        object.insert(name, Json::String(value));
    }
    object
}

/// RFC 7517 sections 4.2 and 4.3.
fn check_use(jwk: &Object) -> Result<(), JwkError> {
    match jwk.get("use") {
        None => {}
        Some(Json::String(value)) if value == "sig" => {}
        Some(Json::String(_)) => return Err(JwkError::NotForVerifying),
        Some(_) => return Err(JwkError::BadMember("use")),
    }
    let Some(operations) = jwk.get("key_ops") else {
        return Ok(());
    };
    let bad = JwkError::BadMember("key_ops");
    let operations = operations.as_array().ok_or(bad)?;
    if operations.len() > limits::KEY_OPERATIONS {
        return Err(bad);
    }
    for (i, operation) in operations.iter().enumerate() {
        if operation.as_str().is_none() || operations[..i].contains(operation) {
            return Err(bad);
        }
    }
    if operations
        .iter()
        .any(|operation| operation.as_str() == Some("verify"))
    {
        Ok(())
    } else {
        Err(JwkError::NotForVerifying)
    }
}

impl Debug for VerifyingKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("VerifyingKey");
        out.field("kid", &self.kid)
            .field("algorithm", &self.algorithm);
        out.field("thumbprint", &base64url::encode(&self.thumbprint))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
        let key = |changes: &[(&str, Option<Json>)]| {
            VerifyingKey::from_jwk(&changed(EC, changes)).unwrap()
        };
        let plain = key(&[]);
        assert!(plain.is_same(&key(&[("use", string("sig"))])));
        assert!(!plain.is_same(&key(&[("kid", string("a"))])));
        assert!(!plain.is_same(&key(&[("alg", string("ES256"))])));
        assert!(!plain.is_same(&VerifyingKey::from_jwk(&parse(OKP)).unwrap()));
    }
}
