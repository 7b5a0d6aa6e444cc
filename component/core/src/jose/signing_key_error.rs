//! Why a private key cannot be used or made no signature, and what to do.

use std::fmt::{self, Display, Formatter};

use super::{Algorithm, limits};
use crate::capability::SignatureError;
use crate::json::JsonError;

/// Why a text is not a usable private key. The text is a secret, so no part of it is included.
///
/// `Display` continues a sentence that begins with the name of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyError {
    /// The text is only white space.
    Empty,
    /// Longer than [`limits::PRIVATE_KEY_BYTES`].
    TooLong,
    /// Neither PEM nor JSON.
    NotAKey,
    /// Protected by a passphrase.
    Encrypted,
    /// The public half only.
    PublicKey,
    /// A certificate.
    Certificate,
    /// OpenSSH's own format.
    OpenSsh,
    /// More than one PEM block.
    SeveralBlocks,
    /// A PEM block that does not end as it begins.
    Truncated,
    /// The content of a PEM block is not base64.
    Base64,
    /// The decoded base64 is not the structure that the PEM label names.
    Der,
    /// Begins like JSON, but is not an acceptable JSON object.
    Json(JsonError),
    /// A JWK Set.
    KeySet,
    /// A JWK without a member that it must have.
    MissingMember(&'static str),
    /// A JWK with a member that has the wrong type, is too long, or is malformed.
    BadMember(&'static str),
    /// A shared secret.
    Symmetric,
    /// `use` or `key_ops` says that the key is not for signing.
    NotForSigning,
    /// Not RSA with two primes, elliptic curve, or Ed25519.
    UnsupportedType,
    /// The curve is not P-256, P-384 or Ed25519, or not given by name.
    UnsupportedCurve,
    /// The RSA modulus is too small or too large ([`limits::RSA_SIGNING_BITS`]), or its length is
    /// odd.
    KeySize,
    /// The numbers of the key do not match each other.
    Inconsistent,
    /// The key is weak: signatures can be forged for it.
    Weak,
    /// The key's `alg` is unknown.
    UnsupportedAlgorithm,
    /// The configured algorithm does not fit the key.
    Algorithm {
        /// The algorithms that fit the key.
        fitting: &'static [Algorithm],
    },
    /// The JWK's `alg` and the configured algorithm differ.
    TwoAlgorithms,
    /// `kid` is empty, longer than [`limits::KEY_ID_BYTES`], or not a string.
    KeyId,
    /// Another published key has the same `kid`.
    RepeatedKeyId,
    /// The host has no usable key with the given name.
    UnknownName,
}

impl Display for SigningKeyError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Empty => "is empty: give a private key as PEM or as a JWK",
            Self::TooLong => {
                return write!(
                    out,
                    "is longer than {} bytes: give one private key and nothing else",
                    limits::PRIVATE_KEY_BYTES
                );
            }
            Self::NotAKey => {
                "is neither PEM (-----BEGIN PRIVATE KEY-----) nor a JWK ({\"kty\":…}): give the \
                 content of the key's file, not its name"
            }
            Self::Encrypted => {
                "is protected by a passphrase: remove it with `openssl pkey -in key.pem -out \
                 plain.pem`, and keep the result as a secret"
            }
            Self::PublicKey => "is the public half of a key: give the private half",
            Self::Certificate => "is a certificate: give the private key that belongs to it",
            Self::OpenSsh => {
                "is in OpenSSH's format: convert it with `ssh-keygen -p -m PKCS8 -f key`"
            }
            Self::SeveralBlocks => "has more than one PEM block: leave only the private key",
            Self::Truncated => {
                "has no END line that matches its BEGIN line: give the whole PEM block"
            }
            Self::Base64 => "is not base64 between its BEGIN and END lines: copy the key again",
            Self::Der => {
                "is damaged, or of another format than its BEGIN line says: copy the key again, or \
                 convert it with `openssl pkey -in key.pem`"
            }
            Self::Json(error) => return write!(out, "{error}: give one private key as a JWK"),
            Self::KeySet => "is a JWK Set: give one of its keys",
            Self::MissingMember(name) => {
                return write!(out, "is a JWK without {name}: export the whole private key");
            }
            Self::BadMember(name) => {
                return write!(out, "is a JWK with a bad {name}: export the key again");
            }
            Self::Symmetric => {
                "is a shared secret: give a private RSA, EC or Ed25519 key, or use the secret as \
                 client secret"
            }
            Self::NotForSigning => {
                "has a use or key_ops that does not allow signing: give a key whose use is \"sig\""
            }
            Self::UnsupportedType => {
                "has a type that is not supported: give an RSA, EC or Ed25519 key"
            }
            Self::UnsupportedCurve => {
                "is on a curve that is not supported: give a key on P-256, P-384 or Ed25519"
            }
            Self::KeySize => {
                return write!(
                    out,
                    "is an RSA key whose size is not an even number from {} to {} bits: make one \
                     with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`",
                    limits::RSA_SIGNING_BITS.start(),
                    limits::RSA_SIGNING_BITS.end()
                );
            }
            Self::Inconsistent => "has numbers that do not match each other: copy the key again",
            Self::Weak => "is weak, so signatures can be forged for it: make a new key",
            Self::UnsupportedAlgorithm => {
                "has an unknown alg: use RS256, PS256, ES256, ES384 or EdDSA"
            }
            Self::Algorithm { fitting } => {
                out.write_str("cannot sign with the given algorithm: use ")?;
                for (i, algorithm) in fitting.iter().enumerate() {
                    let before = if i == 0 { "" } else { " or " };
                    write!(out, "{before}{}", algorithm.name())?;
                }
                return Ok(());
            }
            Self::TwoAlgorithms => {
                "has another alg than the configured algorithm: remove one of the two"
            }
            Self::KeyId => {
                return write!(
                    out,
                    "has a kid that is empty or longer than {} bytes: shorten it, or leave it out",
                    limits::KEY_ID_BYTES
                );
            }
            Self::RepeatedKeyId => {
                "has the same kid as another key: remove one of the two, or give them different \
                 kids"
            }
            Self::UnknownName => {
                "is not known to this host under its configured name: give the host a key with \
                 that name, or correct the name"
            }
        })
    }
}

impl std::error::Error for SigningKeyError {}

/// Why no signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningError {
    /// The key cannot be used.
    Key(SigningKeyError),
    /// The host did not sign.
    Host(SignatureError),
}

impl SigningError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Key(_) => "signing-key",
            Self::Host(error) => error.code(),
        }
    }

    /// Whether only another configuration helps, so trying again is pointless.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        match self {
            Self::Key(_) => true,
            Self::Host(error) => !error.is_transient(),
        }
    }
}

/// Continues a sentence that begins with the name of the setting, as [`SigningKeyError`] does.
impl Display for SigningError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(out),
            Self::Host(SignatureError::KeyRefused) => SigningKeyError::Inconsistent.fmt(out),
            Self::Host(SignatureError::Unsupported) => out.write_str(
                "is for an algorithm that this host does not sign with: give a key of another type, \
                 or use the standalone component",
            ),
            Self::Host(SignatureError::TimedOut) => {
                out.write_str("did not sign in time: check the service that holds the key")
            }
            Self::Host(SignatureError::Failed) => {
                out.write_str("did not sign: check the service that holds the key")
            }
        }
    }
}

impl std::error::Error for SigningError {}
