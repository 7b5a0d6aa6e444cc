//! Refresh tokens (RFC 6749 section 6), which are replaced each time they are used (OAuth 2.1
//! section 4.3.1).
//!
//! A client whose answer was lost, or a second process with the same token, presents a token that
//! was just replaced. For a short time it gets the same answer again, which is stored encrypted
//! under the token itself. After that, and for every older token, the grant is revoked: two parties
//! have it, and one of them may be a thief (RFC 9700 section 4.14.2).

use super::client::{Client, GrantType};
use super::code_grant::ATTEMPTS;
use super::grant::Grant;
use super::grant_lease::GrantLease;
use super::grant_tokens::GrantRequest;
use super::hooks::AuditKind;
use super::opaque_token;
use super::parameters::Parameters;
use super::rejection::{GrantFailure, Rejection};
use super::sealing::constant_time_eq;
use super::server::{Server, ServerKeys};
use super::token_endpoint::{FoundGrant, Presented};
use super::token_response::TokenResponse;
use crate::secret::Secret;
use crate::store::Committed;

impl Server {
    /// Refreshes a grant.
    pub(super) async fn refresh(
        &self,
        client: &Client,
        form: &Parameters,
        presented: &Presented,
        first_read: FoundGrant,
    ) -> Result<TokenResponse, Rejection> {
        GrantLease::during(self, presented.locator, async |lease| {
            self.refresh_leased(client, form, presented, first_read, lease)
                .await
        })
        .await
    }

    async fn refresh_leased(
        &self,
        client: &Client,
        form: &Parameters,
        presented: &Presented,
        first_read: FoundGrant,
        lease: &mut GrantLease,
    ) -> Result<TokenResponse, Rejection> {
        let refused = |failure| Err(Rejection::Grant(failure));
        let Presented {
            token,
            locator,
            keys,
        } = presented;
        let locator = *locator;
        let hash = opaque_token::hash(token);
        let mut read = Some(first_read);
        let mut attempts = 0;
        while attempts < ATTEMPTS {
            let found = match read.take() {
                Some(found) => found,
                None => self.grant(locator).await?,
            };
            let Some((record, grant)) = found else {
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
            if !constant_time_eq(&current.hash, &hash) {
                let replaced = current.replaced.as_ref();
                let replaced = replaced.filter(|old| constant_time_eq(&old.hash, &hash));
                return match replaced {
                    Some(old) if now < old.at + self.settings.refresh_grace => {
                        let answer = keys.open_answer(token, &grant, &old.answer)?;
                        self.audit(AuditKind::AnswerRepeated, &client.id, Some(&grant));
                        Ok(answer)
                    }
                    _ => {
                        self.delete_grant(locator.shard, &record).await?;
                        self.audit(AuditKind::RefreshTokenReused, &client.id, Some(&grant));
                        refused(GrantFailure::RefreshReused)
                    }
                };
            }
            if !lease.is_ready(self, locator).await? {
                continue;
            }
            let request = GrantRequest {
                client,
                form,
                locator,
                record: &record,
                grant: &grant,
                token,
            };
            let next = self.next_tokens(keys, request).await?;
            let mut commit = self.replacement(&record, &next.grant);
            commit.puts.extend(next.puts);
            if lease.commit(self, locator, commit).await? == Committed::Done {
                let kind = AuditKind::TokensIssued(GrantType::RefreshToken);
                self.audit(kind, &client.id, Some(&next.grant));
                return Ok(next.response);
            }
            attempts += 1;
        }
        Err(Rejection::Contention)
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
