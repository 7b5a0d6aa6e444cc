//! Private keys as JWKs (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).

use zeroize::Zeroizing;

use super::key_material::{EcCurve, KeyMaterial, RsaNumbers};
use super::signing_key_error::SigningKeyError;
use super::{Algorithm, JwkError, jwk};
use crate::json::{Json, Object};

/// What a private JWK says.
pub(super) struct PrivateJwk {
    pub(super) material: KeyMaterial,
    pub(super) kid: Option<String>,
    pub(super) algorithm: Option<Algorithm>,
}

impl PrivateJwk {
    /// Reads one.
    pub(super) fn from_jwk(jwk: &Object) -> Result<Self, SigningKeyError> {
        if jwk.get("keys").is_some() {
            return Err(SigningKeyError::KeySet);
        }
        let kty = jwk::text(jwk, "kty")?;
        if kty == "oct" {
            return Err(SigningKeyError::Symmetric);
        }
        if !matches!(kty, "RSA" | "EC" | "OKP") {
            return Err(SigningKeyError::UnsupportedType);
        }
        if jwk.get("d").is_none() {
            return Err(SigningKeyError::PublicKey);
        }
        jwk::check_use(jwk, "sign")?;
        let kid = match jwk.get("kid") {
            None => None,
            Some(Json::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(SigningKeyError::KeyId),
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(Json::String(name)) => {
                Some(Algorithm::from_name(name).ok_or(SigningKeyError::UnsupportedAlgorithm)?)
            }
            Some(_) => return Err(SigningKeyError::BadMember("alg")),
        };
        let material = match kty {
            "RSA" => rsa(jwk)?,
            "EC" => ec(jwk)?,
            _ => ed25519(jwk)?,
        };
        Ok(Self {
            material,
            kid,
            algorithm,
        })
    }
}

fn rsa(jwk: &Object) -> Result<KeyMaterial, SigningKeyError> {
    if jwk.get("oth").is_some() {
        return Err(SigningKeyError::UnsupportedType);
    }
    let read = |name| super::rsa::whole_number(jwk, name).map(Zeroizing::new);
    Ok(KeyMaterial::Rsa(RsaNumbers::read(read)?))
}

fn ec(jwk: &Object) -> Result<KeyMaterial, SigningKeyError> {
    let curve = match jwk::text(jwk, "crv")? {
        "P-256" => EcCurve::P256,
        "P-384" => EcCurve::P384,
        _ => return Err(SigningKeyError::UnsupportedCurve),
    };
    let scalar = Zeroizing::new(jwk::bytes(jwk, "d")?);
    let (x, y) = (jwk::bytes(jwk, "x")?, jwk::bytes(jwk, "y")?);
    Ok(KeyMaterial::Ec {
        curve,
        scalar,
        public: Some([&[4][..], &x, &y].concat()),
    })
}

fn ed25519(jwk: &Object) -> Result<KeyMaterial, SigningKeyError> {
    if jwk::text(jwk, "crv")? != "Ed25519" {
        return Err(SigningKeyError::UnsupportedCurve);
    }
    let seed = Zeroizing::new(jwk::bytes(jwk, "d")?);
    let public = jwk::bytes(jwk, "x")?;
    KeyMaterial::ed25519(&seed, Some(&public)).ok_or(SigningKeyError::BadMember("d"))
}

impl From<JwkError> for SigningKeyError {
    fn from(error: JwkError) -> Self {
        match error {
            JwkError::MissingMember(name) => Self::MissingMember(name),
            JwkError::BadMember(name) => Self::BadMember(name),
            JwkError::NotForVerifying => Self::NotForSigning,
            JwkError::KeySize => Self::KeySize,
            _ => Self::Inconsistent,
        }
    }
}
