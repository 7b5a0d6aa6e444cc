//! Decisions of the application while tokens are issued, and its record of what was issued.

use super::authorization_request::UpstreamTokens;
use super::client::GrantType;
use super::rejection::Rejection;
use super::server::Server;
use crate::capability::Pending;
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// How long the application may take for one decision, in milliseconds: time for a request to
/// another server, within the patience of clients.
pub(super) const DECISION_MS: u64 = 10_000;

/// The application's part. All of it is optional: see [`NoHooks`].
pub trait Hooks {
    /// Whether [`Self::token`] is to be called. If so, at most one call runs for a grant at a time,
    /// in all instances together.
    fn decides_about_tokens(&self) -> bool;

    /// A token is about to be issued. Nothing has changed yet: if the application fails or refuses,
    /// the code or refresh token stays as it is.
    fn token(
        &self,
        request: TokenDecisionRequest,
    ) -> Box<dyn Pending<Result<TokenDecision, HookError>>>;

    /// Something happened. It returns at once, and cannot fail.
    fn audit(&self, event: AuditEvent);
}

/// An application without decisions.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn decides_about_tokens(&self) -> bool {
        false
    }

    fn token(&self, _: TokenDecisionRequest) -> Box<dyn Pending<Result<TokenDecision, HookError>>> {
        struct Nothing;
        impl Pending<Result<TokenDecision, HookError>> for Nothing {
            fn poll(&mut self) -> Option<Result<TokenDecision, HookError>> {
                Some(Ok(TokenDecision::default()))
            }
        }
        Box::new(Nothing)
    }

    fn audit(&self, _: AuditEvent) {}
}

/// Why the application made no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookError {
    /// The user or the client may not have the token (any more). The client gets `invalid_grant`
    /// and asks the user to sign in again.
    Refused,
    /// It cannot decide at the moment. The client gets a 503 and tries again.
    Unavailable,
    /// It failed. The client gets a 500.
    Failed,
}

/// A token that is about to be issued.
#[derive(Debug, Clone)]
pub struct TokenDecisionRequest {
    /// The kind of token request.
    pub grant_type: GrantType,
    /// `client_id`
    pub client_id: String,
    /// The user. `None`: the client acts for itself.
    pub user_id: Option<String>,
    /// The grant. `None`: the client acts for itself, or the token is exchanged and the grant stays
    /// as it is.
    pub grant: Option<GrantHandle>,
    /// The scopes that were granted.
    pub granted_scopes: Vec<String>,
    /// The scopes of the token.
    pub scopes: Vec<String>,
    /// The resources of the token.
    pub resources: Vec<String>,
    /// The grant's props: JSON.
    pub props: Option<Secret>,
    /// The tokens of the identity provider that signed the user in.
    pub upstream: Option<UpstreamTokens>,
}

/// A grant at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantHandle {
    /// Its id.
    pub id: String,
    /// Changes whenever the grant changes. An application that revokes the grant with it revokes
    /// nothing that came later.
    pub revision: String,
}

/// What the application decided. Everything that it leaves out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct TokenDecision {
    /// Fewer scopes. Others are ignored.
    pub scopes: Option<Vec<String>>,
    /// The lifetime of the access token in seconds, if it is shorter.
    pub access_token_lifetime: Option<u32>,
    /// Props of this access token: JSON.
    pub access_token_props: Option<Secret>,
    /// New props of the grant: JSON. With a token exchange they are ignored.
    pub grant_props: Option<Secret>,
    /// New tokens of the identity provider. With a token exchange they are ignored.
    pub upstream: Option<UpstreamTokens>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// A user approved a request, and a code was made.
    CodeIssued,
    /// Tokens were issued.
    TokensIssued(GrantType),
    /// A refresh token was answered with the same tokens again.
    AnswerRepeated,
    /// A code was used twice; its grant is revoked.
    CodeReused,
    /// A replaced refresh token was used; its grant is revoked.
    RefreshTokenReused,
    /// A grant or token was revoked.
    Revoked,
}

/// One entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// When.
    pub at: UnixSeconds,
    /// `client_id`
    pub client_id: String,
    /// The user.
    pub user_id: Option<String>,
    /// The grant's id.
    pub grant_id: Option<String>,
    /// The scopes.
    pub scopes: Vec<String>,
    /// The resources.
    pub resources: Vec<String>,
}

impl Server {
    /// Asks the application about a token.
    pub(super) async fn decide_token(
        &self,
        request: TokenDecisionRequest,
    ) -> Result<TokenDecision, Rejection> {
        if !self.hooks.decides_about_tokens() {
            return Ok(TokenDecision::default());
        }
        let granted = request.scopes.clone();
        let pending = self.hooks.token(request);
        let decision = self.scheduler().hook(pending, DECISION_MS).await;
        let mut decision = decision.map_err(|error| match error {
            Some(HookError::Refused) => {
                Rejection::Grant(super::rejection::GrantFailure::RefusedByApplication)
            }
            Some(HookError::Failed) => Rejection::HookFailed,
            Some(HookError::Unavailable) | None => Rejection::HookUnavailable,
        })?;
        if let Some(scopes) = &mut decision.scopes {
            scopes.retain(|scope| granted.contains(scope));
        }
        Ok(decision)
    }

    /// Tells the application what happened.
    pub(super) fn audit(
        &self,
        kind: AuditKind,
        client_id: &str,
        grant: Option<&super::grant::Grant>,
    ) {
        self.hooks.audit(AuditEvent {
            kind,
            at: self.storage.now(),
            client_id: client_id.to_owned(),
            user_id: grant.and_then(|grant| grant.user_id.clone()),
            grant_id: grant.map(|grant| grant.id.text()),
            scopes: grant.map_or_else(Vec::new, |grant| grant.scopes.clone()),
            resources: grant.map_or_else(Vec::new, |grant| grant.resources.clone()),
        });
    }
}
