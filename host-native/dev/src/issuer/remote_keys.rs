//! Public keys that somebody else publishes (RFC 7517, section 5), fetched when they are needed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::Mutex;
use tollgate_core::jose::{VerifyError, verify_compact};
use url::Url;

use super::http_get::{GetError, get};

/// How long a key set serves: a key that was withdrawn must stop counting some time.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The pause after a fetch that failed or brought no key that fits, so that tokens with invented
/// keys do not multiply requests. One that helped is followed by none: keys may rotate at once.
const COOLDOWN: Duration = Duration::from_millis(500);

/// Where keys are.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// This is a key set.
    Set(Url),
    /// An issuer's metadata say where (RFC 8414).
    Issuer(Url),
}

/// Why a JWS counts for nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RemoteKeysError {
    /// The keys are not to be had: nothing is said about the JWS.
    Get(GetError),
    /// The metadata are those of another issuer, or name no key set.
    Metadata,
    /// It cannot be had because it just failed.
    CoolingDown,
    /// What is wrong with the JWS or the keys.
    Verify(VerifyError),
}

impl fmt::Display for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(error) => write!(f, "the place of the keys {error}"),
            Self::Metadata => f.write_str("the issuer's metadata are not its own"),
            Self::CoolingDown => f.write_str("the keys could not be fetched a moment ago"),
            Self::Verify(error) => error.fmt(f),
        }
    }
}

/// Keys with their place. One fetch serves everybody who waits.
pub(crate) struct RemoteKeys {
    source: KeySource,
    known: Mutex<Known>,
    forget: AtomicBool,
}

#[derive(Default)]
struct Known {
    keys: Option<(Bytes, Instant)>,
    /// When a fetch last did not help.
    in_vain: Option<Instant>,
}

impl RemoteKeys {
    pub(crate) fn new(source: KeySource) -> Self {
        Self {
            source,
            known: Mutex::default(),
            forget: AtomicBool::new(false),
        }
    }

    pub(crate) fn source(&self) -> &KeySource {
        &self.source
    }

    /// Fetches anew when the keys are next needed.
    pub(crate) fn forget(&self) {
        self.forget.store(true, Ordering::Relaxed);
    }

    /// The payload of a JWS that one of the keys signed. What is known serves first; a `kid` that
    /// it lacks, or a signature that does not hold under it, has it fetched again.
    pub(crate) async fn verify(&self, jws: &str) -> Result<Vec<u8>, RemoteKeysError> {
        // Held while fetching: the others want the same.
        let mut known = self.known.lock().await;
        if self.forget.swap(false, Ordering::Relaxed) {
            *known = Known::default();
        }
        let kept = known.keys.as_ref();
        let kept = kept.filter(|(_, fetched)| fetched.elapsed() < MAX_AGE);
        let tried = kept.map(|(keys, _)| verify_compact(keys, jws));
        let cooling = known
            .in_vain
            .is_some_and(|since| since.elapsed() < COOLDOWN);
        match tried {
            Some(Ok(payload)) => return Ok(payload),
            // No key would help.
            Some(Err(error @ VerifyError::Jws(_))) => return Err(RemoteKeysError::Verify(error)),
            Some(Err(error)) if cooling => return Err(RemoteKeysError::Verify(error)),
            None if cooling => return Err(RemoteKeysError::CoolingDown),
            // Perhaps there is another key by now, also under a name that is known.
            Some(Err(_)) | None => {}
        }
        let fetched = match self.fetch().await {
            Ok(fetched) => fetched,
            Err(error) => {
                known.in_vain = Some(Instant::now());
                return Err(error);
            }
        };
        let result = verify_compact(&fetched, jws);
        known.in_vain = result.is_err().then(Instant::now);
        known.keys = Some((fetched, Instant::now()));
        result.map_err(RemoteKeysError::Verify)
    }

    async fn fetch(&self) -> Result<Bytes, RemoteKeysError> {
        match &self.source {
            KeySource::Set(url) => get(url).await.map_err(RemoteKeysError::Get),
            KeySource::Issuer(issuer) => {
                // RFC 8414, section 3.1: the well-known part comes before the issuer's path.
                let mut place = issuer.clone();
                let path = issuer.path().trim_end_matches('/');
                place.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
                let document = get(&place).await.map_err(RemoteKeysError::Get)?;
                let document: Value =
                    serde_json::from_slice(&document).map_err(|_| RemoteKeysError::Metadata)?;
                let own = document["issuer"].as_str().map(Url::parse);
                if own != Some(Ok(issuer.clone())) {
                    return Err(RemoteKeysError::Metadata);
                }
                let keys = document["jwks_uri"].as_str().map(Url::parse);
                let Some(Ok(keys)) = keys else {
                    return Err(RemoteKeysError::Metadata);
                };
                get(&keys).await.map_err(RemoteKeysError::Get)
            }
        }
    }
}
