//! Who asks for a token: `client_secret_basic` and `client_secret_post` (RFC 6749, section 2.3.1).

use axum::http::{HeaderMap, header};
use base64ct::{Base64, Encoding};

use super::form::Form;
use super::token_endpoint::TokenError;

/// A client of the built-in table. Its secret is public knowledge, so it is compared plainly.
pub(super) struct Client {
    pub(super) id: &'static str,
    secret: &'static str,
    /// What it may be granted; `None` is any scope.
    scopes: Option<&'static [&'static str]>,
}

const CLIENTS: &[Client] = &[
    Client {
        id: "demo",
        secret: "demo-secret",
        scopes: None,
    },
    Client {
        id: "limited",
        secret: "limited-secret",
        scopes: Some(&["mcp:read"]),
    },
    // Its id and secret show whether a caller encodes them before it builds the header.
    Client {
        id: "odd client:+",
        secret: "odd%secret&+=é",
        scopes: None,
    },
];

impl Client {
    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.is_none_or(|scopes| scopes.contains(&scope))
    }
}

/// The client that sent this request.
pub(super) fn authenticate(
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'static Client, TokenError> {
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let (id, secret, by_header) = match (authorization.next(), authorization.next()) {
        (Some(_), Some(_)) => return Err(TokenError::InvalidRequest("two Authorization headers")),
        (Some(value), None) => {
            if form.get("client_secret").is_some() {
                return Err(TokenError::InvalidRequest(
                    "two kinds of client authentication",
                ));
            }
            let (id, secret) = value
                .to_str()
                .ok()
                .and_then(basic)
                .ok_or(TokenError::InvalidClient { challenge: true })?;
            if form.get("client_id").is_some_and(|other| other != id) {
                return Err(TokenError::InvalidRequest(
                    "client_id differs from the header's",
                ));
            }
            (id, secret, true)
        }
        (None, _) => match (form.get("client_id"), form.get("client_secret")) {
            (Some(id), Some(secret)) => (id.to_owned(), secret.to_owned(), false),
            _ => return Err(TokenError::InvalidClient { challenge: false }),
        },
    };
    CLIENTS
        .iter()
        .find(|client| client.id == id && client.secret == secret)
        .ok_or(TokenError::InvalidClient {
            challenge: by_header,
        })
}

/// Id and secret of a `Basic` header: each form-encoded before they were joined.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(Base64::decode_vec(credentials.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        // Would have been encoded.
        return None;
    }
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pair: &str) -> String {
        format!("Basic {}", Base64::encode_string(pair.as_bytes()))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(
            basic(&header("demo:demo-secret")),
            Some(("demo".into(), "demo-secret".into()))
        );
        assert_eq!(
            basic(&header("odd+client%3A%2B:odd%25secret%26%2B%3D%C3%A9")),
            Some(("odd client:+".into(), "odd%secret&+=é".into()))
        );
    }

    #[test]
    fn malformed_basic_credentials_are_nobody() {
        for value in [
            "Basic",
            "Bearer YTpi",
            "Basic !!",
            &header("no-colon"),
            &header("a&b:c"),
        ] {
            assert_eq!(basic(value), None, "{value}");
        }
    }
}
