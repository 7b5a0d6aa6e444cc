//! Why an operation has no result.

use std::fmt;

use http::StatusCode;

use crate::host::answer::Answer;

/// Why an operation has no result. Each case has the response to send if the caller is a client or a
/// browser, and its [`reason`](Answer::reason).
#[derive(Debug)]
#[non_exhaustive]
pub enum IssuerError {
    /// The request, the token, the user's approval or an argument is not valid.
    Refused(Box<Answer>),
    /// The store or the application does not answer, or an instance of the component failed. The
    /// same operation may succeed later.
    Unavailable(Box<Answer>),
    /// The operation fails until the operator acts. The log says why.
    Failed(Box<Answer>),
}

impl IssuerError {
    pub(super) fn of(answer: Answer) -> Self {
        let status = answer.response.status();
        let answer = Box::new(answer);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            Self::Unavailable(answer)
        } else if status.is_server_error() {
            Self::Failed(answer)
        } else {
            Self::Refused(answer)
        }
    }

    /// The response for a client or a browser.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        let (Self::Refused(answer) | Self::Unavailable(answer) | Self::Failed(answer)) = self;
        answer
    }

    /// The response for a client or a browser, by value.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        let (Self::Refused(answer) | Self::Unavailable(answer) | Self::Failed(answer)) = self;
        *answer
    }
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Refused(_) => "the operation was refused",
            Self::Unavailable(_) => "the operation cannot be carried out now; try again",
            Self::Failed(_) => "the operation failed; the log says why",
        };
        let reason = self.answer().reason.as_deref().unwrap_or("no reason");
        write!(f, "{sentence} ({reason})")
    }
}

impl std::error::Error for IssuerError {}
