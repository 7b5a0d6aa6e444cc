//! Counts of requests, so that tests can check how often a gate fetched.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::outage::Endpoint;
use super::token_endpoint::Grant;

/// Requests since the start or the last reset, including those that failed in an outage.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// For metadata of either kind.
    pub discovery: u64,
    /// For the key set.
    pub jwks: u64,
    /// To the token endpoint.
    pub token: u64,
    /// By clients that followed a redirect which they should not have followed.
    pub elsewhere: u64,
    /// Tokens issued for client credentials.
    pub client_credentials: u64,
    /// Tokens issued for refresh tokens.
    pub refresh_token: u64,
    /// Tokens issued in exchange for others.
    pub token_exchange: u64,
    /// Token requests that were refused.
    pub refused: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    discovery: AtomicU64,
    jwks: AtomicU64,
    token: AtomicU64,
    elsewhere: AtomicU64,
    client_credentials: AtomicU64,
    refresh_token: AtomicU64,
    token_exchange: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, endpoint: Endpoint) {
        let counter = match endpoint {
            Endpoint::Discovery => &self.discovery,
            Endpoint::Jwks => &self.jwks,
            Endpoint::Token => &self.token,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_elsewhere(&self) {
        self.elsewhere.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a decision of the token endpoint. `None` is a refusal.
    pub(super) fn count_decision(&self, grant: Option<Grant>) {
        let counter = match grant {
            Some(Grant::ClientCredentials) => &self.client_credentials,
            Some(Grant::RefreshToken) => &self.refresh_token,
            Some(Grant::TokenExchange) => &self.token_exchange,
            None => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Stats {
        Stats {
            discovery: self.discovery.load(Ordering::Relaxed),
            jwks: self.jwks.load(Ordering::Relaxed),
            token: self.token.load(Ordering::Relaxed),
            elsewhere: self.elsewhere.load(Ordering::Relaxed),
            client_credentials: self.client_credentials.load(Ordering::Relaxed),
            refresh_token: self.refresh_token.load(Ordering::Relaxed),
            token_exchange: self.token_exchange.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    pub(super) fn reset(&self) {
        for counter in [
            &self.discovery,
            &self.jwks,
            &self.token,
            &self.elsewhere,
            &self.client_credentials,
            &self.refresh_token,
            &self.token_exchange,
            &self.refused,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}
