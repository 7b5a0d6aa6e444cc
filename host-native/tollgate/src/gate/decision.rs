//! A gate's decision about a request.

use http::HeaderMap;
use tollgate_config::{AccessToken, Identity};

use super::bindings::exports::tollgate::auth::resource_server as wit;
use crate::host::answer::{Answer, Unsendable};

/// The decision about a request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The request may reach its handler.
    Allow(Allowed),
    /// The response to send in place of the handler's.
    Respond(Answer),
}

/// An allowed request.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The caller. None on public routes.
    pub credentials: Option<Credentials>,
    /// Headers to add to the handler's response.
    pub headers: HeaderMap,
}

/// A verified token with its identity.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The identity in the token.
    pub identity: Identity,
    /// The token itself.
    pub token: AccessToken,
}

impl Answer {
    /// The component's answer.
    pub(super) fn of_gate(answer: wit::Answer) -> Result<Self, Unsendable> {
        Self::new(answer.status, answer.headers, answer.body, answer.reason)
    }

    /// The response for a request whose instance failed before it decided. The request does not
    /// reach its handler.
    pub(super) fn failed() -> Self {
        Self::server_error("gate-failed")
    }
}
