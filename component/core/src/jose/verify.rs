//! Checks signatures of any payload with trusted keys. It is not used for requests.

use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::{
    Algorithm, CompactJws, JwkError, JwkSet, JwkSetError, JwsError, VerificationError,
    VerifyingKey, limits,
};
use crate::capability::{Host, SignatureError};
use crate::json::Object;
use crate::task::{Scheduler, Task};

/// Why [`verify_compact`] returns no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    /// The keys are not a JWK Set.
    Keys(JwkSetError),
    /// The one key cannot be used.
    Key(JwkError),
    /// The token is malformed.
    Jws(JwsError),
    /// No key has the token's `kid` and accepts its `alg`.
    NoKey,
    /// None of the fitting keys made the signature.
    Signature,
    /// The host gave no verdict.
    NoVerdict(SignatureError),
}

impl VerifyError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keys(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Jws(error) => error.code(),
            Self::NoKey => "no-key",
            Self::Signature => "signature-invalid",
            Self::NoVerdict(error) => error.code(),
        }
    }
}

impl Display for VerifyError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(error) => write!(out, "the key set {error}"),
            Self::Key(error) => write!(out, "the key {error}"),
            Self::Jws(error) => write!(out, "the token {error}"),
            Self::NoKey => out.write_str("no key fits the token"),
            Self::Signature => out.write_str("the signature is invalid"),
            Self::NoVerdict(error) => {
                write!(
                    out,
                    "the host could not check the signature ({})",
                    error.code()
                )
            }
        }
    }
}

impl std::error::Error for VerifyError {}

/// Checks a raw signature with one key.
///
/// # Errors
/// The task's result says why the signature is not accepted.
#[must_use]
pub fn verify_raw(
    host: Rc<dyn Host>,
    key: VerifyingKey,
    algorithm: Algorithm,
    message: Vec<u8>,
    signature: Vec<u8>,
) -> Task<Result<(), VerificationError>> {
    let scheduler = Scheduler::new(host);
    Task::new(Rc::clone(&scheduler), async move {
        key.verify(&scheduler, algorithm, &message, &signature)
            .await
    })
}

/// Verifies a compact JWS with a JWK or a JWK Set (an object with `keys`) in JSON, and returns its
/// payload. All keys that fit are tried.
///
/// A token's `kid` must be that of the key, even for a single key if it has one.
///
/// # Errors
/// The task's result says what is wrong with the keys or the token.
#[must_use]
pub fn verify_compact(
    host: Rc<dyn Host>,
    keys_json: Vec<u8>,
    jws: String,
) -> Task<Result<Vec<u8>, VerifyError>> {
    let scheduler = Scheduler::new(host);
    Task::new(Rc::clone(&scheduler), async move {
        verify(&scheduler, &keys_json, &jws).await
    })
}

async fn verify(
    scheduler: &Scheduler,
    keys_json: &[u8],
    jws: &str,
) -> Result<Vec<u8>, VerifyError> {
    let set = |error| VerifyError::Keys(error);
    if keys_json.len() > limits::KEY_SET_BYTES {
        return Err(set(JwkSetError::TooLarge));
    }
    let json = Object::parse(keys_json, limits::KEY_SET_DEPTH);
    let json = json.map_err(|error| set(JwkSetError::Json(error)))?;
    let mut jws = CompactJws::parse(jws).map_err(VerifyError::Jws)?;
    let header = jws.header();
    let keys: Vec<Rc<VerifyingKey>> = if json.get("keys").is_some() {
        let keys = JwkSet::from_json(&json).map_err(set)?;
        keys.candidates(header.algorithm, header.kid.as_deref())
            .cloned()
            .collect()
    } else {
        let key = VerifyingKey::from_jwk(&json).map_err(VerifyError::Key)?;
        let named = match (key.kid(), header.kid.as_deref()) {
            (Some(own), Some(asked)) => own == asked,
            _ => true,
        };
        let fits = named && key.accepts(header.algorithm);
        fits.then(|| Rc::new(key)).into_iter().collect()
    };
    let mut error = VerifyError::NoKey;
    for key in keys {
        let checked = key.verify(
            scheduler,
            header.algorithm,
            jws.signing_input(),
            jws.signature(),
        );
        error = match checked.await {
            Ok(()) => return Ok(jws.take_payload()),
            Err(VerificationError::NoVerdict(error)) => VerifyError::NoVerdict(error),
            // The key without a verdict might be the right one.
            Err(_) if matches!(error, VerifyError::NoVerdict(_)) => error,
            Err(_) => VerifyError::Signature,
        };
    }
    Err(error)
}
