//! Access tokens: signed ones (RFC 9068), and opaque ones.
//!
//! A signed token is verified without the store. It also says, encrypted for this server, which
//! grant it belongs to, so that the server's own routes see a revocation at once. An opaque token is
//! a record beside its grant.

use super::client::Client;
use super::config::AccessTokenFormat;
use super::grant::Grant;
use super::opaque_token::{self, GrantId, Locator, TokenKind};
use super::partition::Shard;
use super::record::{self, Reader, Unreadable, Writer};
use super::rejection::Rejection;
use super::sealing::Key;
use super::server::{Server, ServerKeys};
use crate::jose::base64url;
use crate::json::{Json, Object};
use crate::secret::Secret;
use crate::store::{Put, UnixSeconds};

/// `typ` (RFC 9068 section 2.1).
pub(super) const TYPE: &str = "at+jwt";
/// The claim that tells this server, and nobody else, which grant a token belongs to.
const GRANT_CLAIM: &str = "grant";
/// What that claim is encrypted for.
const PURPOSE: &str = "grant claim";
/// What keys of opaque tokens begin with.
pub(super) const PREFIX: &str = "token/";

/// What an access token will say.
pub(super) struct AccessTokenRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) shard: Shard,
    /// `None`: the client acts for itself, and there is no grant.
    pub(super) grant: Option<&'a Grant>,
    pub(super) subject: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) resources: &'a [String],
    /// The token ends at this time at the latest.
    pub(super) until: Option<UnixSeconds>,
    /// The application's lifetime of the token in seconds, if it is shorter.
    pub(super) lifetime: Option<u32>,
    pub(super) props: Props<'a>,
    /// `act` (RFC 8693 section 4.1).
    pub(super) actor: Option<Object<'static>>,
}

/// The props of an access token.
#[derive(Clone, Copy)]
pub(super) enum Props<'a> {
    None,
    /// Those of the grant, by their key.
    Grant(&'a Key),
    /// Its own: JSON.
    Own(&'a Secret),
}

impl<'a> Props<'a> {
    /// Those of the token's own, otherwise those of the grant.
    pub(super) fn new(own: Option<&'a Secret>, grant: Option<&'a Key>) -> Self {
        match (own, grant) {
            (Some(own), _) => Self::Own(own),
            (None, Some(key)) => Self::Grant(key),
            (None, None) => Self::None,
        }
    }
}

/// A new access token. It is valid once `records` are stored.
pub(super) struct AccessToken {
    pub(super) text: Secret,
    pub(super) expires_at: UnixSeconds,
    /// The record of an opaque token, and props of its own.
    pub(super) records: Vec<Put>,
}

impl Server {
    /// Makes an access token.
    pub(super) async fn issue_access_token(
        &self,
        keys: &ServerKeys,
        request: &AccessTokenRequest<'_>,
    ) -> Result<AccessToken, Rejection> {
        let now = self.storage.now();
        let lifetime = self.settings.access_token_lifetime;
        let own = request.lifetime.map_or(lifetime, u64::from);
        let end = now + lifetime.min(own);
        let expires_at = request.until.map_or(end, |until| end.min(until));
        match self.settings.access_token {
            AccessTokenFormat::Jwt => self.sign(keys, request, now, expires_at).await,
            AccessTokenFormat::Opaque => Ok(self.opaque(keys, request, expires_at)),
        }
    }

    async fn sign(
        &self,
        keys: &ServerKeys,
        request: &AccessTokenRequest<'_>,
        now: UnixSeconds,
        expires_at: UnixSeconds,
    ) -> Result<AccessToken, Rejection> {
        let mut id = [0; 16];
        self.scheduler().random(&mut id);
        let id = base64url::encode(&id);
        let mut claims = Object::default();
        let mut text = |name: &'static str, value: &str| {
            claims.insert(name, Json::from(value.to_owned()));
        };
        text("iss", &self.settings.issuer);
        text("sub", request.subject);
        text("client_id", &request.client.id);
        text("jti", &id);
        if !request.scopes.is_empty() {
            text("scope", &request.scopes.join(" "));
        }
        let own_props = self.own_props(request, &id, expires_at);
        let props_key = match (&own_props, request.props) {
            (Some((key, _)), _) | (None, Props::Grant(key)) => Some(key),
            (None, _) => None,
        };
        let is_own = own_props.is_some();
        text(
            GRANT_CLAIM,
            &self.grant_claim(keys, request, props_key, is_own, &id),
        );
        claims.insert("aud", audience(request.resources));
        claims.insert("iat", Json::Number(now.into()));
        claims.insert("exp", Json::Number(expires_at.into()));
        if let Some(actor) = &request.actor {
            claims.insert("act", Json::Object(actor.clone()));
        }
        let key = keys.signing.current(now);
        let payload = claims.to_string();
        let signed = key.sign_compact(self.scheduler(), Some(TYPE), payload.as_bytes());
        Ok(AccessToken {
            text: Secret::new(signed.await?),
            expires_at,
            records: own_props.into_iter().map(|(_, put)| put).collect(),
        })
    }

    /// The record of props that belong to one signed token, and their key.
    fn own_props(
        &self,
        request: &AccessTokenRequest<'_>,
        id: &str,
        expires_at: UnixSeconds,
    ) -> Option<(Key, Put)> {
        let Props::Own(props) = request.props else {
            return None;
        };
        let key = Key::random(self.scheduler());
        let sealed = key.seal(self.scheduler(), id.as_bytes(), props.expose().as_bytes());
        let put = self.storage.put(props_record(id), sealed, Some(expires_at));
        Some((key, put))
    }

    /// Shard, grant and the key of the props, for this server alone.
    fn grant_claim(
        &self,
        keys: &ServerKeys,
        request: &AccessTokenRequest<'_>,
        props_key: Option<&Key>,
        has_own_props: bool,
        id: &str,
    ) -> String {
        let (key_id, key) = keys.root.newest(PURPOSE);
        let mut text = zeroize::Zeroizing::new(Vec::new());
        text.extend_from_slice(&request.shard.0);
        text.extend_from_slice(&request.grant.map_or([0; 16], |grant| grant.id.0));
        text.push(has_own_props.into());
        if let Some(props_key) = props_key {
            text.extend_from_slice(props_key.bytes());
        }
        let sealed = key.seal(self.scheduler(), id.as_bytes(), &text);
        base64url::encode(&[&[key_id], &sealed[..]].concat())
    }

    fn opaque(
        &self,
        keys: &ServerKeys,
        request: &AccessTokenRequest<'_>,
        expires_at: UnixSeconds,
    ) -> AccessToken {
        let grant = request.grant.map_or(GrantId([0; 16]), |grant| grant.id);
        let locator = Locator {
            shard: request.shard,
            grant,
            number: 0,
        };
        let token = opaque_token::issue(&keys.root, self.scheduler(), TokenKind::Access, locator);
        let token_key = keys.token_key(&token, "props key");
        let seal = |text: &[u8]| token_key.seal(self.scheduler(), &grant.0, text);
        let (props_key, own_props) = match request.props {
            Props::None => (None, None),
            Props::Grant(key) => (Some(seal(key.bytes())), None),
            Props::Own(props) => (None, Some(seal(props.expose().as_bytes()))),
        };
        let record = OpaqueAccessToken {
            grant,
            client_id: request.client.id.clone(),
            client_epoch: request.client.epoch,
            subject: request.subject.to_owned(),
            scopes: request.scopes.to_vec(),
            resources: request.resources.to_vec(),
            issued_at: self.storage.now(),
            expires_at,
            props_key,
            own_props,
            actor: request.actor.as_ref().map(ToString::to_string),
        };
        let key = opaque_key(&token);
        AccessToken {
            records: vec![self.storage.put(key, record.to_record(), Some(expires_at))],
            text: token,
            expires_at,
        }
    }
}

/// The key of an opaque token's record.
pub(super) fn opaque_key(token: &Secret) -> String {
    format!("{PREFIX}{}", opaque_token::hash(token))
}

/// The key of props that belong to one signed token.
pub(super) fn props_record(id: &str) -> String {
    format!("props/{id}")
}

/// One resource as a text, several as a list (RFC 7519 section 4.1.3).
pub(super) fn audience(resources: &[String]) -> Json<'static> {
    let mut values = resources.iter().cloned().map(Json::from);
    match (values.next(), resources.len()) {
        (Some(only), 1) => only,
        (first, _) => Json::Array(first.into_iter().chain(values).collect()),
    }
}

/// What a signed token of this server says about its grant.
pub(super) struct GrantClaim {
    pub(super) shard: Shard,
    /// `None`: the client acts for itself.
    pub(super) grant: Option<GrantId>,
    /// Whether the token has props of its own.
    pub(super) has_own_props: bool,
    /// The key of the props.
    pub(super) props_key: Option<Key>,
}

impl GrantClaim {
    /// Reads the claim of a token whose signature is verified.
    pub(super) fn read(keys: &ServerKeys, claims: &Object<'static>) -> Option<Self> {
        let text = claims.get(GRANT_CLAIM)?.as_str()?;
        let id = claims.get("jti")?.as_str()?;
        let bytes = base64url::decode(text)?;
        let (key_id, sealed) = bytes.split_first()?;
        let text = keys
            .root
            .by_id(*key_id, PURPOSE)?
            .open(id.as_bytes(), sealed)?;
        let (shard, text) = text.split_first_chunk::<16>()?;
        let (grant, text) = text.split_first_chunk::<16>()?;
        let (has_own_props, props_key) = text.split_first()?;
        Some(Self {
            shard: Shard(*shard),
            grant: (*grant != [0; 16]).then_some(GrantId(*grant)),
            has_own_props: *has_own_props != 0,
            props_key: Key::from_bytes(props_key),
        })
    }
}

/// The record of an opaque access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpaqueAccessToken {
    pub(super) grant: GrantId,
    pub(super) client_id: String,
    pub(super) client_epoch: u64,
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) issued_at: UnixSeconds,
    pub(super) expires_at: UnixSeconds,
    /// The key of the props, encrypted under the token.
    pub(super) props_key: Option<Vec<u8>>,
    /// Props of its own, encrypted under the token.
    pub(super) own_props: Option<Vec<u8>>,
    /// `act`, as JSON.
    pub(super) actor: Option<String>,
}

impl OpaqueAccessToken {
    const VERSION: u64 = 1;

    fn to_record(&self) -> Vec<u8> {
        Writer::new(Self::VERSION)
            .bytes("grant", &self.grant.0)
            .text("client_id", &self.client_id)
            .number("client_epoch", self.client_epoch)
            .text("subject", &self.subject)
            .texts("scopes", &self.scopes)
            .texts("resources", &self.resources)
            .number("issued_at", self.issued_at)
            .number("expires_at", self.expires_at)
            .optional_bytes("props_key", self.props_key.as_deref())
            .optional_bytes("own_props", self.own_props.as_deref())
            .optional("actor", self.actor.as_deref())
            .into_bytes()
    }

    pub(super) fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, Self::VERSION)?;
        let reader = Reader::new(&object);
        let grant = reader.bytes("grant")?.try_into().map_err(|_| Unreadable)?;
        Ok(Self {
            grant: GrantId(grant),
            client_id: reader.text("client_id")?.to_owned(),
            client_epoch: reader.number("client_epoch")?,
            subject: reader.text("subject")?.to_owned(),
            scopes: reader.texts("scopes")?,
            resources: reader.texts("resources")?,
            issued_at: reader.number("issued_at")?,
            expires_at: reader.number("expires_at")?,
            props_key: reader.optional_bytes("props_key")?,
            own_props: reader.optional_bytes("own_props")?,
            actor: reader.optional("actor")?.map(str::to_owned),
        })
    }
}
