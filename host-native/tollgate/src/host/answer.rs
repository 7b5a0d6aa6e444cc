//! A finished response of the component.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

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
pub(crate) struct Unsendable;

impl Answer {
    /// The component's answer, part by part.
    pub(crate) fn new(
        status: u16,
        headers: Vec<(String, String)>,
        body: Option<String>,
        reason: Option<String>,
    ) -> Result<Self, Unsendable> {
        let mut response = Response::new(body.unwrap_or_default());
        *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Unsendable)?;
        *response.headers_mut() = header_map(headers)?;
        Ok(Self { response, reason })
    }

    /// A 500 for this reason.
    pub(crate) fn server_error(reason: &str) -> Self {
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

pub(crate) fn header_map(headers: Vec<(String, String)>) -> Result<HeaderMap, Unsendable> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| Unsendable)?;
        let value = HeaderValue::try_from(value).map_err(|_| Unsendable)?;
        map.append(name, value);
    }
    Ok(map)
}

impl From<Answer> for Response<String> {
    fn from(answer: Answer) -> Self {
        answer.response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_broken_header_is_not_sent() {
        let answer = |status, value: &str| {
            let headers = vec![("www-authenticate".into(), value.into())];
            Answer::new(status, headers, None, None)
        };
        assert!(answer(401, "Bearer").is_ok());
        assert!(answer(401, "Bearer\r\nset-cookie: a=b").is_err());
        assert!(answer(99, "Bearer").is_err());
    }

    #[test]
    fn a_header_may_repeat() {
        let headers = vec![("vary".into(), "a".into()), ("vary".into(), "b".into())];
        let map = header_map(headers).expect("valid");
        assert_eq!(map.get_all("vary").iter().count(), 2);
    }
}
