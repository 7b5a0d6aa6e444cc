//! An issuer's token endpoint and an API that accepts its tokens, with their responses and recorded
//! requests.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::token::replace_texts;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Differences of a token endpoint from the default one, which issues a bearer token for an hour to
/// every client: `{bound}.1` for the first exchange of a subject token, `{bound}.2` for the next;
/// `own.1` and `refreshed.1` in the same way.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TokenAnswer {
    status: Option<u16>,
    /// Members to set in a valid response.
    members: Option<Map<String, Value>>,
    /// Members to remove.
    without: Option<Vec<String>>,
    /// The whole response, as text.
    text: Option<String>,
    /// How long it takes, in milliseconds.
    pub(crate) delay_ms: Option<u64>,
}

impl TokenAnswer {
    /// Applies the differences in `other`.
    pub(crate) fn change(&mut self, other: &Self) {
        macro_rules! take { ($($field:ident),*) => { $(
            if other.$field.is_some() { self.$field.clone_from(&other.$field); }
        )* } }
        take!(status, members, without, text, delay_ms);
    }

    /// The status and the body for one request.
    pub(crate) fn to(
        &self,
        request: &TokenRequest,
        token: &str,
        issuer: &str,
    ) -> (StatusCode, String) {
        let status = self.status.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.unwrap_or(StatusCode::OK);
        if let Some(text) = &self.text {
            return (status, text.clone());
        }
        let mut body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 });
        if request.parameter("subject_token").is_some() {
            let wanted = request.parameter("requested_token_type");
            body["issued_token_type"] = wanted.unwrap_or(ACCESS_TOKEN).into();
        }
        for (name, value) in self.members.iter().flatten() {
            let mut value = value.clone();
            replace_texts(&mut value, issuer);
            body[name] = value;
        }
        for name in self.without.iter().flatten() {
            body.as_object_mut().map(|body| body.remove(name));
        }
        (status, body.to_string())
    }
}

/// All requests to one issuer's endpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) token_requests: Vec<TokenRequest>,
    pub(crate) calls: Vec<Call>,
    /// The number of requests per subject.
    issued: HashMap<String, usize>,
}

/// One token request.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    /// Parameters by name. `path` is the path after the issuer's, with the query.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) form: Vec<(String, String)>,
}

/// One call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// `method`, `path` (after the issuer's) and `body`, and headers by their names.
    pub(crate) parts: BTreeMap<String, String>,
}

impl Received {
    /// Records a token request, and returns the token for it.
    pub(crate) fn token_request(&mut self, request: TokenRequest) -> String {
        let whose = match (
            request.parameter("subject_token"),
            request.parameter("grant_type"),
        ) {
            (Some(token), _) => bound(token),
            (None, Some("refresh_token")) => "refreshed".to_owned(),
            (None, _) => "own".to_owned(),
        };
        let times = self.issued.entry(whose.clone()).or_default();
        *times += 1;
        let token = format!("{whose}.{times}");
        self.token_requests.push(request);
        token
    }

    /// Records a call, and returns its response. The first `refusals` calls are refused.
    pub(crate) fn call(&mut self, call: Call, refusals: usize, redirect: Option<&str>) -> Response {
        self.calls.push(call);
        if self.calls.len() <= refusals {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
            return (StatusCode::UNAUTHORIZED, challenge, "again").into_response();
        }
        match redirect {
            Some(to) => {
                let location = [(header::LOCATION, to.to_owned())];
                (StatusCode::TEMPORARY_REDIRECT, location).into_response()
            }
            None => "here you are".into_response(),
        }
    }
}

impl TokenRequest {
    /// `path` is where it was sent, with the query.
    pub(crate) fn new(path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut headers = texts(headers);
        headers.insert("path".to_owned(), path.to_owned());
        Self {
            headers,
            form: form_pairs(&String::from_utf8_lossy(body)),
        }
    }

    /// The first parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Call {
    pub(crate) fn new(method: &str, path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut parts = texts(headers);
        parts.insert("method".to_owned(), method.to_owned());
        parts.insert("path".to_owned(), path.to_owned());
        parts.insert(
            "body".to_owned(),
            String::from_utf8_lossy(body).into_owned(),
        );
        Self { parts }
    }
}

/// The beginning of the tokens that the issuer issues for a subject token.
pub(crate) fn bound(subject_token: &str) -> String {
    let hash = Sha256::digest(subject_token.as_bytes());
    let mut text = "for-".to_owned();
    for byte in &hash[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or("?").to_owned();
    let pair = |(name, value): (&header::HeaderName, _)| (name.to_string(), text(value));
    headers.iter().map(pair).collect()
}

/// `application/x-www-form-urlencoded`.
fn form_pairs(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decoded(name), form_decoded(value))
        })
        .collect()
}

/// Decodes form-encoded text. Malformed escapes stay unchanged.
pub(crate) fn form_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_written() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            form_pairs("a=b+c%2Fd&a=%zz&e"),
            [pair("a", "b c/d"), pair("a", "%zz"), pair("e", "")]
        );
    }

    #[test]
    fn the_issued_token_depends_on_the_subject() {
        let mut received = Received::default();
        let mut ask = |body: &str| {
            received.token_request(TokenRequest::new(
                "/token",
                &HeaderMap::new(),
                body.as_bytes(),
            ))
        };
        let (ada, eve) = (bound("ada"), bound("eve"));
        assert_ne!(ada, eve);
        assert_eq!(ask("subject_token=ada"), format!("{ada}.1"));
        assert_eq!(ask("subject_token=eve"), format!("{eve}.1"));
        assert_eq!(ask("subject_token=ada"), format!("{ada}.2"));
        assert_eq!(ask("grant_type=client_credentials"), "own.1");
        assert_eq!(ask("grant_type=refresh_token"), "refreshed.1");
    }
}
