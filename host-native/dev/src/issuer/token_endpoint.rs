//! The token endpoint (RFC 6749, sections 3.2 and 5; RFC 8707).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access_token::IssuedToken;
use super::audit::Draft;
use super::client_authentication::authenticate;
use super::form::Form;
use super::{SharedIssuer, client_credentials, refresh_token, token_exchange};

/// Why a token request is refused (RFC 6749, section 5.2; RFC 8693, section 2.2.2; RFC 8707,
/// section 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenError {
    InvalidClient {
        challenge: bool,
        problem: &'static str,
    },
    InvalidGrant(&'static str),
    InvalidRequest(&'static str),
    InvalidScope,
    InvalidTarget(&'static str),
    /// `subject_token` or `actor_token` is invalid. RFC 8693, section 2.2.2, requires
    /// `invalid_request` for any reason, although RFC 6749 alone would suggest `invalid_grant`.
    InvalidToken {
        parameter: &'static str,
        problem: &'static str,
    },
    UnauthorizedClient(&'static str),
    UnsupportedGrantType,
}

impl TokenError {
    /// `error`.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InvalidClient { .. } => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidRequest(_) | Self::InvalidToken { .. } => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget(_) => "invalid_target",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    /// `error_description`. It contains no part of the request.
    pub(super) fn description(self) -> String {
        match self {
            Self::InvalidClient { problem: what, .. }
            | Self::InvalidGrant(what)
            | Self::InvalidRequest(what)
            | Self::InvalidTarget(what)
            | Self::UnauthorizedClient(what) => what.to_owned(),
            Self::InvalidToken { parameter, problem } => format!("{parameter} {problem}"),
            Self::InvalidScope => {
                "scope has an entry that is not a scope, or that this client may not have"
                    .to_owned()
            }
            Self::UnsupportedGrantType => format!("the grant_type must be one of {GRANTS:?}"),
        }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::InvalidClient { .. } => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!({ "error": self.code(), "error_description": self.description() });
        let mut response = (status, Json(body)).into_response();
        if matches!(
            self,
            Self::InvalidClient {
                challenge: true,
                ..
            }
        ) {
            let challenge = HeaderValue::from_static("Basic realm=\"tollgate dev-issuer\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        no_store(&mut response);
        response
    }
}

/// A grant type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    ClientCredentials,
    RefreshToken,
    TokenExchange,
}

/// `grant_type` of each.
pub(super) const GRANTS: &[&str] = &[
    "client_credentials",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

impl Grant {
    fn from_type(grant_type: &str) -> Option<Self> {
        let all = [
            Self::ClientCredentials,
            Self::RefreshToken,
            Self::TokenExchange,
        ];
        all.into_iter()
            .zip(GRANTS)
            .find(|(_, name)| **name == grant_type)
            .map(|(grant, _)| grant)
    }
}

pub(super) async fn token(
    State(issuer): State<SharedIssuer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut draft = Draft::default();
    let decided = decide(&issuer, &headers, &body, &mut draft).await;
    issuer
        .stats
        .count_decision(decided.as_ref().ok().map(|(grant, _)| *grant));
    issuer
        .audit()
        .record(draft, decided.as_ref().err().copied());
    match decided {
        Ok((_, answer)) => {
            let mut response = Json(answer).into_response();
            no_store(&mut response);
            response
        }
        Err(error) => error.into_response(),
    }
}

async fn decide(
    issuer: &SharedIssuer,
    headers: &HeaderMap,
    body: &[u8],
    draft: &mut Draft,
) -> Result<(Grant, Value), TokenError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if !media_type.is_some_and(|m| m.eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(TokenError::InvalidRequest("the body must be form-encoded"));
    }
    let form = Form::parse(body)?;
    draft.grant = form.get("grant_type").map(str::to_owned);
    draft.resources = form.targets().map(str::to_owned).collect();
    let scopes = form.get("scope").unwrap_or_default();
    draft.scopes = scopes.split_whitespace().map(str::to_owned).collect();

    let client = authenticate(issuer, headers, &form, draft).await?;
    let grant_type = form
        .get("grant_type")
        .ok_or(TokenError::InvalidRequest("grant_type is missing"))?;
    let grant = Grant::from_type(grant_type).ok_or(TokenError::UnsupportedGrantType)?;
    let answer = match grant {
        Grant::ClientCredentials => {
            client_credentials::grant(issuer, &client, &form, draft).await?
        }
        Grant::RefreshToken => refresh_token::grant(issuer, &client, &form, draft).await?,
        Grant::TokenExchange => token_exchange::grant(issuer, &client, &form, draft).await?,
    };
    Ok((grant, answer))
}

/// The response of RFC 6749, section 5.1, with its audit event.
pub(super) fn answer(issued: IssuedToken, scopes: Vec<String>, draft: &mut Draft) -> Value {
    let mut answer = json!({
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    });
    if !scopes.is_empty() {
        answer["scope"] = scopes.join(" ").into();
    }
    draft.scopes = scopes;
    draft.token_id = issued.id;
    answer
}

/// `scope` as a list, each of them a scope (RFC 6749, section 3.3).
pub(super) fn requested_scopes(form: &Form) -> Result<Vec<String>, TokenError> {
    let Some(scope) = form.get("scope") else {
        return Ok(Vec::new());
    };
    scope
        .split(' ')
        .map(
            |scope| match tollgate_core::access_token::is_scope_token(scope) {
                true => Ok(scope.to_owned()),
                false => Err(TokenError::InvalidScope),
            },
        )
        .collect()
}

/// `resource`s, then `audience`s. A resource is an absolute URI without a fragment (RFC 8707,
/// section 2).
pub(super) fn requested_targets(form: &Form) -> Result<Vec<String>, TokenError> {
    let is_resource =
        |resource| url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
    if !form.all("resource").all(is_resource) {
        return Err(TokenError::InvalidTarget(
            "resource must be an absolute URI without fragment",
        ));
    }
    Ok(form.targets().map(str::to_owned).collect())
}

/// RFC 6749, section 5.1.
fn no_store(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes()).expect("a form")
    }

    #[test]
    fn targets_become_audiences() {
        let form = form("resource=https://a.example/&audience=b&resource=urn:c");
        let targets = requested_targets(&form).expect("valid");
        assert_eq!(targets, ["https://a.example/", "urn:c", "b"]);
        for body in ["resource=/relative", "resource=https://a.example/%23f"] {
            let targets = requested_targets(&self::form(body));
            assert!(
                matches!(targets, Err(TokenError::InvalidTarget(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn scopes_are_scope_tokens() {
        assert_eq!(
            requested_scopes(&form("scope=a+b")),
            Ok(vec!["a".into(), "b".into()])
        );
        for body in ["scope=a++b", "scope=a%22", "scope=+"] {
            assert_eq!(
                requested_scopes(&form(body)),
                Err(TokenError::InvalidScope),
                "{body}"
            );
        }
    }

    #[test]
    fn grants_have_their_names() {
        for (name, grant) in GRANTS.iter().zip([
            Grant::ClientCredentials,
            Grant::RefreshToken,
            Grant::TokenExchange,
        ]) {
            assert_eq!(Grant::from_type(name), Some(grant));
        }
        assert_eq!(Grant::from_type("password"), None);
    }
}
