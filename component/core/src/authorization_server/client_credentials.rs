//! Tokens that a client gets for itself (RFC 6749 section 4.4).

use super::access_token::{AccessTokenRequest, Props};
use super::client::{Client, GrantType};
use super::client_rejection::ClientAuthenticationFailure;
use super::hooks::{AuditKind, TokenDecisionRequest};
use super::narrowing::{narrowed_resources, split_scopes};
use super::parameters::Parameters;
use super::partition::Shard;
use super::rejection::Rejection;
use super::server::Server;
use super::token_response::TokenResponse;
use crate::store::{Commit, Committed, Condition, Put};

impl Server {
    pub(super) async fn client_credentials(
        &self,
        client: &Client,
        form: &Parameters,
    ) -> Result<TokenResponse, Rejection> {
        if client.is_public() {
            let missing = ClientAuthenticationFailure::Missing;
            return Err(Rejection::ClientAuthentication(missing));
        }
        let keys = self.keys().await?;
        let scopes = match form.get("scope") {
            Some(text) => split_scopes(text)?,
            None => client.scopes.clone().unwrap_or_default(),
        };
        self.settings.check_scopes(client, &scopes)?;
        let all = &self.settings.resources;
        let resources = narrowed_resources(form.all("resource"), all)?;
        let resources = resources.unwrap_or_else(|| vec![all[0].clone()]);
        let shard = keys.partitions.client_grants(&client.id);
        let question = TokenDecisionRequest {
            grant_type: GrantType::ClientCredentials,
            client_id: client.id.clone(),
            user_id: None,
            grant: None,
            granted_scopes: scopes.clone(),
            scopes: scopes.clone(),
            resources: resources.clone(),
            props: None,
            upstream: None,
        };
        let decision = self.decide_token(question).await?;
        let scopes = decision.scopes.unwrap_or(scopes);
        let request = AccessTokenRequest {
            client,
            shard,
            grant: None,
            subject: &client.id,
            scopes: &scopes,
            resources: &resources,
            until: None,
            lifetime: decision.access_token_lifetime,
            props: Props::new(decision.access_token_props.as_ref(), None),
            actor: None,
        };
        let token = self.issue_access_token(&keys, &request).await?;
        self.store_token(shard, token.records).await?;
        let kind = AuditKind::TokensIssued(GrantType::ClientCredentials);
        self.audit(kind, &client.id, None);
        Ok(TokenResponse {
            access_token: token.text,
            expires_at: token.expires_at,
            refresh_token: None,
            scopes,
            issued_token_type: None,
        })
    }

    /// Stores the records of a token that belongs to no change of a grant.
    pub(super) async fn store_token(&self, shard: Shard, puts: Vec<Put>) -> Result<(), Rejection> {
        if puts.is_empty() {
            return Ok(());
        }
        let conditions = puts.iter().map(|put| (put.key.clone(), Condition::Absent));
        let commit = Commit {
            conditions: conditions.collect(),
            puts,
            deletes: Vec::new(),
        };
        match self.storage.commit(&shard.partition(), commit).await? {
            Committed::Done => Ok(()),
            Committed::Conflict => Err(Rejection::Contention),
        }
    }
}
