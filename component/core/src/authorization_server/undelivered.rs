//! Answers that could not be given, because the store did not say whether they count.
//!
//! A commit whose outcome stays unknown may have spent a code. The client is told to try again, and
//! then the record shows whether this commit took place: its version is unique. If so, the answer is
//! given now, and the code is not taken for a stolen one.

use std::cell::RefCell;

use super::token_response::TokenResponse;
use crate::store::UnixSeconds;

/// Answers that are kept: an outage of a store hits all requests of a moment.
const ANSWERS: usize = 256;
/// How long, in seconds: clients that are told to try again do so within minutes.
const KEPT: u64 = 300;

/// See the module.
#[derive(Default)]
pub(super) struct Undelivered {
    answers: RefCell<Vec<Answer>>,
}

struct Answer {
    version: String,
    response: TokenResponse,
    until: UnixSeconds,
}

impl Undelivered {
    /// Keeps the answer of a commit that wrote this version.
    pub(super) fn keep(&self, version: &str, response: TokenResponse, now: UnixSeconds) {
        let mut answers = self.answers.borrow_mut();
        answers.retain(|answer| answer.until > now);
        if answers.len() == ANSWERS {
            answers.remove(0);
        }
        answers.push(Answer {
            version: version.to_owned(),
            response,
            until: now + KEPT,
        });
    }

    /// Whether there is an answer of the commit that wrote this version.
    pub(super) fn has(&self, version: &str, now: UnixSeconds) -> bool {
        let answers = self.answers.borrow();
        let mut valid = answers.iter().filter(|answer| answer.until > now);
        valid.any(|answer| answer.version == version)
    }

    /// That answer, once.
    pub(super) fn take(&self, version: &str) -> Option<TokenResponse> {
        let mut answers = self.answers.borrow_mut();
        let index = answers
            .iter()
            .position(|answer| answer.version == version)?;
        Some(answers.remove(index).response)
    }
}
