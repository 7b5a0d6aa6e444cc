//! Token requests and their form (RFC 6749 section 4.4.2, RFC 8693 section 2.1, RFC 8707 section
//! 2).

use super::client_authentication::Credentials;
use super::failure::TokenFailure;
use crate::access_token::is_scope_token;
use crate::http_url::HttpUrl;
use crate::limits;
use crate::secret::Secret;

/// A token with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedToken {
    /// The token.
    pub token: Secret,
    /// A token type URI (RFC 8693 section 3). Default: an access token.
    pub token_type: Option<String>,
}

/// The target of a token request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenTarget {
    /// Absolute URIs without fragment.
    pub resources: Vec<String>,
    /// Logical names of services.
    pub audiences: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// A token type URI. Default: the issuer's choice.
    pub requested_token_type: Option<String>,
}

/// The user that a token is requested for, and its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// `sub` of the verified token.
    pub subject: Option<String>,
    /// The verified token itself.
    pub subject_token: TypedToken,
    /// Its `exp`, in seconds since 1970.
    pub subject_expires_at: Option<u64>,
    /// A token of the party that acts, if it is not this application.
    pub actor_token: Option<TypedToken>,
    /// The target.
    pub target: TokenTarget,
    /// The URL that the token will be sent to. Default: not checked.
    pub destination: Option<String>,
}

/// The grant of a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// RFC 8693: for a subject, optionally with an actor.
    TokenExchange(TypedToken, Option<TypedToken>),
    /// RFC 6749 section 4.4: for this client.
    ClientCredentials,
    /// RFC 6749 section 6.
    RefreshToken(Secret),
}

/// RFC 8693 section 3.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

impl TokenTarget {
    /// Checks the application's request before anything is sent.
    ///
    /// # Errors
    /// [`TokenFailure::InvalidRequest`] with what to change.
    pub(super) fn check(&self) -> Result<(), TokenFailure> {
        let bad = |sentence| Err(TokenFailure::InvalidRequest(sentence));
        if self.resources.len() > limits::TARGETS || self.audiences.len() > limits::TARGETS {
            return bad(
                "a token request has more than 8 resources or 8 audiences: split it into several",
            );
        }
        if self.scopes.len() > limits::SCOPES {
            return bad(
                "a token request has more than 256 scopes: request only those that the call needs",
            );
        }
        if !self.resources.iter().all(|resource| is_resource(resource)) {
            return bad(
                "a resource must be an absolute URI without a fragment (RFC 8707 section 2)",
            );
        }
        if !self.audiences.iter().all(|name| is_parameter(name)) {
            return bad("an audience must have 1 to 2048 characters");
        }
        if !self.scopes.iter().all(|scope| is_scope_token(scope)) {
            return bad("a scope must be printable ASCII without spaces, quotes and backslashes");
        }
        check_type(self.requested_token_type.as_deref())
    }
}

impl TypedToken {
    pub(super) fn check(&self) -> Result<(), TokenFailure> {
        check_token(&self.token)?;
        check_type(self.token_type.as_deref())
    }

    pub(super) fn type_uri(&self) -> &str {
        self.token_type.as_deref().unwrap_or(ACCESS_TOKEN)
    }
}

impl Grant {
    /// Checks the tokens that the grant uses.
    ///
    /// # Errors
    /// [`TokenFailure::InvalidRequest`] with what to change.
    pub(super) fn check(&self) -> Result<(), TokenFailure> {
        match self {
            Self::TokenExchange(subject, actor) => {
                subject.check()?;
                actor.as_ref().map_or(Ok(()), TypedToken::check)
            }
            Self::ClientCredentials => Ok(()),
            Self::RefreshToken(token) => check_token(token),
        }
    }

    /// The form for this grant, target and credentials.
    pub(super) fn form(&self, target: &TokenTarget, credentials: &Credentials) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::TokenExchange(subject, actor) => {
                form.append_pair("grant_type", TOKEN_EXCHANGE);
                form.append_pair("subject_token", subject.token.expose());
                form.append_pair("subject_token_type", subject.type_uri());
                if let Some(actor) = actor {
                    form.append_pair("actor_token", actor.token.expose());
                    form.append_pair("actor_token_type", actor.type_uri());
                }
                if let Some(wanted) = &target.requested_token_type {
                    form.append_pair("requested_token_type", wanted);
                }
            }
            Self::ClientCredentials => {
                form.append_pair("grant_type", "client_credentials");
            }
            Self::RefreshToken(token) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose());
            }
        }
        for resource in &target.resources {
            form.append_pair("resource", resource);
        }
        for audience in &target.audiences {
            form.append_pair("audience", audience);
        }
        if !target.scopes.is_empty() {
            form.append_pair("scope", &target.scopes.join(" "));
        }
        for (name, value) in credentials.parameters() {
            form.append_pair(name, value);
        }
        form.finish().into_bytes()
    }
}

/// RFC 8707 section 2: an absolute URI, which has a scheme (RFC 3986 section 3.1), and no fragment.
fn is_resource(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && text.len() <= limits::TARGET_BYTES
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

fn is_parameter(text: &str) -> bool {
    (1..=limits::TARGET_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn check_token(token: &Secret) -> Result<(), TokenFailure> {
    let bad = |sentence| Err(TokenFailure::InvalidRequest(sentence));
    match token.len() {
        0 => bad("the token to exchange is empty"),
        1..=limits::EXCHANGED_TOKEN_BYTES => Ok(()),
        _ => bad("the token to exchange is longer than 32 KiB"),
    }
}

fn check_type(uri: Option<&str>) -> Result<(), TokenFailure> {
    if uri.is_none_or(is_resource) {
        return Ok(());
    }
    Err(TokenFailure::InvalidRequest(
        "a token type must be a URI, such as urn:ietf:params:oauth:token-type:access_token",
    ))
}

/// Whether a token for `resources` may be sent to `url`: over TLS (or to this machine), to the
/// origin of one of the resources or to a configured one.
pub(super) fn check_destination(
    url: &str,
    resources: &[String],
    configured: &[HttpUrl],
) -> Result<(), TokenFailure> {
    let page = url.split('#').next().unwrap_or_default();
    let url = HttpUrl::parse(page)
        .ok()
        .filter(HttpUrl::is_trustworthy)
        .ok_or(TokenFailure::ForbiddenDestination)?;
    let at_resource = resources
        .iter()
        .filter_map(|resource| HttpUrl::parse(resource).ok())
        .any(|resource| resource.same_origin(&url));
    if at_resource || configured.iter().any(|origin| origin.same_origin(&url)) {
        Ok(())
    } else {
        Err(TokenFailure::ForbiddenDestination)
    }
}

#[cfg(test)]
#[path = "token_request/tests.rs"]
mod tests;
