//! Requests to a gate, and its decisions.

use crate::answer::Answer;
use crate::capability::Header;
use crate::task::Task;

/// The parts of a request that the decision depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The method as it was sent. Methods are case-sensitive (RFC 9110 section 9.1).
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
    /// `None` on public routes. [`super::Gate::identity`] returns the identity.
    pub identity: Option<u64>,
    /// The offset of the raw token in the only `Authorization` value.
    pub token_start: usize,
    /// Headers to add to the handler's response.
    pub headers: Vec<Header>,
}

/// The decision about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Call the handler.
    Allow(Allowed),
    /// Send this response.
    Respond(Answer),
}

/// A decision, and whether keys should be refreshed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The decision about the request.
    pub decision: Decision,
    /// Keys are stale: drive [`super::Gate::refresh`] after the response was sent.
    pub refresh_due: bool,
}

/// A decision, or a task for it.
#[derive(Debug)]
pub enum Step {
    /// No I/O was needed.
    Done(Outcome),
    /// Poll this task.
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
