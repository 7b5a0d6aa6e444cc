//! Grants as the application sees them: checked, listed and revoked.

use super::grant::{self, Grant};
use super::hooks::AuditKind;
use super::opaque_token::GrantId;
use super::partition::Shard;
use super::rejection::Rejection;
use super::server::Server;
use super::sign_in::remembered_consent;
use crate::secret::Secret;
use crate::store::{Commit, UnixSeconds};

/// Grants of one page.
const PAGE: u32 = 100;
/// Records that are deleted at once.
const FORGOTTEN: u32 = 32;

/// A valid access token, with what its grant has for the application.
#[derive(Debug, Clone)]
pub struct TokenInfo {
    /// The user; of a client that acts for itself, the client.
    pub subject: String,
    /// `client_id`
    pub client_id: String,
    /// The scopes of the token.
    pub scopes: Vec<String>,
    /// The resources that the token is for.
    pub audience: Vec<String>,
    /// When it was issued.
    pub issued_at: UnixSeconds,
    /// When it expires.
    pub expires_at: UnixSeconds,
    /// The grant. `None`: the client acts for itself.
    pub grant_id: Option<String>,
    /// JSON of the application, from the approval.
    pub props: Option<Secret>,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantInfo {
    /// Its id.
    pub id: String,
    /// `client_id`
    pub client_id: String,
    /// The user.
    pub user_id: Option<String>,
    /// The scopes that the user approved.
    pub scopes: Vec<String>,
    /// The resources that its tokens are for.
    pub resources: Vec<String>,
    /// JSON of the application.
    pub metadata: Option<String>,
    /// When the user approved it.
    pub created_at: UnixSeconds,
    /// When it ends.
    pub expires_at: UnixSeconds,
}

/// Grants, in a stable order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<GrantInfo>,
    /// For the next page. `None`: this is the last.
    pub cursor: Option<String>,
}

impl Server {
    /// Checks an access token for a resource. `None`: it is not valid here.
    pub(super) async fn token_info(
        &self,
        token: &str,
        resource: &str,
    ) -> Result<Option<TokenInfo>, Rejection> {
        let Some(token) = self.check_access_token(token).await? else {
            return Ok(None);
        };
        let mut resources = token.resources.iter();
        if !resources.any(|own| super::narrowing::same_resource(own, resource)) {
            return Ok(None);
        }
        Ok(Some(TokenInfo {
            props: token.props()?,
            grant_id: token.grant.as_ref().map(|grant| grant.id.text()),
            subject: token.subject,
            client_id: token.client_id,
            scopes: token.scopes,
            audience: token.resources,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        }))
    }

    /// A page of a user's grants. Those whose code was not redeemed are not among them.
    pub(super) async fn user_grants(
        &self,
        user_id: &str,
        cursor: Option<&str>,
    ) -> Result<GrantPage, Rejection> {
        let after = match cursor {
            None => None,
            Some(id) => {
                let id = GrantId::from_text(id).ok_or(Rejection::BadParameter("cursor"))?;
                Some(grant::key(id))
            }
        };
        let partition = self.keys().await?.partitions.user(user_id).partition();
        let page = self
            .storage
            .list(&partition, grant::PREFIX, after.as_deref(), PAGE);
        let page = page.await?;
        let mut result = GrantPage::default();
        for record in &page.records {
            let grant = Grant::from_record(&record.value)?;
            if page.more {
                result.cursor = Some(grant.id.text());
            }
            if grant.code.used {
                result.grants.push(info(grant));
            }
        }
        Ok(result)
    }

    /// Revokes a user's grant. Returns whether there was one.
    pub(super) async fn revoke_grant(
        &self,
        user_id: &str,
        grant_id: &str,
    ) -> Result<bool, Rejection> {
        let Some(id) = GrantId::from_text(grant_id) else {
            return Ok(false);
        };
        let shard = self.keys().await?.partitions.user(user_id);
        let record = self
            .storage
            .read_one(&shard.partition(), &grant::key(id))
            .await?;
        let Some(record) = record else {
            return Ok(false);
        };
        self.delete_grant(shard, &record).await?;
        // The user is asked again.
        let grant = Grant::from_record(&record.value)?;
        self.audit(AuditKind::Revoked, &grant.client_id, Some(&grant));
        let consent = vec![remembered_consent::key(&grant.client_id)];
        self.forget(shard, consent).await?;
        Ok(true)
    }

    /// Revokes all grants of a user, codes and remembered consent too. A grant that is made
    /// meanwhile may stay.
    pub(super) async fn revoke_user(&self, user_id: &str) -> Result<u32, Rejection> {
        let shard = self.keys().await?.partitions.user(user_id);
        let partition = shard.partition();
        let mut count = 0;
        loop {
            let page = self
                .storage
                .list(&partition, grant::PREFIX, None, PAGE)
                .await?;
            for record in &page.records {
                self.delete_grant(shard, record).await?;
                let grant = Grant::from_record(&record.value)?;
                self.audit(AuditKind::Revoked, &grant.client_id, Some(&grant));
                count += 1;
            }
            if !page.more {
                break;
            }
        }
        loop {
            let prefix = remembered_consent::PREFIX;
            let page = self.storage.list(&partition, prefix, None, FORGOTTEN);
            let page = page.await?;
            let keys = page.records.into_iter().map(|record| record.key);
            self.forget(shard, keys.collect()).await?;
            if !page.more {
                return Ok(count);
            }
        }
    }

    async fn forget(&self, shard: Shard, keys: Vec<String>) -> Result<(), Rejection> {
        if keys.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            deletes: keys,
            ..Commit::default()
        };
        self.storage.commit(&shard.partition(), commit).await?;
        Ok(())
    }
}

fn info(grant: Grant) -> GrantInfo {
    GrantInfo {
        id: grant.id.text(),
        expires_at: grant.ends_at(),
        client_id: grant.client_id,
        user_id: grant.user_id,
        scopes: grant.scopes,
        resources: grant.resources,
        metadata: grant.metadata,
        created_at: grant.created_at,
    }
}
