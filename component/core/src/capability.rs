//! The capabilities that core needs from its host. `wit/` has the contract; these are its types in
//! Rust.

use crate::jose::Algorithm;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMillis = u64;

/// A name (in lower case) and a value.
pub type Header = (String, String);

/// A request for the host to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// An absolute URL, already checked to be `https:` or loopback.
    pub url: String,
    /// Headers, which are sent unchanged.
    pub headers: Vec<Header>,
    /// The body, if any.
    pub body: Option<Vec<u8>>,
    /// The timeout of the whole exchange, in milliseconds.
    pub timeout_ms: u32,
    /// The maximum size of the response body, in bytes.
    pub max_body_bytes: u32,
}

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code. Redirects arrive here: hosts do not follow them.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<Header>,
    /// At most `max_body_bytes`. Core checks the size again.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first value of a header. `name` is in lower case.
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
    /// Name resolution, the connection or TLS failed, or the peer closed the connection.
    Unreachable,
    /// The timeout passed.
    TimedOut,
    /// The body was longer than allowed.
    TooLarge,
    /// The host's policy forbids the URL.
    Refused,
    /// Any other failure. The host's text is dropped, because it is untrusted.
    Internal,
}

/// An operation of the host. Dropping it cancels the operation.
pub trait Pending<T> {
    /// The answer, returned once. `None` until it is there, and after it was returned.
    fn poll(&mut self) -> Option<T>;
}

/// Why the host gave no verdict or made no signature. It says nothing about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureError {
    /// The host does not support this algorithm, or not with this key.
    Unsupported,
    /// The key is damaged or invalid.
    KeyRefused,
    /// The host did not answer before core's deadline.
    TimedOut,
    /// Any other failure.
    Failed,
}

impl SignatureError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported => "signatures-unsupported",
            Self::KeyRefused => "signatures-key-refused",
            Self::TimedOut => "signatures-timed-out",
            Self::Failed => "signatures-failed",
        }
    }

    /// Whether the same operation may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::TimedOut | Self::Failed => true,
            Self::Unsupported | Self::KeyRefused => false,
        }
    }
}

/// A public key that the host has prepared for one algorithm.
pub trait PublicKeyHandle {
    /// Starts a check. True if the signature was made with the key.
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool>;
}

/// A private key that the host has prepared.
pub trait PrivateKeyHandle {
    /// The public half as a JWK.
    fn public_key(&self) -> PendingAnswer<String>;
    /// Starts a signature with an algorithm that fits the key.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> PendingAnswer<Vec<u8>>;
}

/// The result of a key operation.
pub type PendingAnswer<T> = Box<dyn Pending<Result<T, SignatureError>>>;

/// A private key that is passed to the host.
#[derive(Clone, Copy)]
pub enum PrivateKeySource<'a> {
    /// PKCS#8 in DER.
    Pkcs8(&'a [u8]),
    /// A key that only the host knows.
    Named(&'a str),
}

/// The host.
///
/// Core tolerates a host whose clock is wrong (see `wit/clock.wit`), that loses an exchange or a
/// key operation (core has its own deadlines), or that returns more data than allowed (core checks
/// sizes again). It does not tolerate repeated randomness or a wrong verdict about a signature.
pub trait Host {
    /// The time of day.
    fn now(&self) -> UnixMillis;
    /// Fills `out` with unpredictable bytes.
    fn random(&self, out: &mut [u8]);
    /// Starts an exchange.
    fn send(&self, request: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>>;
    /// The algorithms that the host can verify. [`Algorithm::Ed25519`] stands for its older name
    /// too.
    fn verifying_algorithms(&self) -> Vec<Algorithm>;
    /// The algorithms that the host can sign with. Default: none.
    fn signing_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }
    /// Prepares a public key: a JWK with only the required members of the key.
    ///
    /// # Errors
    /// Why the host cannot use it.
    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError>;
    /// Prepares a private key. Default: the host cannot.
    ///
    /// # Errors
    /// Why the host cannot use it.
    fn import_signing_key(
        &self,
        _key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        Err(SignatureError::Unsupported)
    }
}
