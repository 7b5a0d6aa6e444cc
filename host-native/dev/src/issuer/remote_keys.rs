//! Public keys that a client publishes (RFC 7517, section 5), fetched when they are needed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Mutex;
use tollgate_core::jose::{VerifyError, limits};

use super::signatures::verify_compact;

/// How long a key set is used, so that a withdrawn key is not accepted forever.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The minimum time after a fetch that failed or returned no key that fits, so that tokens with
/// invented keys do not multiply requests. There is none after a successful fetch, because keys may
/// rotate at once.
const COOLDOWN: Duration = Duration::from_millis(500);

/// The timeout of a fetch, from the connection to the last byte. Clients run on this machine or
/// near it.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Why a JWS is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RemoteKeysError {
    /// The keys cannot be fetched. This says nothing about the JWS.
    Fetch(FetchError),
    /// The keys are not fetched again yet, because the last fetch has just failed.
    CoolingDown,
    /// What is wrong with the JWS or the keys.
    Verify(VerifyError),
}

impl fmt::Display for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => write!(f, "the jwks_uri {error}"),
            Self::CoolingDown => f.write_str("the keys could not be fetched a moment ago"),
            Self::Verify(error) => error.fmt(f),
        }
    }
}

/// Why a key set could not be fetched. It contains no part of the response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FetchError {
    Unreachable,
    TimedOut,
    /// Another status than 200. Redirects are not followed.
    Status,
    TooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "cannot be reached",
            Self::TimedOut => "did not answer in time",
            Self::Status => "did not answer with status 200",
            Self::TooLarge => "closed the connection, or sent too much",
        })
    }
}

/// The keys at a URI. Concurrent callers share one fetch.
pub(super) struct RemoteKeys {
    uri: Uri,
    known: Mutex<Known>,
    forget: AtomicBool,
}

#[derive(Default)]
struct Known {
    keys: Option<(Bytes, Instant)>,
    /// When a fetch last failed, or returned no key that fits.
    failed_at: Option<Instant>,
}

impl RemoteKeys {
    /// Only `http:` is fetched. TLS would need a list of certificates, which clients on this
    /// machine have no use for.
    pub(super) fn new(uri: Uri) -> Self {
        Self {
            uri,
            known: Mutex::default(),
            forget: AtomicBool::new(false),
        }
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Makes the next use of the keys fetch them again.
    pub(super) fn forget(&self) {
        self.forget.store(true, Ordering::Relaxed);
    }

    /// Verifies a JWS with the keys, and returns its payload. Known keys are tried first. The keys
    /// are fetched again for an unknown `kid` or an invalid signature.
    pub(super) async fn verify(&self, jws: &str) -> Result<Vec<u8>, RemoteKeysError> {
        // Held while fetching, because concurrent callers need the same keys.
        let mut known = self.known.lock().await;
        if self.forget.swap(false, Ordering::Relaxed) {
            *known = Known::default();
        }
        let kept = known.keys.as_ref();
        let kept = kept.filter(|(_, fetched)| fetched.elapsed() < MAX_AGE);
        let tried = kept.map(|(keys, _)| verify_compact(keys, jws));
        let cooling = known
            .failed_at
            .is_some_and(|since| since.elapsed() < COOLDOWN);
        match tried {
            Some(Ok(payload)) => return Ok(payload),
            // No key would help.
            Some(Err(error @ VerifyError::Jws(_))) => return Err(RemoteKeysError::Verify(error)),
            Some(Err(error)) if cooling => return Err(RemoteKeysError::Verify(error)),
            None if cooling => return Err(RemoteKeysError::CoolingDown),
            // The key may have changed, even under a known `kid`.
            Some(Err(_)) | None => {}
        }
        let fetched = match fetch(&self.uri).await {
            Ok(fetched) => fetched,
            Err(error) => {
                known.failed_at = Some(Instant::now());
                return Err(RemoteKeysError::Fetch(error));
            }
        };
        let result = verify_compact(&fetched, jws);
        known.failed_at = result.is_err().then(Instant::now);
        known.keys = Some((fetched, Instant::now()));
        result.map_err(RemoteKeysError::Verify)
    }
}

/// The body of a 200.
async fn fetch(uri: &Uri) -> Result<Bytes, FetchError> {
    let exchange = tokio::time::timeout(TIME_LIMIT, async {
        let request = Request::get(uri)
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|_| FetchError::Unreachable)?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await;
        let response = response.map_err(|_| FetchError::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status);
        }
        // The maximum size of a key set.
        let body = to_bytes(Body::new(response.into_body()), limits::KEY_SET_BYTES);
        body.await.map_err(|_| FetchError::TooLarge)
    });
    exchange.await.unwrap_or(Err(FetchError::TimedOut))
}
