//! A gate's decision about a request.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tollgate_config::{AccessToken, Identity};

use super::bindings::exports::tollgate::auth::resource_server as wit;

/// The decision about a request.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The request may reach its handler.
    Allow(Allowed),
    /// The response to send in place of the handler's.
    Respond(Answer),
}

/// An allowed request.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The caller. None on public routes.
    pub credentials: Option<Credentials>,
    /// Headers to add to the handler's response.
    pub headers: HeaderMap,
}

/// A verified token with its identity.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The identity in the token.
    pub identity: Identity,
    /// The token itself.
    pub token: AccessToken,
}

/// A complete response to send unchanged.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The response. An empty string stands for no body.
    pub response: Response<String>,
    /// A stable code for logs and metrics, such as `token-expired`. It contains no input from the
    /// caller. None if nothing was refused.
    pub reason: Option<String>,
}

/// The component's answer cannot be sent.
#[derive(Debug)]
pub(super) struct Unsendable;

impl Answer {
    pub(super) fn new(answer: wit::Answer) -> Result<Self, Unsendable> {
        let mut response = Response::new(answer.body.unwrap_or_default());
        *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| Unsendable)?;
        *response.headers_mut() = header_map(answer.headers)?;
        Ok(Self {
            response,
            reason: answer.reason,
        })
    }

    /// The response for a request whose instance failed before it decided. The request does not
    /// reach its handler.
    pub(super) fn failed() -> Self {
        Self::server_error("gate-failed")
    }

    /// A 500 for this reason.
    pub(super) fn server_error(reason: &str) -> Self {
        let mut response = Response::new(r#"{"error":"server_error"}"#.to_owned());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            response,
            reason: Some(reason.to_owned()),
        }
    }
}

pub(super) fn header_map(headers: Vec<(String, String)>) -> Result<HeaderMap, Unsendable> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| Unsendable)?;
        let value = HeaderValue::try_from(value).map_err(|_| Unsendable)?;
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_broken_header_is_not_sent() {
        let answer = |status, value: &str| wit::Answer {
            status,
            headers: vec![("www-authenticate".into(), value.into())],
            body: None,
            reason: None,
        };
        assert!(Answer::new(answer(401, "Bearer")).is_ok());
        assert!(Answer::new(answer(401, "Bearer\r\nset-cookie: a=b")).is_err());
        assert!(Answer::new(answer(99, "Bearer")).is_err());
    }

    #[test]
    fn a_header_may_repeat() {
        let headers = vec![("vary".into(), "a".into()), ("vary".into(), "b".into())];
        let map = header_map(headers).expect("valid");
        assert_eq!(map.get_all("vary").iter().count(), 2);
    }
}
