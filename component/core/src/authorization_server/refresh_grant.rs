//! Refresh tokens (RFC 6749 section 6), which are replaced each time they are used (OAuth 2.1
//! section 4.3.1).
//!
//! A client whose answer was lost, or a second process with the same token, presents a token that
//! was just replaced. For a short time it gets the same answer again, which is stored encrypted
//! under the token itself. After that, and for every older token, the grant is revoked: two parties
//! have it, and one of them may be a thief (RFC 9700 section 4.14.2).

use super::access_token::AccessTokenRequest;
use super::client::Client;
use super::code_grant::ATTEMPTS;
use super::grant::{Grant, Refresh, Replaced};
use super::opaque_token::{self, Locator, TokenKind};
use super::parameters::Parameters;
use super::rejection::{GrantFailure, Rejection};
use super::sealing::same;
use super::server::{Server, ServerKeys};
use super::token_response::TokenResponse;
use crate::secret::Secret;
use crate::store::{Committed, Put};

impl Server {
    /// Refreshes a grant.
    pub(super) async fn refresh(
        &self,
        client: &Client,
        form: &Parameters,
    ) -> Result<TokenResponse, Rejection> {
        let refused = |failure| Err(Rejection::Grant(failure));
        let token = Secret::new(form.required("refresh_token")?);
        let keys = self.keys().await?;
        let locator = opaque_token::read(&keys.root, TokenKind::Refresh, token.expose());
        let locator = locator.ok_or(Rejection::Grant(GrantFailure::Unknown))?;
        let hash = opaque_token::hash(&token);
        for _ in 0..ATTEMPTS {
            let Some((record, grant)) = self.grant(locator).await? else {
                return refused(GrantFailure::Unknown);
            };
            let Some(current) = &grant.refresh else {
                return refused(GrantFailure::Unknown);
            };
            if grant.client_id != client.id {
                return refused(GrantFailure::OtherClient);
            }
            if grant.client_epoch != client.epoch {
                return refused(GrantFailure::ClientChanged);
            }
            let now = self.storage.now();
            if grant.ends_at() <= now {
                return refused(GrantFailure::Expired);
            }
            if !same(&current.hash, &hash) {
                let replaced = current.replaced.as_ref();
                let replaced = replaced.filter(|old| same(&old.hash, &hash));
                return match replaced {
                    Some(old) if now < old.at + self.settings.refresh_grace => {
                        keys.open_answer(&token, &grant, &old.answer)
                    }
                    _ => {
                        self.delete_grant(locator.shard, &record).await?;
                        refused(GrantFailure::RefreshReused)
                    }
                };
            }
            let refreshed = self.refreshed(&keys, client, locator, &grant, current, form, &token);
            let (grant, response, token_record) = refreshed.await?;
            let mut commit = self.replacement(&record, &grant);
            commit.puts.extend(token_record);
            let partition = locator.shard.partition();
            if self.storage.commit(&partition, commit).await? == Committed::Done {
                return Ok(response);
            }
        }
        Err(Rejection::Contention)
    }

    /// The grant after a refresh, and what the client gets.
    #[expect(clippy::too_many_arguments, reason = "all of one request")]
    async fn refreshed(
        &self,
        keys: &ServerKeys,
        client: &Client,
        locator: Locator,
        grant: &Grant,
        current: &Refresh,
        form: &Parameters,
        token: &Secret,
    ) -> Result<(Grant, TokenResponse, Option<Put>), Rejection> {
        let now = self.storage.now();
        let props_key = match &current.props_key {
            Some(sealed) => Some(keys.open_props_key(token, grant.id, sealed)?),
            None => None,
        };
        let scopes = self.narrowed_scopes(form, &grant.scopes)?;
        let resources = self.narrowed_resources(form, &grant.resources)?;
        let number = current
            .number
            .checked_add(1)
            .ok_or(Rejection::StoredRecord)?;
        let locator = Locator { number, ..locator };
        let next = opaque_token::issue(&keys.root, self.scheduler(), TokenKind::Refresh, locator);
        let subject = grant.user_id.as_deref().unwrap_or(&client.id);
        let request = AccessTokenRequest {
            client,
            shard: locator.shard,
            grant: Some(grant),
            subject,
            scopes: &scopes,
            resources: &resources,
            until: Some(grant.expires_at),
            props_key: props_key.as_ref(),
            actor: None,
        };
        let access_token = self.issue_access_token(keys, &request).await?;
        let mut new = grant.clone();
        let sealed = self.sealed_props_key(keys, &next, grant, props_key.as_ref());
        let response = TokenResponse {
            access_token: access_token.text,
            expires_at: access_token.expires_at,
            refresh_token: Some(next),
            scopes,
            issued_token_type: None,
        };
        let answer = keys.token_key(token, "answer").seal(
            self.scheduler(),
            &grant.id.0,
            &response.to_record(),
        );
        new.refresh = Some(Refresh {
            number,
            hash: response
                .refresh_token
                .as_ref()
                .map(opaque_token::hash)
                .unwrap_or_default(),
            props_key: sealed,
            replaced: Some(Replaced {
                hash: current.hash.clone(),
                at: now,
                answer,
            }),
            idle_until: self.idle_until(now),
        });
        Ok((new, response, access_token.record))
    }
}

impl ServerKeys {
    /// The answer that a replaced token gave.
    fn open_answer(
        &self,
        token: &Secret,
        grant: &Grant,
        sealed: &[u8],
    ) -> Result<TokenResponse, Rejection> {
        let key = self.token_key(token, "answer");
        let answer = key
            .open(&grant.id.0, sealed)
            .ok_or(Rejection::StoredRecord)?;
        Ok(TokenResponse::from_record(&answer)?)
    }
}
