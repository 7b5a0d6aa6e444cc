//! Grants: what a user allowed a client, and the state of its code and refresh token.
//!
//! A grant is one record, so that each step (redeeming the code, refreshing, revoking) is one
//! conditional write of that record. Its key begins with a hash of the client: the grants of one
//! client can be listed without reading those of others.

use sha2::{Digest, Sha256};

use super::opaque_token::GrantId;
use super::record::{self, Reader, Unreadable, Writer};
use crate::store::UnixSeconds;
use crate::task::Scheduler;

/// What keys of grants begin with.
pub(super) const PREFIX: &str = "grant/";
/// The bytes of an id that depend on the client: 8 characters of base64url.
const CLIENT_BYTES: usize = 6;

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) id: GrantId,
    pub(super) client_id: String,
    /// See `Client::epoch`.
    pub(super) client_epoch: u64,
    /// `None`: the client itself (RFC 6749 section 4.4).
    pub(super) user_id: Option<String>,
    pub(super) created_at: UnixSeconds,
    /// The end of the grant, whatever is refreshed. `None` while the code is not redeemed: then the
    /// code's time counts.
    pub(super) expires_at: UnixSeconds,
    pub(super) scopes: Vec<String>,
    /// The resources that tokens may be issued for.
    pub(super) resources: Vec<String>,
    pub(super) redirect_uri: String,
    /// JSON of the application.
    pub(super) metadata: Option<String>,
    pub(super) code: Code,
    pub(super) refresh: Option<Refresh>,
    /// JSON of the application, encrypted under a random key.
    pub(super) props: Option<Vec<u8>>,
    /// Tokens of the identity provider, encrypted under the same key.
    pub(super) upstream: Option<Vec<u8>>,
}

/// The authorization code of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) hash: String,
    pub(super) expires_at: UnixSeconds,
    pub(super) used: bool,
    pub(super) challenge: Option<String>,
    pub(super) redirect_uri_given: bool,
    pub(super) replaces_others: bool,
    /// The key of the props, encrypted under the code. Dropped when the code is used.
    pub(super) props_key: Option<Vec<u8>>,
}

/// The refresh tokens of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refresh {
    /// Counts the tokens, from 0.
    pub(super) number: u32,
    pub(super) hash: String,
    /// The key of the props, encrypted under the current token.
    pub(super) props_key: Option<Vec<u8>>,
    pub(super) replaced: Option<Replaced>,
    /// When the grant ends unless it is refreshed.
    pub(super) idle_until: Option<UnixSeconds>,
}

/// The refresh token before the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) hash: String,
    pub(super) at: UnixSeconds,
    /// The answer that it gave, encrypted under it, so that only who has the token can have the
    /// answer again.
    pub(super) answer: Vec<u8>,
}

/// The part of a grant's id that depends on the client.
fn client_part(client_id: &str) -> [u8; CLIENT_BYTES] {
    let hash = Sha256::digest(client_id.as_bytes());
    *hash.first_chunk().expect("6 of 32 bytes")
}

/// A new id.
pub(super) fn new_id(client_id: &str, scheduler: &Scheduler) -> GrantId {
    let mut id = [0; 16];
    scheduler.random(&mut id);
    id[..CLIENT_BYTES].copy_from_slice(&client_part(client_id));
    GrantId(id)
}

/// What the keys of a client's grants begin with. Another client's may begin with it too, by chance.
pub(super) fn prefix_of_client(client_id: &str) -> String {
    let part = crate::jose::base64url::encode(&client_part(client_id));
    format!("{PREFIX}{part}")
}

/// The key of a grant.
pub(super) fn key(id: GrantId) -> String {
    format!("{PREFIX}{}", id.text())
}

impl Grant {
    const VERSION: u64 = 1;

    /// When its record may be deleted. A used code must be remembered for as long as it could still
    /// be presented, so the record outlives it.
    pub(super) fn record_expires_at(&self) -> UnixSeconds {
        self.ends_at().max(self.code.expires_at)
    }

    /// When no token of it can be refreshed any more.
    pub(super) fn ends_at(&self) -> UnixSeconds {
        let idle = self.refresh.as_ref().and_then(|own| own.idle_until);
        idle.map_or(self.expires_at, |idle| idle.min(self.expires_at))
    }

    pub(super) fn to_record(&self) -> Vec<u8> {
        let code = Writer::default()
            .text("hash", &self.code.hash)
            .number("expires_at", self.code.expires_at)
            .flag("used", self.code.used)
            .optional("challenge", self.code.challenge.as_deref())
            .flag("redirect_uri_given", self.code.redirect_uri_given)
            .flag("replaces_others", self.code.replaces_others)
            .optional_bytes("props_key", self.code.props_key.as_deref());
        let refresh = self.refresh.as_ref().map(|own| {
            let replaced = own.replaced.as_ref().map(|old| {
                Writer::default()
                    .text("hash", &old.hash)
                    .number("at", old.at)
                    .bytes("answer", &old.answer)
            });
            Writer::default()
                .number("number", u64::from(own.number))
                .text("hash", &own.hash)
                .optional_bytes("props_key", own.props_key.as_deref())
                .optional_number("idle_until", own.idle_until)
                .record("replaced", replaced)
        });
        Writer::new(Self::VERSION)
            .text("id", &self.id.text())
            .text("client_id", &self.client_id)
            .number("client_epoch", self.client_epoch)
            .optional("user_id", self.user_id.as_deref())
            .number("created_at", self.created_at)
            .number("expires_at", self.expires_at)
            .texts("scopes", &self.scopes)
            .texts("resources", &self.resources)
            .text("redirect_uri", &self.redirect_uri)
            .optional("metadata", self.metadata.as_deref())
            .record("code", Some(code))
            .record("refresh", refresh)
            .optional_bytes("props", self.props.as_deref())
            .optional_bytes("upstream", self.upstream.as_deref())
            .into_bytes()
    }

    pub(super) fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, Self::VERSION)?;
        let reader = Reader::new(&object);
        let code = reader.record("code")?.ok_or(Unreadable)?;
        Ok(Self {
            id: GrantId::from_text(reader.text("id")?).ok_or(Unreadable)?,
            client_id: reader.text("client_id")?.to_owned(),
            client_epoch: reader.number("client_epoch")?,
            user_id: reader.optional("user_id")?.map(str::to_owned),
            created_at: reader.number("created_at")?,
            expires_at: reader.number("expires_at")?,
            scopes: reader.texts("scopes")?,
            resources: reader.texts("resources")?,
            redirect_uri: reader.text("redirect_uri")?.to_owned(),
            metadata: reader.optional("metadata")?.map(str::to_owned),
            code: Code {
                hash: code.text("hash")?.to_owned(),
                expires_at: code.number("expires_at")?,
                used: code.flag("used")?,
                challenge: code.optional("challenge")?.map(str::to_owned),
                redirect_uri_given: code.flag("redirect_uri_given")?,
                replaces_others: code.flag("replaces_others")?,
                props_key: code.optional_bytes("props_key")?,
            },
            refresh: reader.record("refresh")?.map(Refresh::read).transpose()?,
            props: reader.optional_bytes("props")?,
            upstream: reader.optional_bytes("upstream")?,
        })
    }
}

impl Refresh {
    fn read(reader: Reader<'_>) -> Result<Self, Unreadable> {
        let replaced = reader.record("replaced")?.map(|old| {
            Ok(Replaced {
                hash: old.text("hash")?.to_owned(),
                at: old.number("at")?,
                answer: old.bytes("answer")?,
            })
        });
        Ok(Self {
            number: u32::try_from(reader.number("number")?).map_err(|_| Unreadable)?,
            hash: reader.text("hash")?.to_owned(),
            props_key: reader.optional_bytes("props_key")?,
            replaced: replaced.transpose()?,
            idle_until: reader.optional_number("idle_until")?,
        })
    }
}
