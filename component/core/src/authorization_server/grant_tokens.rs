//! The next tokens of a grant, for a code or a refresh token.

use super::access_token::{AccessTokenRequest, Props};
use super::client::{Client, GrantType};
use super::grant::{Grant, Refresh, Replaced};
use super::hooks::{GrantHandle, TokenDecision, TokenDecisionRequest};
use super::narrowing::{narrowed_resources, narrowed_scopes};
use super::opaque_token::{self, Locator, TokenKind};
use super::parameters::Parameters;
use super::rejection::Rejection;
use super::sealing::Key;
use super::server::{Server, ServerKeys};
use super::token_response::TokenResponse;
use crate::secret::Secret;
use crate::store::{Put, Record, UnixSeconds};

/// A valid code or refresh token, and its grant.
pub(super) struct GrantRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) form: &'a Parameters,
    pub(super) locator: Locator,
    pub(super) record: &'a Record,
    pub(super) grant: &'a Grant,
    /// The code or refresh token.
    pub(super) token: &'a Secret,
}

/// The grant as it will be, what the client gets, and what is stored beside the grant.
pub(super) struct GrantTokens {
    pub(super) grant: Grant,
    pub(super) response: TokenResponse,
    pub(super) puts: Vec<Put>,
}

impl Server {
    /// Makes the next tokens. Nothing is stored yet.
    pub(super) async fn next_tokens(
        &self,
        keys: &ServerKeys,
        request: GrantRequest<'_>,
    ) -> Result<GrantTokens, Rejection> {
        let GrantRequest {
            client,
            form,
            grant,
            token,
            ..
        } = request;
        let now = self.storage.now();
        let scopes = narrowed_scopes(form, &grant.scopes)?;
        let resources = narrowed_resources(form.all("resource"), &grant.resources)?;
        let resources = resources.unwrap_or_else(|| grant.resources.clone());
        let sealed = match &grant.refresh {
            Some(refresh) => refresh.props_key.as_deref(),
            None => grant.code.props_key.as_deref(),
        };
        let mut props_key = match sealed {
            Some(sealed) => Some(keys.open_props_key(token, grant.id, sealed)?),
            None => None,
        };
        let question = self.question(&request, &scopes, &resources, props_key.as_ref())?;
        let decision = self.decide_token(question).await?;
        let scopes = decision.scopes.clone().unwrap_or(scopes);
        let mut next = grant.clone();
        if decision.grant_props.is_some() || decision.upstream.is_some() {
            let key = props_key.unwrap_or_else(|| Key::random(self.scheduler()));
            self.replace_secrets(&mut next, &key, &decision);
            props_key = Some(key);
        }
        let refresh_token = self.replace_token(keys, &request, &mut next, props_key.as_ref())?;
        let access_token = AccessTokenRequest {
            client,
            shard: request.locator.shard,
            grant: Some(&next),
            subject: grant.user_id.as_deref().unwrap_or(&client.id),
            scopes: &scopes,
            resources: &resources,
            until: Some(next.expires_at),
            lifetime: decision.access_token_lifetime,
            props: Props::new(decision.access_token_props.as_ref(), props_key.as_ref()),
            actor: None,
        };
        let access_token = self.issue_access_token(keys, &access_token).await?;
        let response = TokenResponse {
            access_token: access_token.text,
            expires_at: access_token.expires_at,
            refresh_token,
            scopes,
            issued_token_type: None,
        };
        if let (Some(used), Some(refresh)) = (&grant.refresh, &mut next.refresh) {
            let key = keys.token_key(token, "answer");
            let record = response.to_record();
            refresh.replaced = Some(Replaced {
                hash: used.hash.clone(),
                at: now,
                answer: key.seal(self.scheduler(), &grant.id.0, &record),
            });
        }
        Ok(GrantTokens {
            grant: next,
            response,
            puts: access_token.records,
        })
    }

    /// Encrypts new props and upstream tokens. The key stays the same: access tokens from before
    /// open the new ones too.
    fn replace_secrets(&self, next: &mut Grant, key: &Key, decision: &TokenDecision) {
        let id = next.id;
        if let Some(props) = &decision.grant_props {
            next.props = Some(key.seal(self.scheduler(), &id.0, props.expose().as_bytes()));
        }
        if let Some(tokens) = &decision.upstream {
            next.upstream = Some(tokens.seal(self.scheduler(), key, id));
        }
    }

    /// Marks the code or refresh token as used, and makes the next refresh token.
    fn replace_token(
        &self,
        keys: &ServerKeys,
        request: &GrantRequest<'_>,
        next: &mut Grant,
        props_key: Option<&Key>,
    ) -> Result<Option<Secret>, Rejection> {
        let now = self.storage.now();
        let number = match &request.grant.refresh {
            Some(used) => used.number.checked_add(1).ok_or(Rejection::StoredRecord)?,
            None => {
                next.code.used = true;
                next.code.props_key = None;
                let lifetime = self.settings.refresh_token_lifetime;
                let lifetime = lifetime.filter(|_| request.client.may_use(GrantType::RefreshToken));
                next.expires_at = now + lifetime.unwrap_or(self.settings.access_token_lifetime);
                if lifetime.is_none() {
                    return Ok(None);
                }
                0
            }
        };
        let locator = Locator {
            number,
            ..request.locator
        };
        let token = opaque_token::issue(&keys.root, self.scheduler(), TokenKind::Refresh, locator);
        let sealed = props_key.map(|props| {
            let key = keys.token_key(&token, "props key");
            key.seal(self.scheduler(), &next.id.0, props.bytes())
        });
        next.refresh = Some(Refresh {
            number,
            hash: opaque_token::hash(&token),
            props_key: sealed,
            replaced: None,
            idle_until: self.idle_until(now),
        });
        Ok(Some(token))
    }

    /// What the application is asked.
    fn question(
        &self,
        request: &GrantRequest<'_>,
        scopes: &[String],
        resources: &[String],
        props_key: Option<&Key>,
    ) -> Result<TokenDecisionRequest, Rejection> {
        let grant = request.grant;
        let key = props_key.filter(|_| self.hooks.decides_about_tokens());
        Ok(TokenDecisionRequest {
            grant_type: match &grant.refresh {
                Some(_) => GrantType::RefreshToken,
                None => GrantType::AuthorizationCode,
            },
            client_id: request.client.id.clone(),
            user_id: grant.user_id.clone(),
            grant: Some(GrantHandle {
                id: grant.id.text(),
                revision: request.record.version.clone(),
            }),
            granted_scopes: grant.scopes.clone(),
            scopes: scopes.to_vec(),
            resources: resources.to_vec(),
            props: match key {
                Some(key) => grant.open_props(key)?,
                None => None,
            },
            upstream: match key {
                Some(key) => grant.open_upstream(key)?,
                None => None,
            },
        })
    }

    /// When a grant ends that is not refreshed.
    fn idle_until(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let idle = self.settings.refresh_token_idle_lifetime;
        idle.map(|idle| now + idle)
    }
}

impl Grant {
    /// The props: JSON of the application.
    pub(super) fn open_props(&self, key: &Key) -> Result<Option<Secret>, Rejection> {
        let Some(sealed) = &self.props else {
            return Ok(None);
        };
        super::token_check::open_text(key, &self.id.0, sealed).map(Some)
    }
}
