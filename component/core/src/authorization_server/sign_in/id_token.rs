//! ID tokens (OpenID Connect Core section 3.1.3.7), checked by the code that checks access tokens.

use super::provider::OpenIdProvider;
use super::upstream::unavailable;
use crate::access_token::{self, Identity, TokenError};
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::sealing::same;
use crate::authorization_server::server::Server;
use crate::issuers::SignatureRefusal;
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;

impl Server {
    /// The claims of an ID token that was issued for this request.
    pub(super) async fn verify_id_token(
        &self,
        provider: &OpenIdProvider,
        client_id: &str,
        token: &Secret,
        nonce: &str,
    ) -> Result<Object, Rejection> {
        let scheduler = self.scheduler();
        let started = scheduler.now();
        let unverified = access_token::read(token.expose(), &provider.policies, started, None)
            .map_err(refused)?;
        let set = provider.source.read(scheduler).await.map_err(unavailable)?;
        let verified = provider.source.verify(scheduler, &unverified, &set).await;
        verified.map_err(|refusal| match refusal {
            SignatureRefusal::Refused(error) => refused(error),
            SignatureRefusal::Unavailable(error) => unavailable(error),
            SignatureRefusal::NoVerdict(_) => Rejection::SignIn(SignInFailure::Unavailable),
        })?;
        let identity = unverified.into_identity();
        let claims = Object::parse(identity.claims.as_bytes(), limits::JSON_DEPTH);
        let claims = claims.map_err(|_| refused(TokenError::Claims))?;
        if is_for(&identity, &claims, client_id, nonce) {
            Ok(claims)
        } else {
            Err(Rejection::SignIn(SignInFailure::IdToken))
        }
    }
}

/// Whether a token is for this request: its nonce, and `azp`, which must be there if the token has
/// other audiences.
fn is_for(identity: &Identity, claims: &Object, client_id: &str, nonce: &str) -> bool {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    let has_nonce = text("nonce").is_some_and(|own| same(own, nonce));
    let is_party = match claims.get("azp") {
        None => identity.audience.len() == 1,
        Some(_) => text("azp") == Some(client_id),
    };
    has_nonce && is_party
}

fn refused(_: TokenError) -> Rejection {
    Rejection::SignIn(SignInFailure::IdToken)
}
