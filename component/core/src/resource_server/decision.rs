//! What a gate is asked, and what it answers.

use crate::answer::Answer;
use crate::capability::Header;
use crate::task::Task;

/// The parts of a request that decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// As sent; methods are case-sensitive (RFC 9110 section 9.1).
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Every value of `Authorization`.
    pub authorization: Vec<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Access-Control-Request-Method`.
    pub requested_method: Option<String>,
    /// `Access-Control-Request-Headers`.
    pub requested_headers: Option<String>,
}

/// The request may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// `None` on public routes; [`super::Gate::identity`] gives the record.
    pub identity: Option<u64>,
    /// Where the raw token begins in the one `Authorization` value.
    pub token_start: usize,
    /// To be added to the handler's response.
    pub headers: Vec<Header>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Call the handler.
    Allow(Allowed),
    /// Send this.
    Respond(Answer),
}

/// A decision, and whether keys should be refreshed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What becomes of the request.
    pub decision: Decision,
    /// Keys are stale: drive [`super::Gate::refresh`] when the response is on its way.
    pub refresh_due: bool,
}

/// A decision, now or later.
#[derive(Debug)]
pub enum Step {
    /// No I/O was needed.
    Done(Outcome),
    /// Poll this.
    Waiting(Task<Outcome>),
}

pub(super) fn respond(answer: Answer) -> Step {
    Step::Done(Outcome {
        decision: Decision::Respond(answer),
        refresh_due: false,
    })
}

pub(super) fn allow(
    identity: Option<u64>,
    token_start: usize,
    headers: Vec<Header>,
    refresh: bool,
) -> Step {
    let decision = Decision::Allow(Allowed {
        identity,
        token_start,
        headers,
    });
    Step::Done(Outcome {
        decision,
        refresh_due: refresh,
    })
}
