//! Rules for browsers: the CORS protocol of the Fetch standard, and MCP's rule for `Origin`.

use super::decision::RequestHead;
use super::rejection::Rejection;
use crate::answer::Answer;
use crate::capability::Header;
use crate::grammar::FIELD_NAMES;
use crate::limits;

/// The response headers that a script may read. Without the first, a client in a browser cannot see
/// why it was refused.
const EXPOSED: &str = "WWW-Authenticate, Retry-After, Mcp-Session-Id";
/// Used if a preflight names no headers.
const ALLOWED_HEADERS: &str =
    "Authorization, Content-Type, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id";
const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CorsRules {
    /// `None` accepts any origin.
    pub(super) origins: Option<Vec<String>>,
    pub(super) max_age: u32,
}

impl Default for CorsRules {
    fn default() -> Self {
        Self {
            origins: None,
            max_age: Self::MAX_AGE,
        }
    }
}

impl CorsRules {
    /// A day, in seconds, which is the maximum of most browsers.
    pub(super) const MAX_AGE: u32 = 86_400;

    /// With a list of origins, a request from another origin is refused, whatever its credentials.
    pub(super) fn check(&self, origin: Option<&str>) -> Result<(), Rejection> {
        match (&self.origins, origin) {
            (_, None) | (None, Some(_)) => Ok(()),
            (Some(allowed), Some(origin)) => {
                let fits = origin.len() <= limits::ORIGIN_BYTES;
                if fits && allowed.iter().any(|allowed| allowed == origin) {
                    Ok(())
                } else {
                    Err(Rejection::ForbiddenOrigin)
                }
            }
        }
    }

    /// The rules for public documents, whichever origins are listed.
    pub(super) fn of_public_documents(&self) -> Self {
        Self {
            origins: None,
            ..*self
        }
    }

    /// Headers for any response to a request from `origin`, which has passed [`Self::check`].
    pub(super) fn headers(&self, origin: Option<&str>) -> Vec<Header> {
        let mut headers = Vec::new();
        match (&self.origins, origin) {
            (None, Some(_)) => push(&mut headers, "access-control-allow-origin", "*"),
            (Some(allowed), Some(origin)) => {
                // The value comes from the configuration, not from the request.
                if let Some(allowed) = allowed.iter().find(|allowed| *allowed == origin) {
                    push(&mut headers, "access-control-allow-origin", allowed);
                }
                push(&mut headers, "vary", "Origin");
            }
            (Some(_), None) => push(&mut headers, "vary", "Origin"),
            (None, None) => {}
        }
        if headers
            .iter()
            .any(|(name, _)| name == "access-control-allow-origin")
        {
            push(&mut headers, "access-control-expose-headers", EXPOSED);
        }
        headers
    }

    /// The response to a preflight. `None` if the request is not a preflight.
    pub(super) fn preflight(&self, head: &RequestHead) -> Option<Answer> {
        let is_preflight =
            head.method == "OPTIONS" && head.origin.is_some() && head.requested_method.is_some();
        if !is_preflight {
            return None;
        }
        let mut answer = Answer::empty(204);
        answer.headers = self.headers(head.origin.as_deref());
        answer.push("access-control-allow-methods", ALLOWED_METHODS);
        let requested = head
            .requested_headers
            .as_deref()
            .filter(|names| is_header_list(names));
        answer.push(
            "access-control-allow-headers",
            requested.unwrap_or(ALLOWED_HEADERS),
        );
        answer.push("access-control-max-age", self.max_age.to_string());
        Some(answer)
    }
}

/// Headers for public documents. They do not depend on the request.
pub(super) fn public_headers() -> [Header; 2] {
    [
        ("access-control-allow-origin".to_owned(), "*".to_owned()),
        (
            "access-control-expose-headers".to_owned(),
            EXPOSED.to_owned(),
        ),
    ]
}

fn push(headers: &mut Vec<Header>, name: &str, value: &str) {
    headers.push((name.to_owned(), value.to_owned()));
}

/// Only field names, commas and spaces (RFC 9110 section 5.1), which are safe to send back.
fn is_header_list(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::REQUESTED_HEADERS_BYTES
        && FIELD_NAMES.contains_all(text)
}
