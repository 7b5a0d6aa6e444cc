//! Requests of this server to an identity provider: for tokens (RFC 6749 section 4.1.3), and for the
//! user where there is no ID token.

use super::provider::Provider;
use super::upstream::Endpoints;
use crate::authorization_server::authorization_request::UpstreamTokens;
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::server::Server;
use crate::basic_credentials::basic_credentials;
use crate::capability::{Header, HttpError, HttpRequest, HttpResponse};
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;

/// The timeout of a request, in milliseconds. Somebody waits for it.
const TIMEOUT_MS: u32 = 10_000;
/// What a user endpoint answers: GitHub's is 2 KB.
const USER_BYTES: u32 = 64 * 1024;
/// `expires_in`: ten years, in seconds.
const LIFETIME: u64 = 10 * 366 * 86_400;
/// GitHub refuses requests without one.
const USER_AGENT: &str = "tollgate";

/// The tokens of a provider.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) tokens: UpstreamTokens,
    pub(super) id_token: Option<Secret>,
}

impl Server {
    /// Redeems a code.
    pub(super) async fn redeem_upstream_code(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<Issued, Rejection> {
        let mut headers = headers();
        let form_type = "application/x-www-form-urlencoded";
        headers.push(("content-type".to_owned(), form_type.to_owned()));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ]);
        match &provider.client_secret {
            Some(secret) if endpoints.accepts_basic => {
                headers.push(basic_credentials(&provider.client_id, secret));
            }
            secret => {
                form.append_pair("client_id", &provider.client_id);
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret.expose());
                }
            }
        }
        let request = HttpRequest {
            method: "POST",
            url: endpoints.token.clone(),
            headers,
            body: Some(form.finish().into_bytes()),
            timeout_ms: TIMEOUT_MS,
            max_body_bytes: limits::TOKEN_RESPONSE_BYTES,
        };
        let response = self.scheduler().exchange(request).await.map_err(silent)?;
        issued(&provider.id, &response, self.storage.now()).map_err(Rejection::SignIn)
    }

    /// What the user endpoint says about the user.
    pub(super) async fn upstream_user(
        &self,
        url: &str,
        token: &Secret,
    ) -> Result<Object<'static>, Rejection> {
        let mut headers = headers();
        let bearer = format!("Bearer {}", token.expose());
        headers.push(("authorization".to_owned(), bearer));
        let request = HttpRequest {
            method: "GET",
            url: url.to_owned(),
            headers,
            body: None,
            timeout_ms: TIMEOUT_MS,
            max_body_bytes: USER_BYTES,
        };
        let response = self.scheduler().exchange(request).await.map_err(silent)?;
        let body = match response.status {
            200 => Object::parse(&response.body, limits::JSON_DEPTH)
                .ok()
                .map(Object::into_owned),
            429 | 500..=599 => return Err(Rejection::SignIn(SignInFailure::Unavailable)),
            _ => None,
        };
        body.ok_or(Rejection::SignIn(SignInFailure::Unusable))
    }
}

fn headers() -> Vec<Header> {
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

const fn silent(error: HttpError) -> Rejection {
    Rejection::SignIn(match error {
        HttpError::TooLarge => SignInFailure::Unusable,
        HttpError::Unreachable | HttpError::TimedOut | HttpError::Refused | HttpError::Internal => {
            SignInFailure::Unavailable
        }
    })
}

fn issued(provider: &str, response: &HttpResponse, now: u64) -> Result<Issued, SignInFailure> {
    if matches!(response.status, 429 | 500..=599) {
        return Err(SignInFailure::Unavailable);
    }
    let body = Object::parse(&response.body, limits::JSON_DEPTH);
    let body = body.map_err(|_| SignInFailure::Unusable)?;
    // GitHub answers errors with status 200.
    match body.get("error").and_then(Json::as_str) {
        Some("invalid_grant" | "bad_verification_code" | "access_denied") => {
            return Err(SignInFailure::Refused);
        }
        // This server's own credentials or request are wrong.
        Some(_) => return Err(SignInFailure::Unusable),
        None if response.status != 200 => return Err(SignInFailure::Unusable),
        None => {}
    }
    let is_bearer = match body.get("token_type").and_then(Json::as_str) {
        Some(token_type) => token_type.eq_ignore_ascii_case("bearer"),
        None => false,
    };
    let access_token = token(&body, "access_token")?;
    let (Some(access_token), true) = (access_token, is_bearer) else {
        return Err(SignInFailure::Unusable);
    };
    let scope = body.get("scope").and_then(Json::as_str);
    Ok(Issued {
        tokens: UpstreamTokens {
            provider: provider.to_owned(),
            access_token,
            refresh_token: token(&body, "refresh_token")?,
            expires_at: lifetime(&body).map(|seconds| now + seconds),
            scope: scope.map(str::to_owned),
        },
        id_token: token(&body, "id_token")?,
    })
}

/// A token is visible ASCII: it is sent in a header.
fn token(body: &Object<'_>, name: &str) -> Result<Option<Secret>, SignInFailure> {
    match body.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text))
            if (1..=limits::EXCHANGED_TOKEN_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(Secret::new(text.as_ref())))
        }
        Some(_) => Err(SignInFailure::Unusable),
    }
}

/// `expires_in`, if it is a sensible number.
fn lifetime(body: &Object<'_>) -> Option<u64> {
    let number = match body.get("expires_in")? {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    number.filter(|&seconds| seconds <= LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Issued, SignInFailure> {
        let response = HttpResponse {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        };
        issued("example", &response, 1000)
    }

    #[test]
    fn tokens_are_read() {
        let body = r#"{"access_token":"a","token_type":"bearer","expires_in":60,
                       "refresh_token":"r","id_token":"i","scope":"x y"}"#;
        let issued = read(200, body).expect("tokens");
        assert_eq!(issued.tokens.expires_at, Some(1060));
        assert_eq!(issued.tokens.scope.as_deref(), Some("x y"));
        assert_eq!(issued.tokens.refresh_token, Some(Secret::new("r")));
        assert_eq!(issued.id_token, Some(Secret::new("i")));
    }

    #[test]
    fn failures_are_told_apart() {
        use SignInFailure::{Refused, Unavailable, Unusable};
        for (status, body, failure) in [
            (503, "{}", Unavailable),
            (429, "", Unavailable),
            (400, r#"{"error":"invalid_grant"}"#, Refused),
            (200, r#"{"error":"bad_verification_code"}"#, Refused),
            (401, r#"{"error":"invalid_client"}"#, Unusable),
            (302, "{}", Unusable),
            (200, "access_token=a", Unusable),
            (200, r#"{"token_type":"bearer"}"#, Unusable),
            (200, r#"{"access_token":"a"}"#, Unusable),
            (200, r#"{"access_token":"a","token_type":"DPoP"}"#, Unusable),
            (
                200,
                r#"{"access_token":"a b","token_type":"bearer"}"#,
                Unusable,
            ),
            (
                200,
                r#"{"access_token":"","token_type":"bearer"}"#,
                Unusable,
            ),
            (
                201,
                r#"{"access_token":"a","token_type":"bearer"}"#,
                Unusable,
            ),
        ] {
            assert_eq!(read(status, body).err(), Some(failure), "{status} {body}");
        }
    }

    #[test]
    fn an_unreadable_lifetime_is_unknown() {
        for odd in ["-1", "1e99", "\"x\"", "null", "99999999999"] {
            let body =
                format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{odd}}}"#);
            let issued = read(200, &body).expect("tokens");
            assert_eq!(issued.tokens.expires_at, None, "{odd}");
        }
    }
}
