//! Client assertions (RFC 7523 sections 2.2 and 3, RFC 7521 section 4.2): `private_key_jwt`.

use std::rc::Rc;

use super::client::{AuthenticationMethod, Client};
use super::client_keys;
use super::client_rejection::ClientAuthenticationFailure;
use super::rejection::Rejection;
use super::sealing;
use super::server::Server;
use crate::jose::{CompactJws, JwkSet, VerificationError};
use crate::json::{Json, Object};
use crate::limits;
use crate::store::{Commit, Committed, Condition};

/// `client_assertion_type`
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far `exp` may be away, in seconds: an assertion is made for one request.
const LIFETIME: f64 = 3600.0;
/// The tolerated clock difference, in seconds.
const TOLERANCE: f64 = 60.0;
/// `jti`: UUIDs have 36 characters.
const JTI_BYTES: usize = 256;
/// `aud`: this server has two names.
const AUDIENCES: usize = 8;

/// Why a client assertion is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssertionFailure {
    /// `client_assertion_type` is another one.
    AssertionType,
    /// Not a signed JWT of an algorithm that the server has, or its claims are not a JSON object.
    Malformed,
    /// `typ` is that of another kind of token (RFC 8725 section 3.11).
    Type,
    /// `iss` and `sub` are not both the client's id.
    Issuer,
    /// `aud` is not this server's issuer, or its token endpoint, or names others too.
    Audience,
    /// A claim is missing, or has the wrong type.
    Claim(&'static str),
    /// `exp` has passed.
    Expired,
    /// `exp` is more than an hour away.
    TooLong,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
    /// The client has no key that fits `kid` and `alg`.
    UnknownKey,
    /// None of the keys made the signature.
    Signature,
}

impl AssertionFailure {
    /// A description, and a name for logs.
    pub(super) const fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::AssertionType => (
                "the server does not have this client_assertion_type",
                "client-assertion-type",
            ),
            Self::Malformed => (
                "the client assertion is not a signed JWT of an algorithm that the server has",
                "client-assertion-malformed",
            ),
            Self::Type => (
                "the typ of the client assertion is that of another kind of token",
                "client-assertion-typ",
            ),
            Self::Issuer => (
                "iss and sub of the client assertion must be the client_id",
                "client-assertion-issuer",
            ),
            Self::Audience => (
                "aud of the client assertion must be this server's issuer",
                "client-assertion-audience",
            ),
            Self::Claim(_) => (
                "the client assertion must have exp and jti; exp, nbf and iat must be numbers",
                "client-assertion-claim",
            ),
            Self::Expired => (
                "the client assertion has expired",
                "client-assertion-expired",
            ),
            Self::TooLong => (
                "exp of the client assertion must be at most an hour away",
                "client-assertion-too-long",
            ),
            Self::NotYetValid => (
                "the client assertion is not valid yet",
                "client-assertion-not-yet-valid",
            ),
            Self::UnknownKey => (
                "the client has no key that fits the client assertion",
                "client-assertion-unknown-key",
            ),
            Self::Signature => (
                "the signature of the client assertion is not valid",
                "client-assertion-signature",
            ),
        }
    }
}

use AssertionFailure as Failure;

/// An assertion of which everything except the signature was checked.
pub(super) struct UnverifiedAssertion<'a> {
    jws: CompactJws<'a>,
    /// `iss` and `sub`.
    pub(super) client_id: String,
    jti: String,
    expires_at: f64,
}

impl<'a> UnverifiedAssertion<'a> {
    /// Makes all checks that need no key. `issuer` and `token_endpoint` are this server's.
    pub(super) fn read(
        text: &'a str,
        issuer: &str,
        token_endpoint: &str,
        now: f64,
    ) -> Result<Self, Failure> {
        let jws = CompactJws::parse(text).map_err(|_| Failure::Malformed)?;
        let is_typed = is_typed(jws.header().typ.as_deref())?;
        let claims = Object::parse(jws.payload(), limits::JSON_DEPTH);
        let claims = claims.map_err(|_| Failure::Malformed)?;
        let text = |name| claims.get(name).and_then(Json::as_str);
        let client_id = match (text("iss"), text("sub")) {
            (Some(iss), Some(sub)) if iss == sub && !iss.is_empty() => iss.to_owned(),
            _ => return Err(Failure::Issuer),
        };
        if !is_for(claims.get("aud"), issuer, token_endpoint, is_typed) {
            return Err(Failure::Audience);
        }
        let expires_at = date(&claims, "exp")?.ok_or(Failure::Claim("exp"))?;
        if now >= expires_at + TOLERANCE {
            return Err(Failure::Expired);
        }
        if expires_at > now + LIFETIME + TOLERANCE {
            return Err(Failure::TooLong);
        }
        for name in ["nbf", "iat"] {
            if date(&claims, name)?.is_some_and(|date| date > now + TOLERANCE) {
                return Err(Failure::NotYetValid);
            }
        }
        let jti = text("jti").filter(|jti| (1..=JTI_BYTES).contains(&jti.len()));
        let jti = jti.ok_or(Failure::Claim("jti"))?.to_owned();
        Ok(Self {
            jws,
            client_id,
            jti,
            expires_at,
        })
    }
}

/// Whether `typ` says that this is a client assertion. Without it, or with `JWT`, it may be one.
fn is_typed(typ: Option<&str>) -> Result<bool, Failure> {
    let typ = typ.unwrap_or("JWT").to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "client-authentication+jwt" => Ok(true),
        "jwt" => Ok(false),
        _ => Err(Failure::Type),
    }
}

/// RFC 7523 section 3 allows the issuer and the token endpoint. An assertion that is for another
/// server too could be presented here by that server. A typed one must name the issuer alone.
fn is_for(aud: Option<&Json<'_>>, issuer: &str, token_endpoint: &str, is_typed: bool) -> bool {
    let is_own = |aud: &Json<'_>| {
        let aud = aud.as_str();
        aud == Some(issuer) || aud == Some(token_endpoint)
    };
    match aud {
        Some(aud) if is_typed => aud.as_str() == Some(issuer),
        Some(Json::Array(list)) => (1..=AUDIENCES).contains(&list.len()) && list.iter().all(is_own),
        Some(aud) => is_own(aud),
        None => false,
    }
}

fn date(claims: &Object<'_>, name: &'static str) -> Result<Option<f64>, Failure> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let number = value.as_number().ok_or(Failure::Claim(name))?.as_f64();
    if (0.0..=limits::NUMERIC_DATE).contains(&number) {
        Ok(Some(number))
    } else {
        Err(Failure::Claim(name))
    }
}

impl Server {
    /// Reads an assertion, without its signature.
    pub(super) fn read_assertion<'a>(
        &self,
        assertion_type: &str,
        text: &'a str,
    ) -> Result<UnverifiedAssertion<'a>, Rejection> {
        if assertion_type != TYPE {
            return Err(Failure::AssertionType.into());
        }
        let token_endpoint = self.settings.url(&self.settings.endpoints.token);
        let now = self.scheduler().now() as f64 / 1000.0;
        Ok(UnverifiedAssertion::read(
            text,
            &self.settings.issuer,
            &token_endpoint,
            now,
        )?)
    }

    /// Checks the signature with the client's keys, and that the assertion was not used before.
    pub(super) async fn check_assertion(
        &self,
        client: &Client,
        assertion: &UnverifiedAssertion<'_>,
    ) -> Result<(), Rejection> {
        let (Some(keys), AuthenticationMethod::PrivateKeyJwt) =
            (&client.keys, client.authentication)
        else {
            return Err(ClientAuthenticationFailure::WrongMethod.into());
        };
        let source = self.client_keys.of(keys)?;
        let scheduler = self.scheduler();
        let set = source.read(scheduler).await;
        let set = set.map_err(client_keys::unavailable)?;
        let mut checked = self.check_signature(assertion, &set).await;
        if matches!(checked, Err(NotVerified::Refused(_))) {
            // The client may have new keys.
            let newer = source.refetch(scheduler, &set).await;
            let newer = newer.map_err(client_keys::unavailable)?;
            if !Rc::ptr_eq(&newer, &set) {
                checked = self.check_signature(assertion, &newer).await;
            }
        }
        match checked {
            Ok(()) => self.use_once(assertion).await,
            Err(NotVerified::Refused(failure)) => Err(failure.into()),
            Err(NotVerified::NoVerdict) => Err(ClientAuthenticationFailure::NoVerdict.into()),
        }
    }

    async fn check_signature(
        &self,
        assertion: &UnverifiedAssertion<'_>,
        set: &JwkSet,
    ) -> Result<(), NotVerified> {
        let jws = &assertion.jws;
        let header = jws.header();
        let mut error = NotVerified::Refused(Failure::UnknownKey);
        let candidates = set.candidates(header.algorithm, header.kid.as_deref());
        for key in candidates.take(limits::KEYS_TRIED) {
            let (message, signature) = (jws.signing_input(), jws.signature());
            let checked = key.verify(self.scheduler(), header.algorithm, message, signature);
            error = match checked.await {
                Ok(()) => return Ok(()),
                // The key, or its algorithm, is not one that the host can use.
                Err(VerificationError::NoVerdict(why)) if !why.is_transient() => error,
                Err(VerificationError::NoVerdict(_)) => NotVerified::NoVerdict,
                // The key without a verdict might be the right one.
                Err(_) if matches!(error, NotVerified::NoVerdict) => error,
                Err(_) => NotVerified::Refused(Failure::Signature),
            };
        }
        Err(error)
    }

    /// Marks an assertion as used, until it has expired.
    async fn use_once(&self, assertion: &UnverifiedAssertion<'_>) -> Result<(), Rejection> {
        let id = sealing::hash(&format!(
            "client assertion\n{}\n{}",
            assertion.client_id, assertion.jti
        ));
        let partition = self.keys().await?.partitions.replay(&id);
        let key = format!("assertion/{id}");
        // Positive and far below 2^53.
        let end = (assertion.expires_at + TOLERANCE).ceil() as u64;
        let commit = Commit {
            conditions: vec![(key.clone(), Condition::Absent)],
            puts: vec![self.storage.put(key, Vec::new(), Some(end))],
            deletes: Vec::new(),
        };
        match self.storage.commit(&partition, commit).await? {
            Committed::Done => Ok(()),
            Committed::Conflict => Err(ClientAuthenticationFailure::AssertionReplayed.into()),
        }
    }
}

/// Why a key set did not verify an assertion.
enum NotVerified {
    Refused(Failure),
    /// The host gave no verdict, so nothing is known about the assertion.
    NoVerdict,
}

#[cfg(test)]
#[path = "client_assertion/tests.rs"]
mod tests;
