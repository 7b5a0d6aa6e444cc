//! ID tokens (OpenID Connect Core section 3.1.3.7), checked by the code that checks access tokens.

use super::provider::{OpenIdProvider, TOLERANCE};
use super::upstream::unavailable;
use crate::access_token::{self, Identity, TokenError};
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::sealing::constant_time_eq;
use crate::authorization_server::server::Server;
use crate::issuers::SignatureRefusal;
use crate::jose::KnownHeaders;
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// What a provider was asked.
pub(super) struct Asked<'a> {
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// How long ago the user may have signed in there, in seconds.
    pub(super) max_age: Option<u64>,
}

impl Server {
    /// The claims of an ID token that was issued for this request.
    pub(super) async fn verify_id_token(
        &self,
        provider: &OpenIdProvider,
        token: &Secret,
        asked: &Asked<'_>,
    ) -> Result<Object<'static>, Rejection> {
        let scheduler = self.scheduler();
        let started = scheduler.now();
        // ID tokens are rare: nothing is remembered of their headers.
        let headers = KnownHeaders::default();
        let unverified =
            access_token::read(token.expose(), &headers, &provider.policies, started, None)
                .map_err(refused)?;
        let set = provider.source.read(scheduler).await.map_err(unavailable)?;
        let verified = provider.source.verify(scheduler, &unverified, &set).await;
        verified.map_err(|refusal| match refusal {
            SignatureRefusal::Refused(error) => refused(error),
            SignatureRefusal::Unavailable(error) => unavailable(error),
            SignatureRefusal::NoVerdict(_) => Rejection::SignIn(SignInFailure::Unavailable),
        })?;
        let identity = unverified.into_identity(&headers);
        let claims =
            Object::parse(identity.claims.as_bytes(), limits::JSON_DEPTH).map(Object::into_owned);
        let claims = claims.map_err(|_| refused(TokenError::Claims))?;
        if is_for(&identity, &claims, asked) && is_recent(&claims, asked, self.storage.now()) {
            Ok(claims)
        } else {
            Err(Rejection::SignIn(SignInFailure::IdToken))
        }
    }
}

/// Whether a token is for this request: its nonce, and `azp`, which must be there if the token has
/// other audiences.
fn is_for(identity: &Identity, claims: &Object<'_>, asked: &Asked<'_>) -> bool {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    let has_nonce = text("nonce").is_some_and(|own| constant_time_eq(own, asked.nonce));
    let is_party = match claims.get("azp") {
        None => identity.audience.len() == 1,
        Some(_) => text("azp") == Some(asked.client_id),
    };
    has_nonce && is_party
}

/// Whether the user signed in as recently as the client asked. `auth_time` is required then (OpenID
/// Connect Core section 2).
fn is_recent(claims: &Object<'_>, asked: &Asked<'_>, now: UnixSeconds) -> bool {
    let Some(max_age) = asked.max_age else {
        return true;
    };
    let signed_in_at = claims.get("auth_time").and_then(Json::as_number);
    signed_in_at
        .and_then(|at| at.as_u64())
        .is_some_and(|at| now <= at.saturating_add(max_age) + u64::from(TOLERANCE.end))
}

fn refused(_: TokenError) -> Rejection {
    Rejection::SignIn(SignInFailure::IdToken)
}
