//! Signed tokens and the keys that verify them.
//!
//! | module | what | source |
//! |---|---|---|
//! | [`base64url`] | strict encoding | RFC 4648 section 5 |
//! | `algorithm` | which signatures there are | RFC 7518 section 3, RFC 8037, RFC 9864 |
//! | `compact_jws` | a token's form | RFC 7515 section 7.1 |
//! | `jwk`, `jwk_set` | keys, thumbprints, sets | RFC 7517, RFC 7638 |
//! | `ecdsa`, `comb`, `eddsa`, `rsa` | the mathematics, behind one trait | RFC 7518, RFC 8032, RFC 8017 |
//! | `signing_key` | private keys | RFC 7515 section 5.1 |
//! | `pem`, `der`, `private_jwk`, `key_material` | how they are written | RFC 7468, RFC 5958, RFC 8017, RFC 5915, RFC 7518 |
//! | `ecdsa_signer`, `rsa_signer` | their mathematics, behind another trait | RFC 6979, RFC 8017 |
//!
//! What a payload means is not looked at here.

mod algorithm;
pub mod base64url;
mod comb;
mod compact_jws;
mod der;
mod ecdsa;
mod ecdsa_signer;
mod eddsa;
mod jwk;
mod jwk_set;
mod key_material;
pub mod limits;
mod pem;
mod private_jwk;
mod rsa;
mod rsa_signer;
mod signature;
mod signing_key;
mod signing_key_error;
mod verify;

pub use algorithm::Algorithm;
pub use compact_jws::{CompactJws, JwsError, JwsHeader};
pub use ecdsa::GeneratorTables;
pub use jwk::{JwkError, VerifyingKey};
pub use jwk_set::{JwkSet, JwkSetError, SkippedKey};
pub use signature::SignatureError;
pub use signing_key::SigningKey;
pub use signing_key_error::{SigningError, SigningKeyError};
pub use verify::{VerifyError, verify_compact};
