//! Access tokens that come back to this server: at its own protected routes, for introspection, as
//! subject tokens, and to be revoked.
//!
//! Other resource servers verify a signed token without asking, so a revocation reaches them when
//! the token expires. Here the store is asked each time, so that it counts at once.

use super::access_token::{self, GrantClaim, OpaqueAccessToken};
use super::grant::{self, Grant};
use super::opaque_token::{self, GrantId, TokenKind};
use super::partition::Shard;
use super::rejection::{GrantFailure, Rejection};
use super::sealing::Key;
use super::server::{Server, ServerKeys};
use crate::jose::{Algorithm, CompactJws, JwsHeader, SigningError, VerificationError};
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// What keys of the markers of revoked signed tokens begin with.
pub(super) const REVOKED: &str = "revoked/";

/// A valid access token of this server.
#[derive(Clone)]
pub(super) struct CheckedToken {
    pub(super) shard: Shard,
    /// `None`: the client acts for itself.
    pub(super) grant: Option<Grant>,
    pub(super) client_id: String,
    /// `None`: that of the client of the grant, or not known.
    client_epoch: Option<u64>,
    pub(super) subject: String,
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) issued_at: UnixSeconds,
    pub(super) expires_at: UnixSeconds,
    /// `jti` of a signed token.
    pub(super) id: Option<String>,
    /// The key of an opaque token's record.
    pub(super) record_key: Option<String>,
    /// `act`
    pub(super) actor: Option<Object<'static>>,
    /// The key of the grant's props.
    pub(super) props_key: Option<Key>,
    /// Props of its own: JSON.
    pub(super) own_props: Option<Secret>,
}

impl Server {
    /// Checks a token. `None` if it is not a valid access token of this server: the reason is not
    /// told, because the token may be anybody's.
    pub(super) async fn check_access_token(
        &self,
        token: &str,
    ) -> Result<Option<CheckedToken>, Rejection> {
        let keys = self.keys().await?;
        let checked = if token.starts_with("tga_") {
            self.check_opaque(&keys, token).await?
        } else {
            self.check_signed(&keys, token).await?
        };
        let Some(token) = checked else {
            return Ok(None);
        };
        let mut owners = vec![(token.client_id.as_str(), token.client_epoch)];
        if let Some(grant) = &token.grant {
            // An exchanged token is another client's than its grant.
            if grant.client_id == token.client_id {
                owners.clear();
            }
            owners.push((&grant.client_id, Some(grant.client_epoch)));
        }
        for (id, epoch) in owners {
            // A client that was deleted has no tokens.
            match self.client(id).await {
                Ok(client) if epoch.is_none_or(|epoch| epoch == client.epoch) => {}
                Ok(_) | Err(Rejection::UnknownClient | Rejection::RegistrationExpired) => {
                    return Ok(None);
                }
                Err(rejection) => return Err(rejection),
            }
        }
        Ok(Some(token))
    }

    async fn check_signed(
        &self,
        keys: &ServerKeys,
        token: &str,
    ) -> Result<Option<CheckedToken>, Rejection> {
        let Some((claims, claim)) = self.read_signed(keys, token).await? else {
            return Ok(None);
        };
        let text = |name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
        let date = |name: &str| claims.get(name).and_then(Json::as_number)?.as_u64();
        let (Some(id), Some(client_id), Some(subject)) =
            (text("jti"), text("client_id"), text("sub"))
        else {
            return Ok(None);
        };
        let (Some(issued_at), Some(expires_at)) = (date("iat"), date("exp")) else {
            return Ok(None);
        };
        if expires_at <= self.storage.now() {
            return Ok(None);
        }
        let revoked = format!("{REVOKED}{id}");
        let key = claim.grant.map_or_else(|| revoked.clone(), grant::key);
        let partition = claim.shard.partition();
        let props = access_token::props_record(&id);
        let count = if claim.has_own_props { 3 } else { 2 };
        let keys = [&*revoked, &key, &props];
        let records = self.storage.read(&partition, &keys[..count]).await?;
        let [revoked, record, props @ ..] = records.as_slice() else {
            return Err(Rejection::StoreFailed);
        };
        let own_props = match (props, &claim.props_key) {
            ([Some(sealed)], Some(key)) => Some(open_text(key, id.as_bytes(), &sealed.value)?),
            ([None], _) => return Ok(None),
            _ => None,
        };
        if revoked.is_some() {
            return Ok(None);
        }
        let grant = match (claim.grant, record) {
            (None, _) => None,
            (Some(_), None) => return Ok(None),
            (Some(_), Some(record)) => Some(Grant::from_record(&record.value)?),
        };
        let scopes = text("scope").unwrap_or_default();
        let resources = match claims.get("aud") {
            Some(Json::String(one)) => vec![one.clone().into_owned()],
            Some(Json::Array(all)) => all
                .iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => return Ok(None),
        };
        Ok(Some(CheckedToken {
            shard: claim.shard,
            grant,
            client_id,
            client_epoch: None,
            subject,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            resources,
            issued_at,
            expires_at,
            id: Some(id),
            record_key: None,
            actor: claims.get("act").and_then(Json::as_object).cloned(),
            props_key: claim.props_key.filter(|_| !claim.has_own_props),
            own_props,
        }))
    }

    /// The claims of a token that this server signed, valid or expired.
    async fn read_signed(
        &self,
        keys: &ServerKeys,
        token: &str,
    ) -> Result<Option<(Object<'static>, GrantClaim)>, Rejection> {
        let Ok(jws) = CompactJws::parse(token) else {
            return Ok(None);
        };
        let header = jws.header();
        if !is_own(header) {
            return Ok(None);
        }
        let Some(key) = keys.signing.by_kid(header.kid.as_deref()) else {
            return Ok(None);
        };
        let verified = key.verify_own(self.scheduler(), jws.signing_input(), jws.signature());
        match verified.await? {
            Ok(()) => {}
            Err(VerificationError::NoVerdict(error)) => {
                return Err(Rejection::Signing(SigningError::Host(error)));
            }
            Err(_) => return Ok(None),
        }
        let Ok(claims) = Object::parse(jws.payload(), limits::JSON_DEPTH).map(Object::into_owned)
        else {
            return Ok(None);
        };
        let issuer = claims.get("iss").and_then(Json::as_str);
        if issuer != Some(&self.settings.issuer) {
            return Ok(None);
        }
        Ok(GrantClaim::read(keys, &claims).map(|claim| (claims, claim)))
    }

    async fn check_opaque(
        &self,
        keys: &ServerKeys,
        token: &str,
    ) -> Result<Option<CheckedToken>, Rejection> {
        let Some(locator) = opaque_token::read(&keys.root, TokenKind::Access, token) else {
            return Ok(None);
        };
        let token = Secret::new(token);
        let key = access_token::opaque_key(&token);
        let grant_key = grant::key(locator.grant);
        let partition = locator.shard.partition();
        let records = self.storage.read(&partition, &[&key, &grant_key]).await?;
        let [Some(record), grant] = records.as_slice() else {
            return Ok(None);
        };
        let record = OpaqueAccessToken::from_record(&record.value)?;
        if record.expires_at <= self.storage.now() {
            return Ok(None);
        }
        let has_grant = record.grant != GrantId([0; 16]);
        let grant = match grant {
            Some(grant) if has_grant => Some(Grant::from_record(&grant.value)?),
            None if has_grant => return Ok(None),
            _ => None,
        };
        let props_key = match &record.props_key {
            Some(sealed) => Some(keys.open_props_key(&token, record.grant, sealed)?),
            None => None,
        };
        let own_props = match &record.own_props {
            Some(sealed) => {
                let key = keys.token_key(&token, "props key");
                Some(open_text(&key, &record.grant.0, sealed)?)
            }
            None => None,
        };
        let actor = record.actor.as_deref();
        let actor = actor
            .map(|json| Object::parse(json.as_bytes(), limits::JSON_DEPTH).map(Object::into_owned));
        Ok(Some(CheckedToken {
            shard: locator.shard,
            grant,
            client_id: record.client_id,
            client_epoch: Some(record.client_epoch),
            subject: record.subject,
            scopes: record.scopes,
            resources: record.resources,
            issued_at: record.issued_at,
            expires_at: record.expires_at,
            id: None,
            record_key: Some(key),
            actor: actor.transpose().map_err(|_| Rejection::StoredRecord)?,
            props_key,
            own_props,
        }))
    }
}

impl CheckedToken {
    /// Its props: JSON of the application.
    pub(super) fn props(&self) -> Result<Option<Secret>, Rejection> {
        match (&self.own_props, &self.grant, &self.props_key) {
            (Some(own), _, _) => Ok(Some(own.clone())),
            (None, Some(grant), Some(key)) => grant.open_props(key),
            (None, _, _) => Ok(None),
        }
    }
}

/// Decrypts a text.
pub(super) fn open_text(key: &Key, bound_to: &[u8], sealed: &[u8]) -> Result<Secret, Rejection> {
    let opened = key.open(bound_to, sealed);
    let text = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    text.map(Secret::new).ok_or(Rejection::StoredRecord)
}

/// Whether a token has the header that this server gives its tokens.
fn is_own(header: &JwsHeader) -> bool {
    header.algorithm == Algorithm::Es256 && header.typ.as_deref() == Some(access_token::TYPE)
}

/// The token is not valid, for a caller that must have a valid one.
pub(super) const fn not_valid() -> Rejection {
    Rejection::Grant(GrantFailure::Unknown)
}
