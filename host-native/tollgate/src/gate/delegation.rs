//! The subject of a token exchange.

use tollgate_config::{ExchangeTarget, TypedToken};

use super::bindings::exports::tollgate::auth::token_exchange as wit;
use super::decision::Credentials;

/// The outcome of a call with a token.
pub(super) struct CallReport<'a> {
    pub(super) delegation: &'a wit::Delegation,
    pub(super) access_token: &'a str,
    pub(super) status: u16,
    /// Counts from 1.
    pub(super) attempt: u32,
}

pub(super) fn delegation(
    caller: &Credentials,
    target: ExchangeTarget,
    destination: Option<String>,
) -> wit::Delegation {
    let identity = &caller.identity;
    wit::Delegation {
        subject: identity.subject().map(str::to_owned),
        subject_token: TypedToken {
            token: caller.token.expose().into(),
            token_type: target.subject_token_type,
        },
        subject_expires_at: Some(identity.expires_at()),
        actor_token: target.actor,
        target: target.target,
        destination,
    }
}
