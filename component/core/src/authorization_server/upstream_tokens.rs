//! Tokens of the identity provider that signed a user in, kept with the user's grant.

use super::authorization_request::UpstreamTokens;
use super::grant::Grant;
use super::opaque_token::GrantId;
use super::record::{self, Reader, Unreadable, Writer};
use super::rejection::Rejection;
use super::sealing::Key;
use crate::secret::Secret;
use crate::task::Scheduler;

const VERSION: u64 = 1;

/// What keeps them apart from the props, which have the same key.
fn bound_to(grant: GrantId) -> Vec<u8> {
    [b"upstream", &grant.0[..]].concat()
}

impl UpstreamTokens {
    /// Encrypts them under the key of a grant's props.
    pub(super) fn seal(&self, scheduler: &Scheduler, key: &Key, grant: GrantId) -> Vec<u8> {
        let refresh_token = self.refresh_token.as_ref().map(Secret::expose);
        let record = Writer::new(VERSION)
            .text("provider", &self.provider)
            .text("access_token", self.access_token.expose())
            .optional("refresh_token", refresh_token)
            .optional_number("expires_at", self.expires_at)
            .optional("scope", self.scope.as_deref());
        key.seal(scheduler, &bound_to(grant), &record.into_bytes())
    }

    fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, VERSION)?;
        let reader = Reader::new(&object);
        Ok(Self {
            provider: reader.text("provider")?.to_owned(),
            access_token: Secret::new(reader.text("access_token")?),
            refresh_token: reader.optional("refresh_token")?.map(Secret::new),
            expires_at: reader.optional_number("expires_at")?,
            scope: reader.optional("scope")?.map(str::to_owned),
        })
    }
}

impl Grant {
    /// The tokens of the identity provider.
    pub(super) fn open_upstream(&self, key: &Key) -> Result<Option<UpstreamTokens>, Rejection> {
        let Some(sealed) = &self.upstream else {
            return Ok(None);
        };
        let opened = key.open(&bound_to(self.id), sealed);
        let opened = opened.ok_or(Rejection::StoredRecord)?;
        Ok(Some(UpstreamTokens::from_record(&opened)?))
    }
}
