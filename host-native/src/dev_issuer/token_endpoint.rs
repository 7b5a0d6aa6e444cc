//! The token endpoint (RFC 6749, sections 3.2, 4.4 and 5; RFC 8707).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use super::SharedIssuer;
use super::access_token::TokenSpec;
use super::client_authentication::{Client, authenticate};
use super::form::Form;

/// Why no token is issued (RFC 6749, section 5.2; RFC 8707, section 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenError {
    InvalidClient { challenge: bool },
    InvalidRequest(&'static str),
    InvalidScope,
    InvalidTarget,
    UnsupportedGrantType,
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::InvalidClient { .. } => ("invalid_client", "unknown client or wrong secret"),
            Self::InvalidRequest(what) => ("invalid_request", what),
            Self::InvalidScope => ("invalid_scope", "not a scope, or not one for this client"),
            Self::InvalidTarget => (
                "invalid_target",
                "resource must be an absolute URI without fragment",
            ),
            Self::UnsupportedGrantType => (
                "unsupported_grant_type",
                "the grant_type must be client_credentials",
            ),
        };
        let status = match self {
            Self::InvalidClient { .. } => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = Json(json!({ "error": error, "error_description": description }));
        let mut response = (status, body).into_response();
        if self == (Self::InvalidClient { challenge: true }) {
            let challenge = HeaderValue::from_static("Basic realm=\"tollgate dev-issuer\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        no_store(&mut response);
        response
    }
}

pub(super) async fn token(
    State(issuer): State<SharedIssuer>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, TokenError> {
    let (client, spec) = parse(&headers, &body).inspect_err(|error| warn!(?error, "no token"))?;
    let scope = spec.scopes.join(" ");
    let issued = issuer.issue(spec).await;
    info!(client = client.id, scope, "issued a token");

    let mut answer = json!({
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    });
    if !scope.is_empty() {
        answer["scope"] = scope.into();
    }
    let mut response = Json(answer).into_response();
    no_store(&mut response);
    Ok(response)
}

fn parse(headers: &HeaderMap, body: &[u8]) -> Result<(&'static Client, TokenSpec), TokenError> {
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
    let client = authenticate(headers, &form)?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(TokenError::UnsupportedGrantType),
        None => return Err(TokenError::InvalidRequest("grant_type is missing")),
    }
    let scopes: Vec<String> = form
        .get("scope")
        .map(|s| s.split(' ').map(str::to_owned).collect())
        .unwrap_or_default();
    if !scopes
        .iter()
        .all(|scope| is_scope_token(scope) && client.may(scope))
    {
        return Err(TokenError::InvalidScope);
    }
    if !form.all("resource").all(is_resource) {
        return Err(TokenError::InvalidTarget);
    }
    let spec = TokenSpec {
        client_id: Some(client.id.to_owned()),
        subject: form.get("subject").map(str::to_owned),
        audiences: form
            .all("resource")
            .chain(form.all("audience"))
            .map(str::to_owned)
            .collect(),
        scopes,
        algorithm: form
            .get("alg")
            .map(str::parse)
            .transpose()
            .map_err(|_| TokenError::InvalidRequest("alg is not one that this issuer has"))?,
        typ: form.get("typ").map(str::to_owned),
        lifetime: form
            .get("expires_in")
            .map(str::parse)
            .transpose()
            .map_err(|_| TokenError::InvalidRequest("expires_in must be seconds"))?,
        claims: object(form.get("claims"))?,
        header: object(form.get("header"))?,
    };
    Ok((client, spec))
}

fn object(json: Option<&str>) -> Result<Map<String, Value>, TokenError> {
    json.map(serde_json::from_str)
        .transpose()
        .map(Option::unwrap_or_default)
        .map_err(|_| TokenError::InvalidRequest("claims and header must be JSON objects"))
}

/// RFC 6749, section 3.3.
fn is_scope_token(scope: &str) -> bool {
    !scope.is_empty()
        && scope
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// RFC 8707, section 2: an absolute URI without a fragment.
fn is_resource(resource: &str) -> bool {
    url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none())
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

    fn request(body: &str) -> Result<TokenSpec, TokenError> {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, form);
        parse(&headers, body.as_bytes()).map(|(_, spec)| spec)
    }

    const DEMO: &str = "grant_type=client_credentials&client_id=demo&client_secret=demo-secret";

    #[test]
    fn targets_become_audiences() {
        let body = format!("{DEMO}&resource=https://a.example/&audience=b&resource=urn:c");
        let spec = request(&body).expect("valid");
        assert_eq!(spec.audiences, ["https://a.example/", "urn:c", "b"]);
    }

    #[test]
    fn refusals() {
        let invalid = |text| Err(TokenError::InvalidRequest(text));
        let cases = [
            ("&scope=mcp:read++mcp:write", Err(TokenError::InvalidScope)),
            ("&scope=a%22", Err(TokenError::InvalidScope)),
            ("&resource=/relative", Err(TokenError::InvalidTarget)),
            (
                "&resource=https://a.example/%23f",
                Err(TokenError::InvalidTarget),
            ),
            ("&alg=HS256", invalid("alg is not one that this issuer has")),
            ("&expires_in=soon", invalid("expires_in must be seconds")),
            (
                "&claims=[]",
                invalid("claims and header must be JSON objects"),
            ),
            (
                "&grant_type=password",
                invalid("a parameter stands there twice"),
            ),
        ];
        for (more, expected) in cases {
            assert_eq!(
                request(&format!("{DEMO}{more}")).map(drop),
                expected,
                "{more}"
            );
        }
        let other = DEMO.replace("client_credentials", "password");
        assert_eq!(
            request(&other).map(drop),
            Err(TokenError::UnsupportedGrantType)
        );
        let wrong = DEMO.replace("demo-secret", "guess");
        let nobody = Err(TokenError::InvalidClient { challenge: false });
        assert_eq!(request(&wrong).map(drop), nobody);
    }

    #[test]
    fn a_client_gets_only_its_scopes() {
        let limited =
            "grant_type=client_credentials&client_id=limited&client_secret=limited-secret";
        assert!(request(&format!("{limited}&scope=mcp:read")).is_ok());
        let refused = request(&format!("{limited}&scope=mcp:read+mcp:write")).map(drop);
        assert_eq!(refused, Err(TokenError::InvalidScope));
    }

    #[test]
    fn a_body_that_is_not_a_form_is_refused() {
        let refused = parse(&HeaderMap::new(), DEMO.as_bytes()).map(drop);
        assert_eq!(
            refused,
            Err(TokenError::InvalidRequest("the body must be form-encoded"))
        );
    }
}
