//! The audit log: the recent decisions of the token endpoint, for whom and why, with a log line for
//! each.

use std::collections::VecDeque;

use serde::Serialize;
use tracing::{info, warn};

use super::access_token::now;
use super::token_endpoint::TokenError;

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum AuditAction {
    /// A token was issued.
    #[serde(rename = "credentials:issue")]
    Issue,
    /// No token was issued.
    #[serde(rename = "credentials:refuse")]
    Refuse,
}

/// One decision of the token endpoint. It contains no token and no secret.
///
/// In a refusal, members have the values that were known at that time. Unverified values from the
/// request have no control characters, and are cut.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AuditEvent {
    /// Counts up from 1, and continues after a reset.
    pub sequence: u64,
    /// Seconds since 1970.
    pub time: u64,
    /// What was decided.
    pub event: AuditAction,
    /// `grant_type`.
    pub grant: Option<String>,
    /// The user: `sub`. Only from a token that this issuer signed, from a refresh token, or from
    /// the request of an authenticated client.
    pub subject: Option<String>,
    /// The application. Authenticated only if `client_authentication` is present.
    pub client_id: Option<String>,
    /// How the application authenticated: `client_secret_basic`, `client_secret_post`,
    /// `private_key_jwt`, `none` (a public client).
    pub client_authentication: Option<&'static str>,
    /// The actors: the current one, then prior ones (RFC 8693, section 4.1).
    pub actors: Vec<String>,
    /// `resource` and `audience`.
    pub resources: Vec<String>,
    /// The granted scopes or, in a refusal, the requested ones.
    pub scopes: Vec<String>,
    /// `jti` of the token.
    pub token_id: Option<String>,
    /// The OAuth error code of a refusal.
    pub error: Option<&'static str>,
    /// The issuer's description of the error.
    pub reason: Option<String>,
}

/// An event while it is being decided.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) grant: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_authentication: Option<&'static str>,
    pub(super) actors: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) token_id: Option<String>,
}

/// The recent events.
#[derive(Default)]
pub(super) struct AuditLog {
    events: VecDeque<AuditEvent>,
    sequence: u64,
}

/// How many events are kept: more than a test makes, and at most some megabytes.
const MAX_EVENTS: usize = 1000;

/// The longest text that is kept, in characters: URLs and ids of ordinary length.
const MAX_CHARACTERS: usize = 256;

/// The longest list that is kept.
const MAX_ENTRIES: usize = 16;

impl AuditLog {
    pub(super) fn record(&mut self, draft: Draft, error: Option<TokenError>) {
        self.sequence += 1;
        let event = AuditEvent {
            sequence: self.sequence,
            time: u64::try_from(now()).unwrap_or(0),
            event: match error {
                None => AuditAction::Issue,
                Some(_) => AuditAction::Refuse,
            },
            grant: draft.grant.as_deref().map(plain),
            subject: draft.subject.as_deref().map(plain),
            client_id: draft.client_id.as_deref().map(plain),
            client_authentication: draft.client_authentication,
            actors: plain_list(&draft.actors),
            resources: plain_list(&draft.resources),
            scopes: plain_list(&draft.scopes),
            token_id: draft.token_id.as_deref().map(plain),
            error: error.map(TokenError::code),
            reason: error.map(|error| error.description()),
        };
        let line = serde_json::to_string(&event).unwrap_or_default();
        match event.event {
            AuditAction::Issue => info!("{line}"),
            AuditAction::Refuse => warn!("{line}"),
        }
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// The events after this number, oldest first.
    pub(super) fn since(&self, sequence: u64) -> Vec<AuditEvent> {
        let later = self.events.iter().filter(|e| e.sequence > sequence);
        later.cloned().collect()
    }

    /// Removes the events. Their numbers continue, so that a reader of later events misses none.
    pub(super) fn reset(&mut self) {
        self.events.clear();
    }
}

fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(MAX_CHARACTERS).map(shown).collect()
}

fn plain_list(texts: &[String]) -> Vec<String> {
    texts.iter().take(MAX_ENTRIES).map(|s| plain(s)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_a_ring() {
        let mut log = AuditLog::default();
        for _ in 0..MAX_EVENTS + 2 {
            log.record(Draft::default(), None);
        }
        let events = log.since(0);
        assert_eq!(events.len(), MAX_EVENTS);
        assert_eq!(events[0].sequence, 3);
        assert_eq!(log.since(1001).len(), 1);
        log.reset();
        log.record(Draft::default(), None);
        assert_eq!(log.since(0)[0].sequence, 1003);
    }

    #[test]
    fn unverified_values_are_short_and_plain() {
        let mut log = AuditLog::default();
        let draft = Draft {
            client_id: Some("a\n\u{9b}31m\u{1b}[0m".into()),
            resources: vec!["x".repeat(10_000); 100],
            ..Draft::default()
        };
        log.record(draft, Some(TokenError::InvalidScope));
        let event = &log.since(0)[0];
        assert_eq!(
            event.client_id.as_deref(),
            Some("a\u{fffd}\u{fffd}31m\u{fffd}[0m")
        );
        assert_eq!(
            event.resources,
            vec!["x".repeat(MAX_CHARACTERS); MAX_ENTRIES]
        );
        assert_eq!(event.error, Some("invalid_scope"));
    }
}
