//! Issuers: their metadata, and their keys, which are found by discovery, fetched once for everyone and
//! kept through outages. Roles borrow them.
//!
//! Two rules hold everywhere below. "The issuer cannot be reached" is never "your token is bad":
//! the first is [`Unavailable`], the second an absent key. And callers share state, not promises:
//! whoever needs a document takes a lease and fetches; the others look again a little later; a
//! lease that is no longer kept alive passes to the next who looks.

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
mod waiters;

pub(crate) use compile::{issuer_url, key_location, key_policy};
pub use config::{IssuerConfig, KeyLocationConfig, KeyPolicyConfig};
pub use fault::IssuerFault;
pub use issuer_metadata::IssuerMetadata;
pub use snapshot::{SnapshotError, export, import};
pub use source::{KeyLocation, KeySource, Keys};

use std::rc::Rc;

use crate::config_error::Naming;
use crate::task::Scheduler;

/// What every role of a deployment borrows: the issuers that it knows, the host by which they are
/// asked, and how errors name options.
pub(crate) struct Issuers {
    pub(crate) scheduler: Rc<Scheduler>,
    /// In the order of the configuration.
    pub(crate) sources: Vec<KeySource>,
    pub(crate) naming: Naming,
}

/// Why an issuer's document could not be obtained. Every case is the issuer's or the network's
/// doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// Name, connection, TLS, or the host's policy.
    Unreachable,
    /// No whole answer in time.
    TimedOut,
    /// Longer than [`crate::limits`] allows.
    TooLarge,
    /// A redirect. It is not followed: it would move the trust to another place.
    Redirected,
    /// Another status than 200.
    Status(u16),
    /// Not a JSON object, or one with members twice.
    NotJson,
    /// `issuer` in the document is not the issuer asked (RFC 8414 section 3.3).
    IssuerMismatch,
    /// No `jwks_uri`, or not a usable URL.
    NoKeysUri,
    /// `jwks_uri` on another origin, and that is not configured.
    CrossOriginKeys,
    /// Not a JWK Set (RFC 7517 section 5).
    NotKeySet,
    /// A JWK Set without a key that could verify a token.
    NoUsableKey,
    /// Another caller's fetch is under way, and enough callers wait for it already.
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

    /// Whether nobody answered at all, rather than answered badly.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::TimedOut | Self::TooManyWaiting
        )
    }
}

/// A document could not be fetched and nothing older may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    /// What went wrong at the last attempt.
    pub error: FetchError,
    /// When another attempt will be made, in seconds from now, at least 1.
    pub retry_after: u64,
}

impl Unavailable {
    /// Waiters are answered as soon as the fetch under way ends: a moment later is soon enough.
    const TOO_MANY_WAITING: Self = Self {
        error: FetchError::TooManyWaiting,
        retry_after: 1,
    };
}

/// How keys are kept. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Fetched documents count as fresh for at least this long.
    pub min_fresh: u64,
    /// And at most this long, whatever `Cache-Control` says.
    pub max_fresh: u64,
    /// How long after that they serve while the issuer cannot be reached.
    pub max_stale: u64,
    /// The least time between two fetches that unknown keys cause, and the longest time between
    /// two attempts while nothing can be served.
    pub cooldown: u64,
    /// For one exchange.
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
