//! Token requests for calls to other APIs, on behalf of a caller and for the application itself.

use std::sync::Arc;

use tollgate_config::{ExchangeTarget, Grant, Secret, Token, TokenTarget};

use super::Gate;
use super::bindings::exports::tollgate::auth::token_exchange as wit;
use super::decision::Credentials;
use super::delegation::{CallReport, delegation};
use super::instance::TokenCall;
use super::token_error::TokenError;
use super::worker::Worker;
use crate::host::worker::Failed;

impl Gate {
    /// Gets a token to call another API on behalf of a caller (RFC 8693), from the cache or by
    /// token exchange. Concurrent calls for the same token share one exchange.
    ///
    /// A token that was issued for one caller's token is never returned for another, and is not
    /// cached beyond the expiry of the caller's token. The destination of the token is not checked
    /// here; see [`Gate::fetch_as`].
    ///
    /// # Errors
    ///
    /// Why the token request failed, with a response for the caller.
    pub async fn exchange(
        &self,
        caller: &Credentials,
        target: impl Into<ExchangeTarget>,
    ) -> Result<Token, TokenError> {
        let delegation = delegation(caller, target.into(), None);
        self.delegated_token(&delegation).await
    }

    pub(super) async fn delegated_token(
        &self,
        delegation: &wit::Delegation,
    ) -> Result<Token, TokenError> {
        let call = TokenCall::GetToken(delegation);
        issued_by(self.worker_of_delegation(delegation), call).await
    }

    /// The store that exchanges this token. It is the one that verifies it, so that all tokens that
    /// were exchanged for it are in one cache.
    fn worker_of_delegation(&self, delegation: &wit::Delegation) -> &Arc<Worker> {
        self.worker_of(delegation.subject_token.token.expose())
    }

    /// Whether a call should be repeated with another token.
    pub(super) fn call_again(
        &self,
        delegation: &wit::Delegation,
        token: &Token,
        status: u16,
        attempt: u32,
    ) -> bool {
        let report = CallReport {
            delegation,
            access_token: token.access_token.expose(),
            status,
            attempt,
        };
        // A store that failed has lost its cache, and the token with it.
        self.worker_of_delegation(delegation)
            .call_again(&report)
            .unwrap_or(false)
    }

    /// Gets a token for the application itself by client credentials (RFC 6749 section 4.4). It is
    /// cached and shared like those of [`Gate::exchange`].
    ///
    /// # Errors
    ///
    /// Why a token request failed.
    pub async fn own_token(&self, target: impl Into<TokenTarget>) -> Result<Token, TokenError> {
        let target = target.into();
        let worker = self.worker_at(self.hash_of(&target));
        issued_by(worker, TokenCall::GetOwnToken(&target)).await
    }

    /// Sends one token request. The token is neither cached nor shared, and the request is never
    /// repeated. `client_assertion` replaces the client's own authentication.
    ///
    /// The grant is not verified here: exchange only tokens that you have verified.
    ///
    /// # Errors
    ///
    /// Why a token request failed.
    pub async fn token_request(
        &self,
        grant: Grant,
        target: impl Into<TokenTarget>,
        client_assertion: Option<&Secret>,
    ) -> Result<Token, TokenError> {
        let target = target.into();
        let assertion = client_assertion.map(Secret::expose);
        let call = TokenCall::Request(&grant, &target, assertion);
        issued_by(self.next_worker(), call).await
    }

    /// Removes exchanged tokens from the cache: those of one subject, those for one resource (or
    /// audience), those of one subject for one resource, or all. The results of running exchanges
    /// are not cached either. Returns how many tokens were removed.
    pub fn invalidate(&self, subject: Option<&str>, resource: Option<&str>) -> u64 {
        let forgotten = |worker: &Arc<Worker>| match worker.invalidate(subject, resource) {
            Ok(tokens) => u64::from(tokens),
            // The failure was logged. The store's tokens are lost with it.
            Err(Failed) => 0,
        };
        self.0.workers.iter().map(forgotten).sum()
    }

    /// Signs a client assertion (RFC 7523 section 3) for one request to `audience`.
    ///
    /// # Errors
    ///
    /// The client has no private key, or its signer made no signature.
    pub async fn client_assertion(&self, audience: &str) -> Result<Secret, TokenError> {
        match self.next_worker().client_assertion(audience).await {
            Ok(assertion) => assertion.map(Secret::from),
            Err(Failed) => Err(TokenError::gate_failed()),
        }
    }
}

async fn issued_by(worker: &Arc<Worker>, call: TokenCall<'_>) -> Result<Token, TokenError> {
    worker
        .start_token(call)
        .await
        .unwrap_or_else(|Failed| Err(TokenError::gate_failed()))
}
