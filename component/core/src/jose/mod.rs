//! Signed tokens and the keys that verify them.
//!
//! | module | what | source |
//! |---|---|---|
//! | [`base64url`] | strict encoding | RFC 4648 section 5 |
//! | `algorithm` | which signatures there are | RFC 7518 section 3, RFC 8037, RFC 9864 |
//! | `compact_jws` | a token's form | RFC 7515 section 7.1 |
//! | `jwk`, `jwk_set` | keys, thumbprints, sets | RFC 7517, RFC 7638 |
//! | `ecdsa`, `comb`, `eddsa`, `rsa` | the mathematics, behind one trait | RFC 7518, RFC 8032, RFC 8017 |
//!
//! What a payload means is not looked at here.

mod algorithm;
pub mod base64url;
mod comb;
mod compact_jws;
mod ecdsa;
mod eddsa;
mod jwk;
mod jwk_set;
pub mod limits;
mod rsa;
mod signature;
mod verify;

pub use algorithm::Algorithm;
pub use compact_jws::{CompactJws, JwsError, JwsHeader};
pub use ecdsa::GeneratorTables;
pub use jwk::{JwkError, VerifyingKey};
pub use jwk_set::{JwkSet, JwkSetError, SkippedKey};
pub use signature::SignatureError;
pub use verify::{VerifyError, verify_compact};
