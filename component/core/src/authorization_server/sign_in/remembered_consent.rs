//! Consent that is remembered: what a user has allowed a client is not asked again for a while.
//!
//! It stands beside the user's grants, in the same partition. Where the answer goes to a program on
//! the user's device, any program there can use the client's `client_id`, so that the user is
//! always asked (RFC 8252 section 8.6, OAuth 2.1 section 7.12.2).

use super::SignIn;
use crate::authorization_server::authorization_request::AuthorizationRequest;
use crate::authorization_server::client::Client;
use crate::authorization_server::record::{self, Reader, Unreadable, Writer};
use crate::authorization_server::redirect_uri;
use crate::authorization_server::rejection::Rejection;
use crate::authorization_server::sealing;
use crate::authorization_server::server::Server;
use crate::store::{Commit, Condition};

const VERSION: u64 = 1;

/// What keys of consents begin with.
pub(in crate::authorization_server) const PREFIX: &str = "consent/";

/// The key of a client's consent in the partition of the user's grants.
pub(in crate::authorization_server) fn key(client_id: &str) -> String {
    format!("{PREFIX}{}", sealing::hash(client_id))
}

impl Server {
    /// Whether the user need not be asked.
    pub(super) async fn has_consented(
        &self,
        sign_in: &SignIn,
        asked: &AuthorizationRequest,
        client: &Client,
        user_id: &str,
    ) -> Result<bool, Rejection> {
        let may_skip = sign_in.remember_consent.is_some()
            && !asked.prompt.consent
            && !redirect_uri::is_local(&asked.redirect_uri);
        if !may_skip {
            return Ok(false);
        }
        let partition = self.keys().await?.partitions.user(user_id).partition();
        let record = self.storage.read_one(&partition, &key(&client.id)).await?;
        Ok(match record {
            Some(record) => covers(&record.value, asked, client)?,
            None => false,
        })
    }

    /// Remembers what the user has allowed, in place of what they allowed this client before.
    pub(super) async fn remember_consent(
        &self,
        sign_in: &SignIn,
        asked: &AuthorizationRequest,
        user_id: &str,
    ) -> Result<(), Rejection> {
        let Some(lifetime) = sign_in.remember_consent else {
            return Ok(());
        };
        if redirect_uri::is_local(&asked.redirect_uri) {
            return Ok(());
        }
        let client = self.client(&asked.client_id).await?;
        let partition = self.keys().await?.partitions.user(user_id).partition();
        let key = key(&client.id);
        let before = self.storage.read_one(&partition, &key).await?;
        let condition = match before {
            Some(record) => Condition::Version(record.version),
            None => Condition::Absent,
        };
        let value = Writer::new(VERSION)
            .number("client_epoch", client.epoch)
            .text("redirect_uri", &asked.redirect_uri)
            .texts("scopes", &asked.scopes)
            .texts("resources", &asked.resources)
            .into_bytes();
        let expires_at = self.storage.now() + lifetime;
        let commit = Commit {
            puts: vec![self.storage.put(key.clone(), value, Some(expires_at))],
            conditions: vec![(key, condition)],
            deletes: Vec::new(),
        };
        // On a conflict, another consent of the same user counts.
        self.storage.commit(&partition, commit).await?;
        Ok(())
    }
}

fn covers(
    record: &[u8],
    asked: &AuthorizationRequest,
    client: &Client,
) -> Result<bool, Unreadable> {
    let object = record::parse(record, VERSION)?;
    let reader = Reader::new(&object);
    let (scopes, resources) = (reader.texts("scopes")?, reader.texts("resources")?);
    Ok(reader.number("client_epoch")? == client.epoch
        && reader.text("redirect_uri")? == asked.redirect_uri
        && asked.scopes.iter().all(|scope| scopes.contains(scope))
        && asked.resources.iter().all(|own| resources.contains(own)))
}
