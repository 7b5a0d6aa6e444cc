//! Conversions between the contract's types and those of the interface in Rust.

use tollgate_core::authorization_server::{
    Approval, AuditEvent, AuditKind, AuthorizationRequest, GrantHandle, GrantInfo, GrantPage,
    GrantType, HookError, Prompt, TokenDecision, TokenDecisionRequest, TokenInfo, UpstreamTokens,
};
use tollgate_core::secret::Secret;
use tollgate_core::store::{Commit, Committed, Condition, Page, Put, Record, StoreError};

use super::bindings::exports::tollgate::auth::authorization_server as wit;
use super::bindings::tollgate::auth::{hooks as wit_hooks, store as wit_store};

pub(super) fn record(record: Record) -> wit_store::StoredRecord {
    wit_store::StoredRecord {
        key: record.key,
        version: record.version,
        value: record.value,
        expires_at: record.expires_at,
    }
}

pub(super) fn page(page: Page) -> wit_store::Page {
    wit_store::Page {
        records: page.records.into_iter().map(record).collect(),
        more: page.more,
    }
}

pub(super) fn committed(committed: Committed) -> wit_store::Committed {
    match committed {
        Committed::Done => wit_store::Committed::Done,
        Committed::Conflict => wit_store::Committed::Conflict,
    }
}

pub(super) fn store_error(error: StoreError) -> wit_store::StoreError {
    match error {
        StoreError::Unavailable => wit_store::StoreError::Unavailable,
        StoreError::Failed => wit_store::StoreError::Failed,
    }
}

pub(super) fn commit(changes: wit_store::Changes) -> Commit {
    let condition = |condition| match condition {
        wit_store::Condition::Absent => Condition::Absent,
        wit_store::Condition::Version(version) => Condition::Version(version),
    };
    let put = |put: wit_store::Put| Put {
        key: put.key,
        version: put.version,
        value: put.value,
        expires_at: put.expires_at,
    };
    Commit {
        conditions: changes
            .conditions
            .into_iter()
            .map(|(key, demanded)| (key, condition(demanded)))
            .collect(),
        puts: changes.puts.into_iter().map(put).collect(),
        deletes: changes.deletes,
    }
}

pub(super) fn grant_type(kind: wit_hooks::GrantType) -> GrantType {
    match kind {
        wit_hooks::GrantType::AuthorizationCode => GrantType::AuthorizationCode,
        wit_hooks::GrantType::RefreshToken => GrantType::RefreshToken,
        wit_hooks::GrantType::ClientCredentials => GrantType::ClientCredentials,
        wit_hooks::GrantType::TokenExchange => GrantType::TokenExchange,
        wit_hooks::GrantType::JwtBearer => GrantType::JwtBearer,
    }
}

pub(super) fn wit_grant_type(kind: GrantType) -> wit_hooks::GrantType {
    match kind {
        GrantType::AuthorizationCode => wit_hooks::GrantType::AuthorizationCode,
        GrantType::RefreshToken => wit_hooks::GrantType::RefreshToken,
        GrantType::ClientCredentials => wit_hooks::GrantType::ClientCredentials,
        GrantType::TokenExchange => wit_hooks::GrantType::TokenExchange,
        GrantType::JwtBearer => wit_hooks::GrantType::JwtBearer,
    }
}

fn upstream(tokens: wit_hooks::UpstreamTokens) -> UpstreamTokens {
    UpstreamTokens {
        provider: tokens.provider,
        access_token: Secret::new(tokens.access_token),
        refresh_token: tokens.refresh_token.map(Secret::new),
        expires_at: tokens.expires_at,
        scope: tokens.scope,
    }
}

fn wit_upstream(tokens: UpstreamTokens) -> wit_hooks::UpstreamTokens {
    wit_hooks::UpstreamTokens {
        provider: tokens.provider,
        access_token: tokens.access_token.into_exposed(),
        refresh_token: tokens.refresh_token.map(Secret::into_exposed),
        expires_at: tokens.expires_at,
        scope: tokens.scope,
    }
}

pub(super) fn question(question: wit_hooks::TokenQuestion) -> TokenDecisionRequest {
    TokenDecisionRequest {
        grant_type: grant_type(question.grant_type),
        client_id: question.client_id,
        user_id: question.user_id,
        grant: question.grant.map(|grant| GrantHandle {
            id: grant.id,
            revision: grant.revision,
        }),
        granted_scopes: question.granted_scopes,
        scopes: question.scopes,
        resources: question.resources,
        props: question.props.map(Secret::new),
        upstream: question.upstream.map(upstream),
    }
}

pub(super) fn decision(decision: TokenDecision) -> wit_hooks::TokenDecision {
    wit_hooks::TokenDecision {
        scopes: decision.scopes,
        access_token_lifetime: decision.access_token_lifetime,
        access_token_props: decision.access_token_props.map(Secret::into_exposed),
        grant_props: decision.grant_props.map(Secret::into_exposed),
        upstream: decision.upstream.map(wit_upstream),
    }
}

pub(super) fn hook_error(error: HookError) -> wit_hooks::HookError {
    match error {
        HookError::Refused => wit_hooks::HookError::Refused,
        HookError::Unavailable => wit_hooks::HookError::Unavailable,
        HookError::Failed => wit_hooks::HookError::Failed,
    }
}

/// An error only if the component breaks the contract.
pub(super) fn audit_event(event: wit_hooks::AuditEvent) -> wasmtime::Result<AuditEvent> {
    let kind = match event.kind {
        wit_hooks::AuditKind::CodeIssued => AuditKind::CodeIssued,
        wit_hooks::AuditKind::TokensIssued => {
            let kind = event.grant_type.map(grant_type);
            let kind = kind.ok_or_else(|| wasmtime::format_err!("tokens without a grant type"))?;
            AuditKind::TokensIssued(kind)
        }
        wit_hooks::AuditKind::AnswerRepeated => AuditKind::AnswerRepeated,
        wit_hooks::AuditKind::CodeReused => AuditKind::CodeReused,
        wit_hooks::AuditKind::RefreshTokenReused => AuditKind::RefreshTokenReused,
        wit_hooks::AuditKind::Revoked => AuditKind::Revoked,
    };
    Ok(AuditEvent {
        kind,
        at: event.at,
        client_id: event.client_id,
        user_id: event.user_id,
        grant_id: event.grant_id,
        scopes: event.scopes,
        resources: event.resources,
    })
}

pub(super) fn authorization(request: wit::AuthorizationRequest) -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: request.client_id,
        redirect_uri: request.redirect_uri,
        redirect_uri_given: request.redirect_uri_given,
        scopes: request.scopes,
        state: request.state,
        code_challenge: request.code_challenge,
        resources: request.resources,
        prompt: Prompt {
            none: request.prompt.none,
            login: request.prompt.login,
            consent: request.prompt.consent,
            select_account: request.prompt.select_account,
        },
        login_hint: request.login_hint,
        max_age: request.max_age,
    }
}

pub(super) fn wit_authorization(request: AuthorizationRequest) -> wit::AuthorizationRequest {
    wit::AuthorizationRequest {
        client_id: request.client_id,
        redirect_uri: request.redirect_uri,
        redirect_uri_given: request.redirect_uri_given,
        scopes: request.scopes,
        state: request.state,
        code_challenge: request.code_challenge,
        resources: request.resources,
        prompt: wit::Prompt {
            none: request.prompt.none,
            login: request.prompt.login,
            consent: request.prompt.consent,
            select_account: request.prompt.select_account,
        },
        login_hint: request.login_hint,
        max_age: request.max_age,
    }
}

pub(super) fn wit_approval(approval: Approval) -> wit::Approval {
    wit::Approval {
        user_id: approval.user_id,
        scopes: approval.scopes,
        props: approval.props,
        metadata: approval.metadata,
        replaces_others: approval.replaces_others,
        upstream: approval.upstream.map(wit_upstream),
    }
}

pub(super) fn token_info(token: wit::TokenInfo) -> TokenInfo {
    TokenInfo {
        subject: token.subject,
        client_id: token.client_id,
        scopes: token.scopes,
        audience: token.audience,
        issued_at: token.issued_at,
        expires_at: token.expires_at,
        grant_id: token.grant_id,
        props: token.props.map(Secret::new),
    }
}

pub(super) fn grant_page(page: wit::GrantPage) -> GrantPage {
    let grant = |grant: wit::GrantInfo| GrantInfo {
        id: grant.id,
        client_id: grant.client_id,
        user_id: grant.user_id,
        scopes: grant.scopes,
        resources: grant.resources,
        metadata: grant.metadata,
        created_at: grant.created_at,
        expires_at: grant.expires_at,
    };
    GrantPage {
        grants: page.grants.into_iter().map(grant).collect(),
        cursor: page.cursor,
    }
}
