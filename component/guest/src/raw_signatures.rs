//! The export `raw-signatures`, for test vectors.

use std::cell::RefCell;
use std::rc::Rc;

use tollgate_core::jose::{self, Algorithm, VerificationError, VerifyError, VerifyingKey};
use tollgate_core::json::Object;
use tollgate_core::task;

use crate::Component;
use crate::bindings::exports::tollgate::auth::raw_signatures::{
    CheckTask, Failure, Guest, GuestCheckTask, Progress,
};
use crate::capabilities::Imports;

/// A JWK is flat.
const JWK_DEPTH: usize = 4;

pub(crate) enum Check {
    /// Refused before the host was asked.
    Done(RefCell<Option<Failure>>),
    Raw(RefCell<task::Task<Result<(), VerificationError>>>),
    Jws(RefCell<task::Task<Result<Vec<u8>, VerifyError>>>),
}

impl Guest for Component {
    type CheckTask = Check;

    fn verify_raw(
        algorithm: String,
        jwk: String,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> CheckTask {
        let start = || {
            let algorithm = Algorithm::from_name(&algorithm).ok_or(Failure::BadAlgorithm)?;
            let bad_key = |code: &str| Failure::BadKey(code.to_owned());
            let jwk =
                Object::parse(jwk.as_bytes(), JWK_DEPTH).map_err(|_| bad_key("jwk-not-json"))?;
            let key = VerifyingKey::from_jwk(&jwk).map_err(|error| bad_key(error.code()))?;
            if !key.accepts(algorithm) {
                return Err(bad_key("jwk-other-algorithm"));
            }
            let task = jose::verify_raw(Rc::new(Imports), key, algorithm, message, signature);
            Ok(Check::Raw(RefCell::new(task)))
        };
        CheckTask::new(start().unwrap_or_else(|failure| Check::Done(RefCell::new(Some(failure)))))
    }

    fn verify_jws(keys: String, jws: String) -> CheckTask {
        let task = jose::verify_compact(Rc::new(Imports), keys.into_bytes(), jws);
        CheckTask::new(Check::Jws(RefCell::new(task)))
    }
}

impl GuestCheckTask for Check {
    fn poll(&self) -> Progress {
        match self {
            Self::Done(failure) => match failure.take() {
                Some(failure) => Progress::Ready(Err(failure)),
                None => Progress::Pending(None),
            },
            Self::Raw(task) => match task.borrow_mut().poll() {
                task::Progress::Ready(result) => {
                    Progress::Ready(result.map(|()| Vec::new()).map_err(raw_failure))
                }
                task::Progress::Pending(wait) => Progress::Pending(wait),
            },
            Self::Jws(task) => match task.borrow_mut().poll() {
                task::Progress::Ready(result) => Progress::Ready(result.map_err(jws_failure)),
                task::Progress::Pending(wait) => Progress::Pending(wait),
            },
        }
    }
}

fn raw_failure(error: VerificationError) -> Failure {
    match error {
        VerificationError::NoVerdict(error) => Failure::NoVerdict(error.code().to_owned()),
        _ => Failure::Invalid("bad-signature".to_owned()),
    }
}

fn jws_failure(error: VerifyError) -> Failure {
    match error {
        VerifyError::Keys(_) | VerifyError::Key(_) => Failure::BadKey(error.code().to_owned()),
        VerifyError::NoVerdict(error) => Failure::NoVerdict(error.code().to_owned()),
        _ => Failure::Invalid(error.code().to_owned()),
    }
}
