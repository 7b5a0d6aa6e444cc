//! Client authentication (RFC 6749 section 2.3, RFC 7521, RFC 7523).

use super::failure::TokenFailure;
use crate::basic_credentials::basic_credentials;
use crate::capability::{Header, UnixMillis};
use crate::jose::{SigningKeySet, base64url};
use crate::json::{Json, Number, Object};
use crate::secret::Secret;
use crate::task::Scheduler;

/// The lifetime of an assertion, in seconds. It is used at once; the rest is for clock differences
/// (RFC 7523 section 3 recommends a short lifetime).
const ASSERTION_LIFETIME: u64 = 60;
/// RFC 7523 section 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How this client authenticates, ready to use.
#[derive(Debug)]
pub(crate) enum ClientAuthentication {
    Basic { id: String, secret: Secret },
    Post { id: String, secret: Secret },
    PrivateKeyJwt { id: String, keys: SigningKeySet },
    None { id: String },
}

/// The credentials of one request.
pub(super) struct Credentials {
    pub(super) header: Option<Header>,
    parameters: Vec<(&'static str, Secret)>,
}

impl Credentials {
    /// Parameters of the form.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (*name, value.expose()))
    }

    /// An assertion from the application.
    pub(super) fn given(assertion: Secret) -> Self {
        Self {
            header: None,
            parameters: assertion_parameters(assertion),
        }
    }
}

impl ClientAuthentication {
    /// `client_id`.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Basic { id, .. }
            | Self::Post { id, .. }
            | Self::PrivateKeyJwt { id, .. }
            | Self::None { id } => id,
        }
    }

    /// Creates the credentials of one request. `audience` is that of an assertion.
    pub(super) async fn credentials(
        &self,
        audience: &str,
        scheduler: &Scheduler,
    ) -> Result<Credentials, TokenFailure> {
        let of = |header, parameters| Credentials { header, parameters };
        let client_id = || ("client_id", Secret::new(self.id()));
        Ok(match self {
            Self::Basic { id, secret } => of(Some(basic_credentials(id, secret)), Vec::new()),
            Self::Post { secret, .. } => {
                of(None, vec![client_id(), ("client_secret", secret.clone())])
            }
            Self::PrivateKeyJwt { .. } => {
                let assertion = self.assertion(audience, scheduler).await?;
                // Without `client_id`: the assertion contains it, RFC 7521 section 4.2 makes it
                // optional, and some servers refuse it beside an assertion.
                of(None, assertion_parameters(assertion))
            }
            Self::None { .. } => of(None, vec![client_id()]),
        })
    }

    /// Signs an assertion for `audience` (RFC 7523 section 3).
    pub(super) async fn assertion(
        &self,
        audience: &str,
        scheduler: &Scheduler,
    ) -> Result<Secret, TokenFailure> {
        let Self::PrivateKeyJwt { id, keys } = self else {
            return Err(TokenFailure::InvalidRequest(
                "the client has no private key to sign an assertion with: set the option \
                 `client.keys`, or TOLLGATE_PRIVATE_KEY",
            ));
        };
        let mut jti = [0; 16];
        scheduler.random(&mut jti);
        let jti = base64url::encode(&jti);
        let claims = assertion_claims(id, audience, &jti, scheduler.now());
        let claims = claims.to_string();
        keys.sign_compact(scheduler, Some("JWT"), claims.as_bytes())
            .await
            .map(Secret::new)
            .map_err(TokenFailure::Signing)
    }
}

fn assertion_claims<'a>(
    id: &'a str,
    audience: &'a str,
    jti: &'a str,
    now: UnixMillis,
) -> Object<'a> {
    let mut claims = Object::default();
    for (name, value) in [("iss", id), ("sub", id), ("aud", audience), ("jti", jti)] {
        claims.insert(name, Json::String(value.into()));
    }
    let now = now / 1000;
    for (name, date) in [("iat", now), ("exp", now + ASSERTION_LIFETIME)] {
        claims.insert(name, Json::Number(Number::from(date)));
    }
    claims
}

fn assertion_parameters(assertion: Secret) -> Vec<(&'static str, Secret)> {
    vec![
        ("client_assertion_type", Secret::new(JWT_BEARER)),
        ("client_assertion", assertion),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_short_lived_and_names_this_client() {
        let claims = assertion_claims("c1", "https://i", "j", 1_700_000_000_999).to_string();
        let expected = "{\"iss\":\"c1\",\"sub\":\"c1\",\"aud\":\"https://i\",\"jti\":\"j\",\
                        \"iat\":1700000000,\"exp\":1700000060}";
        assert_eq!(claims, expected);
    }
}
