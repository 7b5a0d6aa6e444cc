//! Signing keys and the JWS algorithms they sign with (RFC 7518, RFC 8037, RFC 9864).

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
use p256::elliptic_curve::Generate;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A JWS algorithm that the issuer can sign with.
///
/// Only asymmetric ones: whoever can check a symmetric signature can also make one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519, by its older name.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &[Self] = &[
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// The value of `alg`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is not an [`Algorithm`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownAlgorithm;

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the algorithm must be one of")?;
        Algorithm::ALL
            .iter()
            .try_for_each(|alg| write!(f, " {alg}"))
    }
}

impl std::error::Error for UnknownAlgorithm {}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        // `alg` values are case-sensitive (RFC 7515, section 4.1.1).
        Self::ALL
            .iter()
            .copied()
            .find(|alg| alg.as_str() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// A private key, bound to one algorithm.
pub(super) struct SigningKey {
    algorithm: Algorithm,
    private: PrivateKey,
    kid: String,
    public: Value,
}

enum PrivateKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(Box<rsa::PrivateKey>),
}

/// RSA modulus, in bits: the minimum of RFC 7518 (section 3.3), for fast generation.
const RSA_BITS: usize = 2048;

impl SigningKey {
    /// Derives the key for this algorithm from a seed. RSA takes up to a second.
    pub(super) fn generate(algorithm: Algorithm, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (private, members) = match algorithm {
            Algorithm::Es256 => {
                let key = p256::ecdsa::SigningKey::generate_from_rng(&mut rng);
                let members = ec_members("P-256", &key.verifying_key().to_sec1_bytes());
                (PrivateKey::P256(key), members)
            }
            Algorithm::Es384 => {
                let key = p384::ecdsa::SigningKey::generate_from_rng(&mut rng);
                let members = ec_members("P-384", &key.verifying_key().to_sec1_bytes());
                (PrivateKey::P384(key), members)
            }
            Algorithm::Es512 => {
                let key = p521::ecdsa::SigningKey::generate_from_rng(&mut rng);
                let members = ec_members("P-521", &key.verifying_key().to_sec1_bytes());
                (PrivateKey::P521(key), members)
            }
            Algorithm::EdDsa => {
                let key = ed25519_dalek::SigningKey::from_bytes(&seed);
                let x = base64url(key.verifying_key().as_bytes());
                (
                    PrivateKey::Ed25519(key),
                    json!({ "crv": "Ed25519", "kty": "OKP", "x": x }),
                )
            }
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => {
                let key = rsa::PrivateKey::new(&mut rng, RSA_BITS)
                    .expect("the size is one that the crate supports");
                let (n, e) = (key.n_bytes(), key.e_bytes());
                let members = json!({ "e": base64url(&e), "kty": "RSA", "n": base64url(&n) });
                (PrivateKey::Rsa(Box::new(key)), members)
            }
        };
        // RFC 7638: the required members in lexicographic order, as above and as `serde_json` keeps
        // them.
        let kid = base64url(&Sha256::digest(members.to_string()));
        let mut public = members;
        public["alg"] = algorithm.as_str().into();
        public["kid"] = kid.as_str().into();
        public["use"] = "sig".into();
        Self {
            algorithm,
            private,
            kid,
            public,
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's RFC 7638 thumbprint.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public JWK.
    pub(super) fn public(&self) -> &Value {
        &self.public
    }

    /// Signs a compact JWS with this header and payload. The header is not checked, because tests
    /// need malformed ones.
    pub(super) fn sign(&self, header: &Value, payload: &Value, rng: &mut ChaCha20Rng) -> String {
        let mut token = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(payload.to_string().as_bytes())
        );
        let signature = self.signature(token.as_bytes(), rng);
        token.push('.');
        token.push_str(&base64url(&signature));
        token
    }

    fn signature(&self, message: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
        use rsa::{pkcs1v15, pss};
        match (&self.private, self.algorithm) {
            (PrivateKey::P256(key), _) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            (PrivateKey::P384(key), _) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            (PrivateKey::P521(key), _) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_vec()
            }
            (PrivateKey::Ed25519(key), _) => key.sign(message).to_vec(),
            (PrivateKey::Rsa(key), algorithm) => {
                let key = rsa::PrivateKey::clone(key);
                match algorithm {
                    Algorithm::Rs384 => pkcs1v15::SigningKey::<Sha384>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    Algorithm::Rs512 => pkcs1v15::SigningKey::<Sha512>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    Algorithm::Ps256 => pss::SigningKey::<Sha256>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    Algorithm::Ps384 => pss::SigningKey::<Sha384>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    Algorithm::Ps512 => pss::SigningKey::<Sha512>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                    _ => pkcs1v15::SigningKey::<Sha256>::new(key)
                        .sign_with_rng(rng, message)
                        .to_vec(),
                }
            }
        }
    }
}

/// Members of an EC public key, from its uncompressed SEC1 point.
fn ec_members(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "crv": curve, "kty": "EC", "x": base64url(x), "y": base64url(y) })
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_key_and_only_its_key() {
        let key = SigningKey::generate(Algorithm::Es256, [1; 32]);
        assert_eq!(
            key.kid(),
            SigningKey::generate(Algorithm::Es256, [1; 32]).kid()
        );
        assert_ne!(
            key.kid(),
            SigningKey::generate(Algorithm::Es256, [2; 32]).kid()
        );
    }

    #[test]
    fn ec_coordinates_have_full_length() {
        for (algorithm, length) in [
            (Algorithm::Es256, 43),
            (Algorithm::Es384, 64),
            (Algorithm::Es512, 88),
        ] {
            let key = SigningKey::generate(algorithm, [3; 32]);
            assert_eq!(key.public()["x"].as_str().map(str::len), Some(length));
            assert_eq!(key.public()["y"].as_str().map(str::len), Some(length));
        }
    }

    #[test]
    fn no_private_member_is_published() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256] {
            let key = SigningKey::generate(algorithm, [4; 32]);
            for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert_eq!(key.public().get(member), None, "{algorithm} {member}");
            }
        }
    }

    #[test]
    fn algorithm_names_are_exact() {
        assert_eq!("EdDSA".parse(), Ok(Algorithm::EdDsa));
        for name in ["eddsa", "none", "HS256", "ES256 ", ""] {
            assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm), "{name}");
        }
    }
}
