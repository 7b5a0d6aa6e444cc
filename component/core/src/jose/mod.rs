//! Signed tokens and the keys that verify them.
//!
//! | module | what | source |
//! |---|---|---|
//! | [`base64url`] | strict encoding | RFC 4648 section 5 |
//! | `algorithm` | signature algorithms | RFC 7518 section 3, RFC 8037, RFC 9864 |
//! | `compact_jws`, `jws_header` | the form of a token | RFC 7515 sections 4 and 7.1 |
//! | `known_headers` | headers of verified tokens | |
//! | `public_key`, `weak_rsa` | required members, and weak keys | RFC 7518 section 6, RFC 8037 |
//! | `jwk`, `jwk_members`, `jwk_set` | keys, thumbprints, sets | RFC 7517, RFC 7638 |
//! | `verify` | signature checks | RFC 7515 section 5.2 |
//! | `private_key`, `pem` | encodings of private keys | RFC 7468, RFC 5208, RFC 8017, RFC 5915, RFC 7518 |
//! | `key_generation` | new private keys | RFC 5915 |
//! | `signing_key`, `signing_key_set` | private keys in use | RFC 7515 section 5.1 |
//!
//! The host does the cryptography ([`crate::capability::Host`]). The meaning of a payload is not
//! checked here.
//!
//! Imports between the files have no cycles: `tests/house.rs` checks that.

mod algorithm;
pub mod base64url;
mod compact_jws;
mod jwk;
mod jwk_members;
mod jwk_set;
mod jws_error;
mod jws_header;
#[cfg(feature = "authorization-server")]
mod key_generation;
mod known_headers;
pub mod limits;
#[cfg(feature = "private-keys")]
mod pem;
#[cfg(feature = "private-keys")]
mod private_key;
mod public_key;
#[cfg(feature = "private-keys")]
mod signing_key;
#[cfg(feature = "private-keys")]
mod signing_key_error;
#[cfg(feature = "token-client")]
mod signing_key_set;
mod verify;
mod weak_rsa;

pub use algorithm::Algorithm;
pub(crate) use algorithm::COMPONENTS_WITH_ALL_ALGORITHMS;
pub use compact_jws::CompactJws;
pub use jwk::{VerificationError, VerifyingKey};
pub use jwk_members::JwkError;
pub use jwk_set::{JwkSet, JwkSetError, SkippedKey};
pub use jws_error::JwsError;
pub use jws_header::JwsHeader;
#[cfg(feature = "authorization-server")]
pub(crate) use key_generation::generate_p256;
pub use known_headers::KnownHeaders;
#[cfg(feature = "private-keys")]
pub use signing_key::{SigningKey, publish, sign_compact};
#[cfg(feature = "private-keys")]
pub use signing_key_error::{SigningError, SigningKeyError};
#[cfg(feature = "token-client")]
pub(crate) use signing_key_set::SigningKeySet;
pub use verify::{VerifyError, verify_compact, verify_raw};
