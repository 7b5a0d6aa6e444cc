//! Token responses (RFC 6749 sections 5.1 and 5.2, RFC 8693 section 2.2).

use super::failure::{OAuthError, TokenFailure};
use super::retry_after::retry_after;
use super::token_request::ACCESS_TOKEN;
use crate::capability::{HttpError, HttpResponse, UnixMillis};
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;

/// RFC 8693 section 3: an access token by its form.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// RFC 8693 section 2.2.1: for what is not an access token.
const NOT_APPLICABLE: &str = "N_A";
/// Ten years: a longer lifetime is a mistake in units.
const LIFETIME_SECONDS: u64 = 10 * 366 * 86_400;

/// An issued token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token, of any type. It is safe to use in a header.
    pub access_token: Secret,
    /// `token_type`, as the issuer spelled it.
    pub token_type: String,
    /// `issued_token_type`.
    pub issued_token_type: Option<String>,
    /// When it expires, by this host's clock, counted from the time of the request.
    pub expires_at: Option<UnixMillis>,
    /// The granted scopes. `None` if they are the requested ones (RFC 6749 section 5.1).
    pub scopes: Option<Vec<String>>,
    /// `refresh_token`.
    pub refresh_token: Option<Secret>,
}

impl Token {
    /// The approximate memory use, in bytes.
    pub(super) fn weight(&self) -> usize {
        let secret = |value: &Option<Secret>| value.as_ref().map_or(0, Secret::len);
        self.access_token.len()
            + self.token_type.len()
            + self.issued_token_type.as_ref().map_or(0, String::len)
            + secret(&self.refresh_token)
            + self
                .scopes
                .iter()
                .flatten()
                .map(|s| s.len() + 24)
                .sum::<usize>()
            + size_of::<Self>()
    }
}

/// Reads the response to a request that was sent at `asked_at` for a token of type `wanted`.
pub(super) fn read(
    response: Result<HttpResponse, HttpError>,
    wanted: Option<&str>,
    asked_at: UnixMillis,
) -> Result<Token, TokenFailure> {
    let response = response.map_err(|error| match error {
        HttpError::TimedOut => TokenFailure::TimedOut,
        HttpError::TooLarge => TokenFailure::TooLarge,
        HttpError::Unreachable | HttpError::Refused | HttpError::Internal => {
            TokenFailure::Unreachable
        }
    })?;
    if (300..400).contains(&response.status) {
        return Err(TokenFailure::Redirected);
    }
    let body = Object::parse(&response.body, limits::JSON_DEPTH);
    if response.status != 200 {
        let error = body.ok().and_then(|body| oauth_error(&body));
        let status = response.status;
        return Err(match error {
            error if matches!(status, 429 | 503) => TokenFailure::RetryLater {
                status,
                retry_after: response
                    .header("retry-after")
                    .and_then(|value| retry_after(value, asked_at)),
                error,
            },
            Some(error) => TokenFailure::Refused { status, error },
            None => TokenFailure::UnexpectedStatus(status),
        });
    }
    let body = body.map_err(|_| TokenFailure::NotJson)?;
    // Some issuers refuse with status 200.
    if let Some(error) = oauth_error(&body) {
        return Err(TokenFailure::Refused { status: 200, error });
    }
    token(&body, wanted, asked_at)
}

fn token(
    body: &Object<'_>,
    wanted: Option<&str>,
    asked_at: UnixMillis,
) -> Result<Token, TokenFailure> {
    let access_token = secret(body, "access_token", "has a malformed access_token")?
        .ok_or(TokenFailure::BadResponse("has no access_token"))?;
    let token_type = text(body, "token_type", "has a bad token_type")?
        .ok_or(TokenFailure::BadResponse("has no token_type"))?;
    let issued = text(body, "issued_token_type", "has a bad issued_token_type")?;
    check_types(&token_type, issued.as_deref(), wanted)?;
    let lifetime = lifetime(body)?;
    let scopes = text(body, "scope", "has a bad scope")?;
    Ok(Token {
        access_token,
        token_type,
        issued_token_type: issued,
        expires_at: lifetime.map(|seconds| asked_at.saturating_add(seconds * 1000)),
        scopes: scopes.map(|scopes| {
            let words = scopes.split(' ').filter(|scope| !scope.is_empty());
            words.map(str::to_owned).take(limits::SCOPES).collect()
        }),
        refresh_token: secret(body, "refresh_token", "has a malformed refresh_token")?,
    })
}

/// Checks that the issued token has the requested type or, if no type was requested, can be used as
/// an access token. A client must not use a token whose type it does not understand (RFC 6749
/// section 7.1), and a token that is bound to a key cannot be sent as a bearer token.
fn check_types(
    token_type: &str,
    issued: Option<&str>,
    wanted: Option<&str>,
) -> Result<(), TokenFailure> {
    let as_asked = match (wanted, issued) {
        (Some(wanted), Some(issued)) => wanted == issued,
        // RFC 8693 section 2.2.1 requires the member. If it is absent, the token is taken for an
        // access token.
        (Some(wanted), None) => wanted == ACCESS_TOKEN,
        (None, issued) => issued.is_none_or(|issued| issued == ACCESS_TOKEN || issued == JWT),
    };
    if !as_asked {
        let what = "has a token of another type than the requested one";
        return Err(TokenFailure::BadResponse(what));
    }
    let usable = token_type.eq_ignore_ascii_case("bearer")
        || (token_type.eq_ignore_ascii_case(NOT_APPLICABLE) && issued != Some(ACCESS_TOKEN));
    if usable {
        Ok(())
    } else {
        Err(TokenFailure::BadResponse(
            "has a token_type that is not Bearer",
        ))
    }
}

/// `expires_in`: a number, or a string with a number, as some issuers send it.
fn lifetime(body: &Object<'_>) -> Result<Option<u64>, TokenFailure> {
    let seconds = match body.get("expires_in") {
        None | Some(Json::Null) => return Ok(None),
        // Fractions are refused, but not 3600.0, which some languages write.
        Some(Json::Number(number)) => Some(number.as_f64())
            .filter(|seconds| seconds.fract() == 0.0 && *seconds >= 0.0)
            .map(|seconds| seconds as u64),
        Some(Json::String(text)) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    seconds
        .filter(|&seconds| seconds <= LIFETIME_SECONDS)
        .map(Some)
        .ok_or(TokenFailure::BadResponse("has a bad expires_in"))
}

fn text(body: &Object<'_>, name: &str, bad: &'static str) -> Result<Option<String>, TokenFailure> {
    match body.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text))
            if text.len() <= limits::EXCHANGED_TOKEN_BYTES && is_visible(text, true) =>
        {
            Ok(Some(text.to_string()).filter(|text| !text.is_empty()))
        }
        Some(_) => Err(TokenFailure::BadResponse(bad)),
    }
}

/// A token is used in a header: RFC 6749 appendix A.12 and A.17 allow visible characters, but a
/// space would end it.
fn secret(
    body: &Object<'_>,
    name: &str,
    bad: &'static str,
) -> Result<Option<Secret>, TokenFailure> {
    match text(body, name, bad)? {
        Some(text) if !is_visible(&text, false) => Err(TokenFailure::BadResponse(bad)),
        text => Ok(text.map(Secret::new)),
    }
}

fn is_visible(text: &str, with_spaces: bool) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_graphic() || (with_spaces && b == b' '))
}

/// The OAuth error, if the body is one: `error` has only the characters of RFC 6749 section 5.2.
fn oauth_error(body: &Object<'_>) -> Option<OAuthError> {
    let error = body.get("error")?.as_str()?;
    let is_error = (1..=limits::OAUTH_ERROR_BYTES).contains(&error.len())
        && error
            .bytes()
            .all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    is_error.then(|| OAuthError {
        error: error.to_owned(),
        description: words(body, "error_description"),
        uri: words(body, "error_uri"),
    })
}

fn words(body: &Object<'_>, name: &str) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    let end = text.floor_char_boundary(limits::OAUTH_ERROR_BYTES);
    Some(text[..end].to_owned())
}

#[cfg(test)]
#[path = "token_response/tests.rs"]
mod tests;
