//! Issuers: their metadata and their keys, which are found by discovery, fetched once for all
//! callers, and cached through outages. The roles share them.
//!
//! Two rules hold everywhere below. "The issuer cannot be reached" is never "the token is invalid":
//! the first is [`Unavailable`], the second a missing key. And callers share state, not promises:
//! the first caller that needs a document takes a lease and fetches it; the others poll again a
//! little later; if a lease is no longer renewed, the next caller that polls takes it over.

mod back_off;
mod compile;
mod config;
mod fault;
mod fetched;
mod fetched_state;
mod freshness;
mod issuer_metadata;
mod snapshot;
mod source;
mod verification;
mod waiters;

pub(crate) use compile::{issuer_url, key_location, key_policy};
pub use config::{IssuerConfig, KeyLocationConfig, KeyPolicyConfig};
pub use fault::IssuerFault;
#[cfg(feature = "authorization-server")]
pub(crate) use fetched::Fetched;
#[cfg(feature = "authorization-server")]
pub(crate) use freshness::lifetime;
pub use issuer_metadata::IssuerMetadata;
pub use snapshot::{SnapshotError, export, import};
pub use source::{KeyLocation, KeySource, Keys};
pub(crate) use verification::SignatureRefusal;

use std::rc::Rc;

use crate::config_error::Naming;
use crate::task::Scheduler;

/// The parts that all roles of a deployment share: the issuers, the host, and the spelling of
/// option names in errors.
pub(crate) struct Issuers {
    pub(crate) scheduler: Rc<Scheduler>,
    /// In the order of the configuration.
    pub(crate) sources: Vec<KeySource>,
    pub(crate) naming: Naming,
}

/// Why an issuer's document could not be obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// Name resolution, the connection or TLS failed, or the host's policy forbids the URL.
    Unreachable,
    /// The response was not complete in time.
    TimedOut,
    /// Longer than [`crate::limits`] allows.
    TooLarge,
    /// A redirect. It is not followed: the keys would come from another place than the trusted one.
    Redirected,
    /// Another status than 200.
    Status(u16),
    /// Not a JSON object, or one with duplicate members.
    NotJson,
    /// `issuer` in the document differs from the configured issuer (RFC 8414 section 3.3).
    IssuerMismatch,
    /// `jwks_uri` is missing, or not a usable URL.
    NoKeysUri,
    /// `jwks_uri` is on another origin, and the configuration does not allow it.
    CrossOriginKeys,
    /// Not a JWK Set (RFC 7517 section 5).
    NotKeySet,
    /// A JWK Set without a key that could verify a token.
    NoUsableKey,
    /// Another caller's fetch is running, and the maximum number of callers waits for it.
    TooManyWaiting,
}

impl FetchError {
    /// A stable name for logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "issuer-unreachable",
            Self::TimedOut => "issuer-timed-out",
            Self::TooLarge => "issuer-answer-too-large",
            Self::Redirected => "issuer-redirected",
            Self::Status(_) => "issuer-status",
            Self::NotJson => "issuer-not-json",
            Self::IssuerMismatch => "issuer-mismatch",
            Self::NoKeysUri => "issuer-no-keys-uri",
            Self::CrossOriginKeys => "issuer-cross-origin-keys",
            Self::NotKeySet => "issuer-not-key-set",
            Self::NoUsableKey => "issuer-no-usable-key",
            Self::TooManyWaiting => "issuer-too-many-waiting",
        }
    }

    /// Whether there was no answer, rather than an unusable one.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::TimedOut | Self::TooManyWaiting
        )
    }
}

/// A document could not be fetched, and there is no older one that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    /// Why the last attempt failed.
    pub error: FetchError,
    /// When another attempt will be made, in seconds from now, at least 1.
    pub retry_after: u64,
}

impl Unavailable {
    /// The running fetch will end soon, so a caller may try again a moment later.
    const TOO_MANY_WAITING: Self = Self {
        error: FetchError::TooManyWaiting,
        retry_after: 1,
    };
}

/// How keys are cached. Durations are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Fetched documents count as fresh for at least this long.
    pub min_fresh: u64,
    /// They count as fresh at most this long, whatever `Cache-Control` says.
    pub max_fresh: u64,
    /// How long stale documents may be used while the issuer cannot be reached.
    pub max_stale: u64,
    /// The minimum time between two fetches that unknown keys cause, and the maximum time between
    /// two attempts while there is no usable value.
    pub cooldown: u64,
    /// The timeout of one exchange.
    pub timeout: u32,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self {
            min_fresh: 60_000,
            max_fresh: 3_600_000,
            max_stale: 86_400_000,
            cooldown: 30_000,
            timeout: 5_000,
        }
    }
}
