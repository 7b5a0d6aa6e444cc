//! Client authentication: `client_secret_basic`, `client_secret_post` and `none` (RFC 6749, section
//! 2.3.1; RFC 7591, section 2); `private_key_jwt` is in `client_assertion`.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64ct::{Base64, Encoding};

use super::SharedIssuer;
use super::audit::Draft;
use super::client_assertion;
use super::clients::Client;
use super::form::Form;
use super::token_endpoint::TokenError;

/// The supported authentication methods.
pub(super) const METHODS: &[&str] = &[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
];

/// Returns the client that sent this request. Records in the draft which client it claims to be
/// and, if it authenticated, by which method.
pub(super) async fn authenticate(
    issuer: &SharedIssuer,
    headers: &HeaderMap,
    form: &Form,
    draft: &mut Draft,
) -> Result<Arc<Client>, TokenError> {
    draft.client_id = form.get("client_id").map(str::to_owned);
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = match (authorization.next(), authorization.next()) {
        (Some(_), Some(_)) => return Err(TokenError::InvalidRequest("two Authorization headers")),
        (first, _) => first,
    };
    if client_assertion::is_there(form) {
        // RFC 7521, section 4.2.1: a second method beside an assertion is invalid_client.
        if authorization.is_some() || form.get("client_secret").is_some() {
            return Err(TokenError::InvalidClient {
                challenge: authorization.is_some(),
                problem: "two kinds of client authentication",
            });
        }
        let client = client_assertion::authenticate(issuer, form, draft).await?;
        draft.client_authentication = Some("private_key_jwt");
        return Ok(client);
    }
    let unknown = |challenge| TokenError::InvalidClient {
        challenge,
        problem: "unknown client or wrong secret",
    };
    let (id, secret, method) = match authorization {
        Some(value) => {
            if form.get("client_secret").is_some() {
                return Err(TokenError::InvalidRequest(
                    "two kinds of client authentication",
                ));
            }
            let (id, secret) = value
                .to_str()
                .ok()
                .and_then(basic)
                .ok_or_else(|| unknown(true))?;
            if form.get("client_id").is_some_and(|other| other != id) {
                return Err(TokenError::InvalidRequest(
                    "client_id differs from the header's",
                ));
            }
            draft.client_id = Some(id.clone());
            (id, Some(secret), "client_secret_basic")
        }
        None => match (form.get("client_id"), form.get("client_secret")) {
            (Some(id), Some(secret)) => {
                (id.to_owned(), Some(secret.to_owned()), "client_secret_post")
            }
            (Some(id), None) => (id.to_owned(), None, "none"),
            _ => return Err(unknown(false)),
        },
    };
    let client = issuer.clients().find(&id);
    let proven = |client: &Arc<Client>| match &secret {
        Some(secret) => client.has_secret(secret),
        None => client.public,
    };
    let client = client
        .filter(proven)
        .ok_or_else(|| unknown(method == "client_secret_basic"))?;
    draft.client_authentication = Some(method);
    Ok(client)
}

/// Id and secret of a `Basic` header. Each is form-encoded.
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
    fn malformed_basic_credentials_are_refused() {
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
