//! Tokens for calls to other APIs: on behalf of a caller, and for the application itself.

use std::sync::Arc;

use tollgate_config::{ExchangeTarget, Grant, Secret, Token, TokenTarget};

use super::Gate;
use super::bindings::exports::tollgate::auth::token_exchange as wit;
use super::decision::Credentials;
use super::delegation::{CallReport, delegation};
use super::instance::TokenQuestion;
use super::token_error::TokenError;
use super::worker::{Failed, Worker};

impl Gate {
    /// A token with which to call another API on behalf of a caller (RFC 8693): from the cache,
    /// else by one exchange for all who ask for the same at the same time.
    ///
    /// What was got for one token is never given for another, and nothing is kept beyond the
    /// caller's own token. Where the token is sent is not checked here; see [`Gate::fetch_as`].
    ///
    /// # Errors
    ///
    /// Why there is no token, with a response for the caller.
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
        let question = TokenQuestion::GetToken(delegation);
        issued_by(self.worker_of_delegation(delegation), question).await
    }

    /// The store that has what was got for this token: the one that verifies it, so that one
    /// store is asked for all that one token gets, and its cache is all there is to know of it.
    fn worker_of_delegation(&self, delegation: &wit::Delegation) -> &Arc<Worker> {
        self.worker_of(delegation.subject_token.token.expose())
    }

    /// Whether a call with this token is worth making again with another one.
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
        // A store that failed has forgotten the token by that.
        self.worker_of_delegation(delegation)
            .call_again(&report)
            .unwrap_or(false)
    }

    /// A token for the application itself, by client credentials (RFC 6749 section 4.4), kept and
    /// shared like those of [`Gate::exchange`].
    ///
    /// # Errors
    ///
    /// Why a token request failed.
    pub async fn own_token(&self, target: impl Into<TokenTarget>) -> Result<Token, TokenError> {
        let target = target.into();
        let worker = self.worker_at(self.hash_of(&target));
        issued_by(worker, TokenQuestion::GetOwnToken(&target)).await
    }

    /// One token request as it stands: nothing is kept, nothing shared and nothing sent twice.
    /// `client_assertion` stands in for the client's own authentication.
    ///
    /// Nothing about the grant is verified here: exchange only tokens that you have verified.
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
        let question = TokenQuestion::Request(&grant, &target, assertion);
        issued_by(self.next_worker(), question).await
    }

    /// Forgets exchanged tokens: of one subject, for one resource (or audience), of one subject
    /// for one resource, or all. What is on its way is not kept either. Returns how many tokens
    /// went.
    pub fn invalidate(&self, subject: Option<&str>, resource: Option<&str>) -> u64 {
        let forgotten = |worker: &Arc<Worker>| match worker.invalidate(subject, resource) {
            Ok(tokens) => u64::from(tokens),
            // Logged; its tokens went with it.
            Err(Failed) => 0,
        };
        self.0.workers.iter().map(forgotten).sum()
    }

    /// A signed assertion of who this client is (RFC 7523 section 3), good for one request to
    /// `audience`.
    ///
    /// # Errors
    ///
    /// Where the client has no private key, or its signer gives no signature.
    pub async fn client_assertion(&self, audience: &str) -> Result<Secret, TokenError> {
        match self.next_worker().client_assertion(audience).await {
            Ok(assertion) => assertion.map(Secret::from),
            Err(Failed) => Err(TokenError::gate_failed()),
        }
    }
}

async fn issued_by(worker: &Arc<Worker>, question: TokenQuestion<'_>) -> Result<Token, TokenError> {
    worker
        .ask_for_token(question)
        .await
        .unwrap_or_else(|Failed| Err(TokenError::gate_failed()))
}
