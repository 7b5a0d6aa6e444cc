//! The keys of one issuer, from any source.

use std::pin::Pin;
use std::rc::Rc;

use super::fault::ReportedFaults;
use super::fetched::Fetched;
use super::fetched_state::Stored;
use super::issuer_metadata::{IssuerMetadata, locations};
use super::waiters::WAITERS;
use super::{FetchError, KeyPolicy, Unavailable, freshness};
use crate::capability::{HttpError, HttpRequest, HttpResponse, UnixMillis};
use crate::http_url::HttpUrl;
use crate::jose::{JwkSet, VerifyingKey};
use crate::limits;
use crate::task::Scheduler;

/// The location of an issuer's keys.
#[derive(Debug, Clone)]
pub enum KeyLocation {
    /// Named by the issuer's metadata.
    Discovery,
    /// At this URL, which was already checked to be trustworthy.
    Uri(String),
    /// Given with the configuration: never fetched.
    Inline(Rc<JwkSet>),
}

/// Keys that may be used now.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The set.
    pub set: Rc<JwkSet>,
    /// It is stale, and a refresh may start.
    pub refresh_due: bool,
}

/// Something that may need a fetch. On the heap and behind `dyn`, its code is not a part of what
/// checks a token, which an engine compiles for the first request: most requests fetch nothing.
type Fetching<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + 'a>>;

/// The keys and the metadata of one issuer.
#[derive(Debug)]
pub struct KeySource {
    issuer: String,
    issuer_url: HttpUrl,
    location: KeyLocation,
    cross_origin: bool,
    policy: KeyPolicy,
    max_key_set_bytes: u32,
    metadata: Fetched<IssuerMetadata>,
    keys: Fetched<JwkSet>,
    reported_faults: ReportedFaults,
}

impl KeySource {
    /// `issuer_url` is the parsed `issuer`. Both are needed, because issuers are compared as text.
    #[must_use]
    pub fn new(
        issuer: String,
        issuer_url: HttpUrl,
        location: KeyLocation,
        cross_origin: bool,
        policy: KeyPolicy,
    ) -> Self {
        Self {
            issuer,
            issuer_url,
            location,
            cross_origin,
            policy,
            max_key_set_bytes: limits::KEY_SET_BYTES,
            metadata: Fetched::new(),
            keys: Fetched::new(),
            reported_faults: ReportedFaults::default(),
        }
    }

    /// The same, with a lower limit for the key set in a response, in bytes.
    pub(crate) fn with_key_set_bytes(mut self, max: u32) -> Self {
        self.max_key_set_bytes = max;
        self
    }

    /// The exact `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Keys that may be used without I/O.
    #[must_use]
    pub fn ready(&self, now: UnixMillis) -> Option<Keys> {
        if let KeyLocation::Inline(set) = &self.location {
            return Some(Keys {
                set: Rc::clone(set),
                refresh_due: false,
            });
        }
        let usable = self.keys.usable(now, &self.policy)?;
        Some(Keys {
            set: usable.value,
            refresh_due: usable.refresh_due,
        })
    }

    /// Returns the keys, and fetches them first if necessary.
    pub(crate) async fn read(&self, scheduler: &Scheduler) -> Result<Rc<JwkSet>, Unavailable> {
        if let KeyLocation::Inline(set) = &self.location {
            return Ok(Rc::clone(set));
        }
        self.read_fetched(scheduler).await
    }

    /// [`Self::read`] for keys that are fetched.
    #[inline(never)]
    fn read_fetched<'a>(&'a self, scheduler: &'a Scheduler) -> Fetching<'a, Rc<JwkSet>> {
        let fetch = async || self.fetch_keys(scheduler).await;
        Box::pin(async move { self.keys.read(scheduler, &self.policy, fetch).await })
    }

    /// Fetches the keys again, at most once per cooldown, because `seen` lacks a key.
    pub(crate) async fn refetch(
        &self,
        scheduler: &Scheduler,
        seen: &Rc<JwkSet>,
    ) -> Result<Rc<JwkSet>, Unavailable> {
        if let KeyLocation::Inline(set) = &self.location {
            return Ok(Rc::clone(set));
        }
        self.refetch_fetched(scheduler, seen).await
    }

    /// [`Self::refetch`] for keys that are fetched.
    #[inline(never)]
    fn refetch_fetched<'a>(
        &'a self,
        scheduler: &'a Scheduler,
        seen: &'a Rc<JwkSet>,
    ) -> Fetching<'a, Rc<JwkSet>> {
        let fetch = async || self.fetch_keys(scheduler).await;
        Box::pin(async move {
            let keys = &self.keys;
            keys.refetch(scheduler, &self.policy, seen, fetch).await
        })
    }

    /// Fetches the keys if they are stale and a fetch may start.
    pub(crate) async fn refresh(&self, scheduler: &Scheduler) {
        if !matches!(self.location, KeyLocation::Inline(_)) {
            let fetch = async || self.fetch_keys(scheduler).await;
            self.keys.refresh(scheduler, &self.policy, fetch).await;
        }
    }

    /// Returns the issuer's metadata for publishing, and fetches it first if necessary. Anybody may
    /// request it, so the number of waiters is limited.
    pub(crate) async fn metadata(
        &self,
        scheduler: &Scheduler,
    ) -> Result<Rc<IssuerMetadata>, Unavailable> {
        self.metadata_for(scheduler, WAITERS).await
    }

    /// Returns the issuer's metadata for this application's own requests. The number of waiters is
    /// not limited.
    pub(crate) async fn metadata_for_client(
        &self,
        scheduler: &Scheduler,
    ) -> Result<Rc<IssuerMetadata>, Unavailable> {
        self.metadata_for(scheduler, usize::MAX).await
    }

    async fn metadata_for(
        &self,
        scheduler: &Scheduler,
        max_waiters: usize,
    ) -> Result<Rc<IssuerMetadata>, Unavailable> {
        let fetch = async || self.discover(scheduler).await;
        self.metadata
            .read_fresh(scheduler, &self.policy, max_waiters, fetch)
            .await
    }

    /// Invalidates the metadata, because an endpoint in it did not work: the next reader fetches it
    /// again. At most once per cooldown, because many callers may find the same fault.
    pub(crate) fn invalidate_metadata(&self, now: UnixMillis) {
        self.metadata.invalidate_with_cooldown(now, &self.policy);
    }

    /// Why the last fetches of metadata and keys failed, if they did.
    pub(super) fn fetch_errors(&self) -> (Option<FetchError>, Option<FetchError>) {
        (self.metadata.failure(), self.keys.failure())
    }

    /// The stored keys, whatever their age.
    pub(super) fn known_keys(&self) -> Option<Rc<JwkSet>> {
        match &self.location {
            KeyLocation::Inline(set) => Some(Rc::clone(set)),
            _ => self.keys.stored().map(|stored| stored.value),
        }
    }

    pub(super) fn reported_faults(&self) -> &ReportedFaults {
        &self.reported_faults
    }

    /// The issuer's URL.
    pub(crate) fn issuer_url(&self) -> &HttpUrl {
        &self.issuer_url
    }

    /// The stored key set, with the times when it was fetched and becomes stale.
    pub(super) fn stored_keys(&self) -> Option<Stored<JwkSet>> {
        self.keys.stored()
    }

    /// Stores keys that were fetched earlier. False if the stored keys are newer, or the keys are
    /// inline.
    pub(super) fn store_keys_if_newer(&self, stored: Stored<JwkSet>) -> bool {
        !matches!(self.location, KeyLocation::Inline(_)) && self.keys.store_if_newer(stored)
    }

    pub(crate) fn policy(&self) -> &KeyPolicy {
        &self.policy
    }

    async fn fetch_keys(&self, scheduler: &Scheduler) -> Result<(JwkSet, u64), FetchError> {
        let fetched = self.fetch_located_keys(scheduler).await;
        if fetched.is_err() {
            // The metadata may name an obsolete or unusable URL. The delay between two fetches of
            // the keys also limits how often the metadata is fetched.
            self.metadata.invalidate(scheduler.now());
        }
        fetched
    }

    async fn fetch_located_keys(&self, scheduler: &Scheduler) -> Result<(JwkSet, u64), FetchError> {
        let uri = match &self.location {
            KeyLocation::Uri(uri) => uri.clone(),
            KeyLocation::Discovery | KeyLocation::Inline(_) => {
                let discover = async || self.discover(scheduler).await;
                let metadata = self
                    .metadata
                    .read_fresh_at_once(scheduler, &self.policy, discover)
                    .await
                    .map_err(|unavailable| unavailable.error)?;
                metadata.keys_uri(&self.issuer_url, self.cross_origin)?
            }
        };
        let accept = "application/jwk-set+json, application/json";
        let response = self
            .get(scheduler, uri, accept, self.max_key_set_bytes)
            .await?;
        let lifetime = freshness::lifetime(&response, &self.policy);
        let set = JwkSet::parse(&response.body).map_err(|_| FetchError::NotKeySet)?;
        // An issuer that withdraws its last key cannot be distinguished from a broken one. The
        // previous keys may be used as in an outage, until `max_stale`.
        if set.keys.is_empty() {
            return Err(FetchError::NoUsableKey);
        }
        Ok((self.keep_known_keys(set), lifetime))
    }

    /// Reuses the prepared form of known keys, so that a refresh neither imports them again nor
    /// drops the tokens that they verified.
    pub(super) fn keep_known_keys(&self, mut set: JwkSet) -> JwkSet {
        if let Some(old) = self.keys.stored() {
            for key in &mut set.keys {
                let same = |known: &&Rc<VerifyingKey>| known.is_same(key);
                if let Some(known) = old.value.keys.iter().find(same) {
                    *key = Rc::clone(known);
                }
            }
        }
        set
    }

    async fn discover(&self, scheduler: &Scheduler) -> Result<(IssuerMetadata, u64), FetchError> {
        let mut first_error = None;
        for url in locations(&self.issuer_url) {
            let found = self
                .get(scheduler, url, "application/json", limits::METADATA_BYTES)
                .await;
            let found = found.and_then(|response| {
                let lifetime = freshness::lifetime(&response, &self.policy);
                Ok((
                    IssuerMetadata::parse(&self.issuer, &response.body)?,
                    lifetime,
                ))
            });
            match found {
                Ok(found) => return Ok(found),
                // The host does not answer, and the next URL is on the same host.
                Err(error) if error.is_silence() => return Err(error),
                // A wrong document is a better reason than the 404 of the URL that is tried after
                // it.
                Err(error) => match first_error {
                    None | Some(FetchError::Status(_)) => first_error = Some(error),
                    Some(_) => {}
                },
            }
        }
        Err(first_error.unwrap_or(FetchError::Unreachable))
    }

    async fn get(
        &self,
        scheduler: &Scheduler,
        url: String,
        accept: &str,
        max_body_bytes: u32,
    ) -> Result<HttpResponse, FetchError> {
        let request = HttpRequest {
            method: "GET",
            url,
            headers: vec![("accept".into(), accept.into())],
            body: None,
            timeout_ms: self.policy.timeout,
            max_body_bytes,
        };
        let response = scheduler
            .exchange(request)
            .await
            .map_err(|error| match error {
                HttpError::TimedOut => FetchError::TimedOut,
                HttpError::TooLarge => FetchError::TooLarge,
                HttpError::Unreachable | HttpError::Refused | HttpError::Internal => {
                    FetchError::Unreachable
                }
            })?;
        match response.status {
            200 => Ok(response),
            300..=399 => Err(FetchError::Redirected),
            status => Err(FetchError::Status(status)),
        }
    }
}
