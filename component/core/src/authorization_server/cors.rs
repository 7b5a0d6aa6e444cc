//! Browsers (the CORS protocol of the Fetch standard): clients that run in a browser call the token,
//! revocation and registration endpoints and read the metadata. None of these uses cookies, so any
//! origin may.

use super::issuer::Request;
use crate::answer::Answer;

/// `Authorization` is not covered by `*`.
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, MCP-Protocol-Version, *";
/// Without these, a script does not see why it was refused, and when to try again.
const EXPOSED_HEADERS: &str = "WWW-Authenticate, Retry-After";
/// A day, in seconds: the maximum of most browsers.
const MAX_AGE: &str = "86400";

/// The response to a preflight. `methods` are those of the endpoint. `None` if the request is not a
/// preflight.
pub(super) fn preflight(request: &Request, methods: &str) -> Option<Answer> {
    let is_preflight = request.method == "OPTIONS"
        && request.header("origin").is_some()
        && request.header("access-control-request-method").is_some();
    if !is_preflight {
        return None;
    }
    let mut answer = Answer::empty(204);
    answer.push("access-control-allow-methods", methods);
    answer.push("access-control-allow-headers", ALLOWED_HEADERS);
    answer.push("access-control-max-age", MAX_AGE);
    allow_any_origin(&mut answer);
    Some(answer)
}

/// Lets a script of any origin read a response. It does not depend on the request, so caches need
/// not tell requests apart.
pub(super) fn allow_any_origin(answer: &mut Answer) {
    answer.push("access-control-allow-origin", "*");
    answer.push("access-control-expose-headers", EXPOSED_HEADERS);
}
