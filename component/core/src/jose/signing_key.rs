//! A private key that signs for this application (RFC 7515 section 5.1, RFC 7523).

use std::fmt::{self, Debug, Formatter};

use super::ecdsa_signer::EcdsaSigner;
use super::eddsa::Ed25519Signer;
use super::key_material::{EcCurve, KeyMaterial};
use super::private_jwk::PrivateJwk;
use super::rsa_signer::RsaSigner;
use super::signature::SignatureMaker;
use super::{Algorithm, SigningError, SigningKeyError, base64url, jwk, limits, pem};
use crate::json::{Json, Object};

/// A private key with the name and the algorithm that it signs under.
///
/// `Debug` shows these two only.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    maker: Box<dyn SignatureMaker>,
}

impl SigningKey {
    /// Reads a private key: RSA ([`limits::RSA_SIGNING_BITS`]), EC on P-256 or P-384, or Ed25519.
    ///
    /// - PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`, also
    ///   after `EC PARAMETERS`), with line breaks of any kind or spelled `\n`, as files of
    ///   environment variables have them.
    /// - JSON: a private JWK. One of RSA has `p`, `q`, `dp`, `dq` and `qi`: every library writes
    ///   them, and a signature without takes four times as long.
    ///
    /// White space around it is ignored, and so is a pair of quotes.
    ///
    /// The key id is `kid`, else the JWK's, else the thumbprint (RFC 7638). The algorithm is
    /// `algorithm`, else the JWK's `alg`, else RS256, ES256, ES384 or EdDSA.
    ///
    /// Not checked: whether RSA's primes are primes.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn from_text(
        text: &str,
        kid: Option<&str>,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, SigningKeyError> {
        if text.len() > limits::PRIVATE_KEY_BYTES {
            return Err(SigningKeyError::TooLong);
        }
        let text = unquoted(text.trim());
        if text.is_empty() {
            return Err(SigningKeyError::Empty);
        }
        let (material, own_kid, own_algorithm) = if text.starts_with('{') {
            let json = Object::parse(text.as_bytes(), limits::PRIVATE_KEY_DEPTH);
            let key = PrivateJwk::from_jwk(&json.map_err(SigningKeyError::Json)?)?;
            (key.material, key.kid, key.algorithm)
        } else {
            (pem::private_key(text)?, None, None)
        };
        let maker: Box<dyn SignatureMaker> = match &material {
            KeyMaterial::Rsa(numbers) => Box::new(RsaSigner::new(numbers)?),
            KeyMaterial::Ec {
                curve,
                scalar,
                public,
            } => match curve {
                EcCurve::P256 => Box::new(EcdsaSigner::<p256::NistP256>::new(
                    scalar,
                    public.as_deref(),
                )?),
                EcCurve::P384 => Box::new(EcdsaSigner::<p384::NistP384>::new(
                    scalar,
                    public.as_deref(),
                )?),
            },
            KeyMaterial::Ed25519 { seed, public } => {
                Box::new(Ed25519Signer::new(seed, public.as_deref())?)
            }
        };
        let algorithm = match (algorithm, own_algorithm) {
            (Some(asked), Some(own)) if asked != own => return Err(SigningKeyError::TwoAlgorithms),
            (asked, own) => asked.or(own),
        };
        let fitting = maker.algorithms();
        let algorithm = algorithm.unwrap_or(fitting[0]);
        if !fitting.contains(&algorithm) {
            return Err(SigningKeyError::Algorithm { fitting });
        }
        let kid = match kid.map(str::to_owned).or(own_kid) {
            None => base64url::encode(&jwk::thumbprint(&jwk::object(maker.members()))),
            Some(kid) if (1..=limits::KEY_ID_BYTES).contains(&kid.len()) => kid,
            Some(_) => return Err(SigningKeyError::KeyId),
        };
        Ok(Self {
            kid,
            algorithm,
            maker,
        })
    }

    /// `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half, to be published (RFC 7517): what makes the key, `kid`, `alg`, and `use`.
    #[must_use]
    pub fn public_jwk(&self) -> Object {
        let mut jwk = jwk::object(self.maker.members());
        for (name, value) in [
            ("kid", self.kid.as_str()),
            ("alg", self.algorithm.name()),
            ("use", "sig"),
        ] {
            jwk.insert(name, Json::String(value.to_owned()));
        }
        jwk
    }

    /// Signs a message: the bytes of a JWS signature (RFC 7518 section 3). `random` fills its
    /// argument with bytes that nobody can guess.
    ///
    /// # Errors
    /// With RSA only: bytes from `random` that are not random, or a fault.
    pub fn sign(
        &self,
        message: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<u8>, SigningError> {
        self.maker.sign(self.algorithm, message, random)
    }

    /// Signs a payload as a compact JWS (RFC 7515 section 7.1). Its header has `alg`, `kid`, and
    /// `typ` where it is given.
    ///
    /// # Errors
    /// As with [`SigningKey::sign`].
    pub fn sign_compact(
        &self,
        typ: Option<&str>,
        payload: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Result<String, SigningError> {
        let mut header = Object::default();
        let members = [
            ("alg", Some(self.algorithm.name())),
            ("kid", Some(self.kid.as_str())),
            ("typ", typ),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                header.insert(name, Json::String(value.to_owned()));
            }
        }
        let mut jws = base64url::encode(header.to_string().as_bytes());
        jws.push('.');
        jws.push_str(&base64url::encode(payload));
        let signature = self.sign(jws.as_bytes(), random)?;
        jws.push('.');
        jws.push_str(&base64url::encode(&signature));
        Ok(jws)
    }
}

/// What is inside a pair of quotes, where there is one.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .map_or(text, str::trim)
}

impl Debug for SigningKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
