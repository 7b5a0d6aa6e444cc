//! What core asks of its host. The contract both ways is in `wit/`: these are its shapes in Rust.

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMillis = u64;

/// A name (in lower case) and a value.
pub type Header = (String, String);

/// A request that core wants sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// An absolute URL, already checked to be `https:` or loopback.
    pub url: String,
    /// Sent as they stand.
    pub headers: Vec<Header>,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// For the whole exchange, in milliseconds.
    pub timeout_ms: u32,
    /// The longest body that is read.
    pub max_body_bytes: u32,
}

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code. Redirects arrive here: hosts do not follow them.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<Header>,
    /// At most `max_body_bytes`; core checks it again.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpError {
    /// Name, connection, TLS, or the peer broke off.
    Unreachable,
    /// The timeout passed.
    TimedOut,
    /// The body was longer than allowed.
    TooLarge,
    /// The host's policy forbids the URL.
    Refused,
    /// Anything else; the host's text is dropped, because it is hostile.
    Internal,
}

/// An exchange under way; dropping it gives it up.
pub trait PendingResponse {
    /// The outcome, once; `None` while it is outstanding.
    fn poll(&mut self) -> Option<Result<HttpResponse, HttpError>>;
}

/// The host.
///
/// Core survives a host that lies about time (see `wit/clock.wit`), loses an exchange (core has
/// its own deadline) or answers with more than it was asked for (core checks sizes again). It
/// cannot survive randomness that repeats.
pub trait Host {
    /// The time of day.
    fn now(&self) -> UnixMillis;
    /// Fills `out` with unpredictable bytes.
    fn random(&self, out: &mut [u8]);
    /// Starts an exchange.
    fn send(&self, request: HttpRequest) -> Box<dyn PendingResponse>;
}
