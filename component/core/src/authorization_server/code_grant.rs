//! Authorization codes: issued for a user's approval, and redeemed once (RFC 6749 section 4.1).
//!
//! A code is part of its grant's record. Redeeming it is one conditional write of that record, so
//! two requests with one code cannot both succeed. A check that fails changes nothing: the client
//! may correct its request.

use super::authorization_request::{Approval, AuthorizationRequest};
use super::client::{Client, GrantType};
use super::grant::{self, Code, Grant};
use super::grant_lease::GrantLease;
use super::grant_tokens::GrantRequest;
use super::hooks::AuditKind;
use super::opaque_token::{self, Locator, TokenKind};
use super::parameters::Parameters;
use super::partition::Shard;
use super::pkce;
use super::rejection::{GrantFailure, Rejection};
use super::sealing::{Key, constant_time_eq};
use super::server::Server;
use super::sign_in::USER_ID_BYTES;
use super::storage::Outage;
use super::token_endpoint::{FoundGrant, Presented};
use super::token_response::TokenResponse;
use crate::secret::Secret;
use crate::store::{Commit, Committed, Condition, Record};

/// The longest `props` and `metadata`, in bytes: a record holds both, encrypted and encoded, and
/// stays far below the limit of a value.
const PROPS_BYTES: usize = 256 * 1024;
const METADATA_BYTES: usize = 16 * 1024;
/// How often a request begins again when others change the same record.
pub(super) const ATTEMPTS: usize = 8;
/// The most grants that a new one replaces.
const REPLACED: u32 = 16;

impl Server {
    /// Stores a grant for an approval, and returns its code.
    ///
    /// The request is one that [`Server`] parsed, or that the application kept: the caller checks
    /// it again.
    pub(super) async fn issue_code(
        &self,
        request: &AuthorizationRequest,
        approval: Approval,
    ) -> Result<Secret, Rejection> {
        if !(1..=USER_ID_BYTES).contains(&approval.user_id.len()) {
            return Err(Rejection::BadParameter("user_id"));
        }
        let too_long =
            |text: &Option<String>, limit| text.as_ref().is_some_and(|t| t.len() > limit);
        if too_long(&approval.props, PROPS_BYTES) || too_long(&approval.metadata, METADATA_BYTES) {
            return Err(Rejection::RequestTooLarge);
        }
        let keys = self.keys().await?;
        let client = self.client(&request.client_id).await?;
        let shard = keys.partitions.user(&approval.user_id);
        let id = grant::new_id(&client.id, self.scheduler());
        let locator = Locator {
            shard,
            grant: id,
            number: 0,
        };
        let code = opaque_token::issue(&keys.root, self.scheduler(), TokenKind::Code, locator);
        let props_key = Key::random(self.scheduler());
        let props = approval
            .props
            .map(|props| props_key.seal(self.scheduler(), &id.0, props.as_bytes()));
        let now = self.storage.now();
        let expires_at = now + self.settings.code_lifetime;
        let upstream = approval
            .upstream
            .map(|tokens| tokens.seal(self.scheduler(), &props_key, id));
        let has_secrets = props.is_some() || upstream.is_some();
        let sealed_key = has_secrets.then(|| {
            keys.token_key(&code, "props key")
                .seal(self.scheduler(), &id.0, props_key.bytes())
        });
        let grant = Grant {
            id,
            client_id: client.id,
            client_epoch: client.epoch,
            user_id: Some(approval.user_id),
            created_at: now,
            expires_at,
            scopes: approval.scopes,
            resources: request.resources.clone(),
            redirect_uri: request.redirect_uri.clone(),
            metadata: approval.metadata,
            code: Code {
                hash: opaque_token::hash(&code),
                expires_at,
                used: false,
                challenge: request.code_challenge.clone(),
                redirect_uri_given: request.redirect_uri_given,
                replaces_others: approval.replaces_others,
                props_key: sealed_key,
            },
            refresh: None,
            props,
            upstream,
        };
        let key = grant::key(id);
        let put = self.storage.put(
            key.clone(),
            grant.to_record(),
            Some(grant.record_expires_at()),
        );
        let commit = Commit {
            conditions: vec![(key, Condition::Absent)],
            puts: vec![put],
            deletes: Vec::new(),
        };
        match self.storage.commit(&shard.partition(), commit).await? {
            Committed::Done => {
                self.audit(AuditKind::CodeIssued, &grant.client_id, Some(&grant));
                Ok(code)
            }
            Committed::Conflict => Err(Rejection::Contention),
        }
    }

    /// Redeems a code (RFC 6749 section 4.1.3).
    pub(super) async fn redeem_code(
        &self,
        client: &Client,
        form: &Parameters,
        presented: &Presented,
        first_read: FoundGrant,
    ) -> Result<TokenResponse, Rejection> {
        GrantLease::during(self, presented.locator, async |lease| {
            self.redeem_leased(client, form, presented, first_read, lease)
                .await
        })
        .await
    }

    async fn redeem_leased(
        &self,
        client: &Client,
        form: &Parameters,
        presented: &Presented,
        first_read: FoundGrant,
        lease: &mut GrantLease,
    ) -> Result<TokenResponse, Rejection> {
        let refused = |failure| Err(Rejection::Grant(failure));
        let Presented {
            token: code,
            locator,
            keys,
        } = presented;
        let locator = *locator;
        let mut read = Some(first_read);
        let mut attempts = 0;
        let mut was_unused = false;
        while attempts < ATTEMPTS {
            let found = match read.take() {
                Some(found) => found,
                None => self.grant(locator).await?,
            };
            let Some((record, grant)) = found else {
                return refused(GrantFailure::Unknown);
            };
            if !constant_time_eq(&grant.code.hash, &opaque_token::hash(code)) {
                return refused(GrantFailure::Unknown);
            }
            if grant.client_id != client.id {
                return refused(GrantFailure::OtherClient);
            }
            if grant.code.used && was_unused {
                return refused(GrantFailure::CodeRace);
            }
            if grant.code.used {
                let now = self.storage.now();
                if self.undelivered.has(&record.version, now) {
                    check_code(self, client, &grant, form)?;
                    let answer = self.undelivered.take(&record.version);
                    return answer.ok_or(Rejection::Contention);
                }
                self.delete_grant(locator.shard, &record).await?;
                self.audit(AuditKind::CodeReused, &client.id, Some(&grant));
                return refused(GrantFailure::CodeUsed);
            }
            was_unused = true;
            check_code(self, client, &grant, form)?;
            if !lease.is_ready(self, locator).await? {
                continue;
            }
            let request = GrantRequest {
                client,
                form,
                locator,
                record: &record,
                grant: &grant,
                token: code,
            };
            let next = self.next_tokens(keys, request).await?;
            let mut commit = self.replacement(&record, &next.grant);
            commit.puts.extend(next.puts);
            if grant.code.replaces_others {
                let replaced = self.replaced_grants(locator.shard, &grant).await?;
                commit.deletes.extend(replaced);
            }
            let version = commit.puts[0].version.clone();
            let committed = lease.commit(self, locator, commit).await;
            if committed == Err(Outage::Unavailable) {
                let now = self.storage.now();
                self.undelivered.keep(&version, next.response, now);
                return Err(Rejection::StoreUnavailable);
            }
            if committed? == Committed::Done {
                let kind = AuditKind::TokensIssued(GrantType::AuthorizationCode);
                self.audit(kind, &client.id, Some(&next.grant));
                return Ok(next.response);
            }
            attempts += 1;
        }
        Err(Rejection::Contention)
    }

    /// The keys of the user's older grants for the same client and a common resource.
    async fn replaced_grants(&self, shard: Shard, new: &Grant) -> Result<Vec<String>, Rejection> {
        let prefix = grant::prefix_of_client(&new.client_id);
        let partition = shard.partition();
        let page = self.storage.list(&partition, &prefix, None, REPLACED + 1);
        let mut keys = Vec::new();
        for record in page.await?.records {
            let old = Grant::from_record(&record.value)?;
            let common = old.resources.iter().any(|own| new.resources.contains(own));
            // A grant whose code was not redeemed may be in another tab.
            if old.id != new.id && old.client_id == new.client_id && old.code.used && common {
                keys.push(record.key);
            }
        }
        keys.truncate(REPLACED as usize);
        Ok(keys)
    }

    /// A grant and its record.
    pub(super) async fn grant(
        &self,
        locator: Locator,
    ) -> Result<Option<(Record, Grant)>, Rejection> {
        let partition = locator.shard.partition();
        let key = grant::key(locator.grant);
        let Some(record) = self.storage.read_one(&partition, &key).await? else {
            return Ok(None);
        };
        let grant = Grant::from_record(&record.value)?;
        if grant.id != locator.grant {
            return Err(Rejection::StoredRecord);
        }
        Ok(Some((record, grant)))
    }

    /// A commit that replaces a grant's record, if nobody changed it since it was read.
    pub(super) fn replacement(&self, record: &Record, grant: &Grant) -> Commit {
        let condition = Condition::Version(record.version.clone());
        let end = Some(grant.record_expires_at());
        Commit {
            conditions: vec![(record.key.clone(), condition)],
            puts: vec![self.storage.put(record.key.clone(), grant.to_record(), end)],
            deletes: Vec::new(),
        }
    }

    /// Revokes a grant. If others change it meanwhile, it is revoked all the same.
    pub(super) async fn delete_grant(
        &self,
        shard: Shard,
        record: &Record,
    ) -> Result<(), Rejection> {
        let mut version = record.version.clone();
        for _ in 0..ATTEMPTS {
            let commit = Commit {
                conditions: vec![(record.key.clone(), Condition::Version(version))],
                puts: Vec::new(),
                deletes: vec![record.key.clone()],
            };
            if self.storage.commit(&shard.partition(), commit).await? == Committed::Done {
                return Ok(());
            }
            match self
                .storage
                .read_one(&shard.partition(), &record.key)
                .await?
            {
                Some(newer) => version = newer.version,
                None => return Ok(()),
            }
        }
        Err(Rejection::Contention)
    }
}

/// Everything about a code that the client may correct.
fn check_code(
    server: &Server,
    client: &Client,
    grant: &Grant,
    form: &Parameters,
) -> Result<(), Rejection> {
    let refused = |failure| Err(Rejection::Grant(failure));
    if grant.code.expires_at <= server.storage.now() {
        return refused(GrantFailure::Expired);
    }
    if grant.client_epoch != client.epoch {
        return refused(GrantFailure::ClientChanged);
    }
    // OAuth 2.1 section 10.2 needs no `redirect_uri` here, because the verifier protects the code.
    let has_challenge = grant.code.challenge.is_some();
    match form.get("redirect_uri") {
        Some(uri) if uri != grant.redirect_uri => return refused(GrantFailure::RedirectUri),
        None if grant.code.redirect_uri_given && !has_challenge => {
            return refused(GrantFailure::RedirectUri);
        }
        _ => {}
    }
    match (&grant.code.challenge, form.get("code_verifier")) {
        (Some(challenge), Some(verifier)) if pkce::verifies(verifier, challenge) => Ok(()),
        (None, None) => Ok(()),
        // A verifier without a challenge: somebody removed the challenge from the authorization
        // request (OAuth 2.1 section 7.5.2).
        _ => refused(GrantFailure::Verifier),
    }
}
