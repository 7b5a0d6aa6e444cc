//! Revocation (RFC 7009).

use super::client::Client;
use super::hooks::AuditKind;
use super::issuer::Request;
use super::opaque_token::{self, TokenKind};
use super::parameters::Parameters;
use super::rejection::{GrantFailure, Rejection};
use super::sealing::constant_time_eq;
use super::server::Server;
use super::token_check::REVOKED;
use crate::answer::Answer;
use crate::secret::Secret;
use crate::store::{Commit, Committed, Condition};

impl Server {
    /// The revocation endpoint. A token that is not valid (any more) is a success: what the client
    /// wants is the case (RFC 7009 section 2.2).
    pub(super) async fn revocation_endpoint(&self, request: &Request) -> Result<Answer, Rejection> {
        if request.method != "POST" {
            return Err(Rejection::Method("POST"));
        }
        let form = Parameters::from_form(&request.headers, &request.body)?;
        let token = Secret::new(form.required("token")?);
        let client = self.authenticate_client(request, &form).await?;
        if !self.revoke_refresh_token(&client, &token).await? {
            self.revoke_access_token(&client, &token).await?;
        }
        let mut answer = Answer::empty(200);
        answer.push("cache-control", "no-store");
        Ok(answer)
    }

    /// Revokes the whole grant of a refresh token. Returns whether it is one.
    async fn revoke_refresh_token(
        &self,
        client: &Client,
        token: &Secret,
    ) -> Result<bool, Rejection> {
        let keys = self.keys().await?;
        let locator = opaque_token::read(&keys.root, TokenKind::Refresh, token.expose());
        let Some(locator) = locator else {
            return Ok(false);
        };
        let Some((record, grant)) = self.grant(locator).await? else {
            return Ok(true);
        };
        check_owner(client, &grant.client_id)?;
        // A replaced token revokes the grant as well: its holder wants the grant revoked.
        let hash = opaque_token::hash(token);
        let known = grant.refresh.as_ref().is_some_and(|own| {
            let replaced = own.replaced.as_ref();
            constant_time_eq(&own.hash, &hash)
                || replaced.is_some_and(|old| constant_time_eq(&old.hash, &hash))
        });
        let older = grant
            .refresh
            .as_ref()
            .is_some_and(|own| locator.number < own.number);
        if known || older {
            self.delete_grant(locator.shard, &record).await?;
            self.audit(AuditKind::Revoked, &client.id, Some(&grant));
        }
        Ok(true)
    }

    /// Revokes one access token.
    async fn revoke_access_token(&self, client: &Client, token: &Secret) -> Result<(), Rejection> {
        let Some(checked) = self.check_access_token(token.expose()).await? else {
            return Ok(());
        };
        check_owner(client, &checked.client_id)?;
        let commit = match (&checked.record_key, &checked.id) {
            (Some(key), _) => Commit {
                deletes: vec![key.clone()],
                ..Commit::default()
            },
            (None, Some(id)) => {
                let key = format!("{REVOKED}{id}");
                let marker =
                    self.storage
                        .put(key.clone(), b"{}".to_vec(), Some(checked.expires_at));
                Commit {
                    conditions: vec![(key, Condition::Absent)],
                    puts: vec![marker],
                    deletes: Vec::new(),
                }
            }
            (None, None) => return Err(Rejection::StoredRecord),
        };
        let partition = checked.shard.partition();
        match self.storage.commit(&partition, commit).await? {
            // Another request has revoked it.
            Committed::Conflict => Ok(()),
            Committed::Done => {
                self.audit(AuditKind::Revoked, &client.id, checked.grant.as_ref());
                Ok(())
            }
        }
    }
}

/// A token of another client is not revoked (RFC 7009 section 2.1).
fn check_owner(client: &Client, owner: &str) -> Result<(), Rejection> {
    if client.id == owner {
        Ok(())
    } else {
        Err(Rejection::Grant(GrantFailure::OtherClient))
    }
}
