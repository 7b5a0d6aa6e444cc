//! A complete response.

use crate::capability::Header;
use crate::json::{Json, Object};

/// A response that the host sends unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The headers, in the order in which they are sent.
    pub headers: Vec<Header>,
    /// The body: JSON or HTML. `None`: empty.
    pub body: Option<String>,
    /// A stable code of the refusal. It contains no input from the caller.
    pub reason: Option<&'static str>,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            reason: None,
        }
    }

    /// A JSON document. `cache` is the value of `Cache-Control`.
    pub(crate) fn json(status: u16, body: String, cache: &str) -> Self {
        let mut answer = Self::empty(status);
        answer.push("content-type", "application/json");
        answer.push("cache-control", cache);
        answer.body = Some(body);
        answer
    }

    /// An error in the form of RFC 6749 section 5.2.
    pub(crate) fn error(status: u16, error: &str, description: &str) -> Self {
        let mut body = Object::default();
        body.insert("error", Json::String(error.into()));
        body.insert("error_description", Json::String(description.into()));
        Self::json(status, body.to_string(), "no-store")
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// The first value of a header. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}
