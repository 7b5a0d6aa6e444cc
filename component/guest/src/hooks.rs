//! The import `hooks`, as core's [`Hooks`].

use tollgate_core::authorization_server::{
    AuditEvent, AuditKind, GrantType, HookError, Hooks, TokenDecision, TokenDecisionRequest,
    UpstreamTokens,
};
use tollgate_core::capability::Pending;
use tollgate_core::secret::Secret;

use crate::bindings::tollgate::auth::hooks;

pub(crate) struct Application;

impl Hooks for Application {
    fn decides_about_tokens(&self) -> bool {
        hooks::decides_about_tokens()
    }

    fn token(
        &self,
        request: TokenDecisionRequest,
    ) -> Box<dyn Pending<Result<TokenDecision, HookError>>> {
        let question = hooks::TokenQuestion {
            grant_type: grant_type(request.grant_type),
            client_id: request.client_id,
            user_id: request.user_id,
            grant: request.grant.map(|grant| hooks::GrantHandle {
                id: grant.id,
                revision: grant.revision,
            }),
            granted_scopes: request.granted_scopes,
            scopes: request.scopes,
            resources: request.resources,
            props: request.props.map(Secret::into_exposed),
            upstream: request.upstream.map(|tokens| hooks::UpstreamTokens {
                provider: tokens.provider,
                access_token: tokens.access_token.into_exposed(),
                refresh_token: tokens.refresh_token.map(Secret::into_exposed),
                expires_at: tokens.expires_at,
                scope: tokens.scope,
            }),
        };
        Box::new(Decision(hooks::decide_token(&question)))
    }

    fn audit(&self, event: AuditEvent) {
        let (kind, issued) = match event.kind {
            AuditKind::TokensIssued(kind) => {
                (hooks::AuditKind::TokensIssued, Some(grant_type(kind)))
            }
            AuditKind::CodeIssued => (hooks::AuditKind::CodeIssued, None),
            AuditKind::AnswerRepeated => (hooks::AuditKind::AnswerRepeated, None),
            AuditKind::CodeReused => (hooks::AuditKind::CodeReused, None),
            AuditKind::RefreshTokenReused => (hooks::AuditKind::RefreshTokenReused, None),
            AuditKind::Revoked => (hooks::AuditKind::Revoked, None),
        };
        hooks::audit(&hooks::AuditEvent {
            kind,
            grant_type: issued,
            at: event.at,
            client_id: event.client_id,
            user_id: event.user_id,
            grant_id: event.grant_id,
            scopes: event.scopes,
            resources: event.resources,
        });
    }
}

struct Decision(hooks::PendingDecision);

impl Pending<Result<TokenDecision, HookError>> for Decision {
    fn poll(&mut self) -> Option<Result<TokenDecision, HookError>> {
        let decision = self.0.poll()?;
        let decision = decision.map(|decision| TokenDecision {
            scopes: decision.scopes,
            access_token_lifetime: decision.access_token_lifetime,
            access_token_props: decision.access_token_props.map(Secret::new),
            grant_props: decision.grant_props.map(Secret::new),
            upstream: decision.upstream.map(upstream),
        });
        Some(decision.map_err(|error| match error {
            hooks::HookError::Refused => HookError::Refused,
            hooks::HookError::Unavailable => HookError::Unavailable,
            hooks::HookError::Failed => HookError::Failed,
        }))
    }
}

pub(crate) fn upstream(tokens: hooks::UpstreamTokens) -> UpstreamTokens {
    UpstreamTokens {
        provider: tokens.provider,
        access_token: Secret::new(tokens.access_token),
        refresh_token: tokens.refresh_token.map(Secret::new),
        expires_at: tokens.expires_at,
        scope: tokens.scope,
    }
}

pub(crate) fn grant_type(kind: GrantType) -> hooks::GrantType {
    match kind {
        GrantType::AuthorizationCode => hooks::GrantType::AuthorizationCode,
        GrantType::RefreshToken => hooks::GrantType::RefreshToken,
        GrantType::ClientCredentials => hooks::GrantType::ClientCredentials,
        GrantType::TokenExchange => hooks::GrantType::TokenExchange,
        GrantType::JwtBearer => hooks::GrantType::JwtBearer,
    }
}
