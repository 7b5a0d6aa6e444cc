//! The client, which requests tokens.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use lru::LruCache;

use super::client_authentication::Credentials;
use super::compile::CompiledClient;
use super::exchanged_tokens::{CacheKey, ExchangedTokens};
use super::failure::TokenFailure;
use super::in_flight::{Cooling, InFlight, cooling};
use super::token_endpoint::token_endpoint;
use super::token_request::{Delegation, Grant, TokenTarget, check_destination};
use super::token_response::{Token, read};
use crate::capability::{HttpError, HttpRequest, UnixMillis};
use crate::client_config::AssertionAudience;
use crate::config_error::Naming;
use crate::issuers::{Issuers, KeySource};
use crate::jose::base64url;
use crate::json::{Json, Object};

use crate::limits;
use crate::secret::Secret;
use crate::task::{Progress, Scheduler, Task};

/// The minimum time that remains for a token request after discovery.
const LEAST_TIMEOUT_MS: u32 = 1_000;

pub(super) type Outcome = Result<Rc<Token>, TokenFailure>;

/// A token, or a task for it.
#[derive(Debug)]
pub enum TokenStep {
    /// No I/O was needed.
    Done(Outcome),
    /// Poll this task.
    Waiting(Task<Outcome>),
}

/// A client assertion, or a task for it.
#[derive(Debug)]
pub enum AssertionStep {
    /// The host signed at once.
    Done(Result<Secret, TokenFailure>),
    /// Poll this task.
    Waiting(Task<Result<Secret, TokenFailure>>),
}

/// One client with its cache of exchanged tokens.
#[derive(Clone)]
pub struct TokenClient {
    inner: Rc<Inner>,
}

pub(super) struct Inner {
    issuers: Rc<Issuers>,
    client: Rc<CompiledClient>,
    pub(super) tokens: RefCell<ExchangedTokens>,
    /// Running requests. The tasks that wait for a request hold it.
    pub(super) in_flight: RefCell<LruCache<CacheKey, Weak<InFlight>>>,
    pub(super) cooling: RefCell<Cooling>,
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("id", &self.inner.client.authentication.id())
            .finish_non_exhaustive()
    }
}

impl TokenClient {
    /// Creates a client with an empty cache.
    pub(crate) fn new(issuers: Rc<Issuers>, client: Rc<CompiledClient>) -> Self {
        Self {
            inner: Rc::new(Inner {
                tokens: RefCell::new(ExchangedTokens::new(client.cache)),
                issuers,
                client,
                in_flight: RefCell::new(LruCache::unbounded()),
                cooling: RefCell::new(cooling()),
            }),
        }
    }

    /// How failure messages spell option names.
    #[must_use]
    pub fn naming(&self) -> Naming {
        self.inner.issuers.naming
    }

    /// Gets a token for a user and a target, from the cache or by token exchange. Concurrent calls
    /// for the same token share one exchange.
    #[must_use]
    pub fn get_token(&self, delegation: Delegation) -> TokenStep {
        let inner = &self.inner;
        let subject = match inner.check(&delegation) {
            Ok(subject) => subject,
            Err(failure) => return TokenStep::Done(Err(failure)),
        };
        let key = CacheKey::of_user(inner.issuer(), inner.client_id(), subject, &delegation);
        if let Some(token) = inner.find(&key) {
            return TokenStep::Done(Ok(token));
        }
        let Delegation {
            subject,
            subject_token,
            subject_expires_at,
            actor_token,
            target,
            ..
        } = delegation;
        // A token in the cache was checked before the exchange that it came from.
        let claims = unverified_claims(subject_token.token.expose());
        if inner.is_foreign(claims.as_ref()) {
            let sentence = "the user's token was issued by another issuer than the client's: \
                            exchange it at its own issuer only";
            return TokenStep::Done(Err(TokenFailure::InvalidRequest(sentence)));
        }
        let user_until = user_until(subject_expires_at, claims.as_ref());
        let request = TokenRequest {
            grant: Grant::TokenExchange(subject_token, actor_token),
            target,
            user_until,
        };
        inner.wait_for(key, subject, request)
    }

    /// Gets a token for the client itself by client credentials. It is cached like those of users.
    #[must_use]
    pub fn get_own_token(&self, target: TokenTarget) -> TokenStep {
        if let Err(failure) = target.check() {
            return TokenStep::Done(Err(failure));
        }
        let inner = &self.inner;
        let key = CacheKey::of_client(inner.issuer(), inner.client_id(), &target);
        if let Some(token) = inner.find(&key) {
            return TokenStep::Done(Ok(token));
        }
        let request = TokenRequest {
            grant: Grant::ClientCredentials,
            target,
            user_until: None,
        };
        inner.wait_for(key, None, request)
    }

    /// Sends one token request. The token is neither cached nor shared. `assertion` replaces this
    /// client's own authentication.
    #[must_use]
    pub fn request(
        &self,
        grant: Grant,
        target: TokenTarget,
        assertion: Option<Secret>,
    ) -> TokenStep {
        if let Err(failure) = target.check().and_then(|()| grant.check()) {
            return TokenStep::Done(Err(failure));
        }
        let request = TokenRequest {
            grant,
            target,
            user_until: None,
        };
        let inner = Rc::clone(&self.inner);
        self.inner
            .run(async move { inner.send_request(&request, assertion).await.map(Rc::new) })
    }

    /// Reports the status of a call with a token from [`Self::get_token`]. True if the call should
    /// be repeated with another token. `attempt` counts from 1.
    #[must_use]
    pub fn call_again(
        &self,
        delegation: &Delegation,
        access_token: &str,
        status: u16,
        attempt: u32,
    ) -> bool {
        if status != 401 {
            return false;
        }
        // The token is removed even if the call is not repeated.
        if let Some(subject) = subject(delegation) {
            let inner = &self.inner;
            let key = CacheKey::of_user(inner.issuer(), inner.client_id(), subject, delegation);
            inner.tokens.borrow_mut().remove_if(&key, access_token);
        }
        attempt <= 1
    }

    /// Removes tokens of a subject, for a resource or audience, of both, or all. Returns how many
    /// were removed. The results of running requests are not cached either.
    pub fn invalidate(&self, subject: Option<&str>, target: Option<&str>) -> usize {
        let mut in_flight = self.inner.in_flight.borrow_mut();
        let under_way: Vec<CacheKey> = in_flight
            .iter()
            .filter_map(|(key, flight)| Some((key, flight.upgrade()?)))
            .filter(|(_, request)| request.owner.matches(subject, target))
            .map(|(key, request)| {
                request.invalidated.set(true);
                *key
            })
            .collect();
        // Later callers must not get the token of an earlier request.
        for key in under_way {
            in_flight.pop(&key);
        }
        self.inner.tokens.borrow_mut().invalidate(subject, target)
    }

    /// Signs a client assertion (RFC 7523 section 3). Fails if the client has no private key, or
    /// the host does not sign.
    #[must_use]
    pub fn client_assertion(&self, audience: &str) -> AssertionStep {
        let (inner, audience) = (Rc::clone(&self.inner), audience.to_owned());
        let scheduler = Rc::clone(&self.inner.issuers.scheduler);
        let mut task = Task::new(scheduler, async move {
            let authentication = &inner.client.authentication;
            authentication.assertion(&audience, inner.scheduler()).await
        });
        match task.poll() {
            Progress::Ready(assertion) => AssertionStep::Done(assertion),
            Progress::Pending(_) => AssertionStep::Waiting(task),
        }
    }

    /// The number of cached tokens, and their size in bytes.
    #[must_use]
    pub fn cache_size(&self) -> (usize, usize) {
        self.inner.tokens.borrow().size()
    }
}

/// The parameters of one request.
pub(super) struct TokenRequest {
    grant: Grant,
    pub(super) target: TokenTarget,
    /// When the user's own token expires.
    pub(super) user_until: Option<UnixMillis>,
}

fn subject(delegation: &Delegation) -> Option<&str> {
    delegation
        .subject
        .as_deref()
        .filter(|subject| !subject.is_empty())
}

/// The expiry of the user's token: the earlier of the application's value and, if the token is a
/// JWT, its own `exp`. The token is not verified here, but its `exp` can only shorten the time.
fn user_until(given: Option<u64>, claims: Option<&Object<'_>>) -> Option<UnixMillis> {
    let claimed = || match claims?.get("exp")? {
        Json::Number(exp) => Some((exp.as_f64() * 1000.0) as u64),
        _ => None,
    };
    let given = given.map(|seconds| seconds.saturating_mul(1000));
    given.into_iter().chain(claimed()).min()
}

/// The claims of a token, if it is a JWT. Its signature is not checked.
fn unverified_claims(token: &str) -> Option<Object<'static>> {
    let payload = base64url::decode(token.split('.').nth(1)?)?;
    let claims = Object::parse(&payload, limits::JSON_DEPTH).ok()?;
    Some(claims.into_owned())
}

impl Inner {
    pub(super) fn scheduler(&self) -> &Scheduler {
        &self.issuers.scheduler
    }

    fn source(&self) -> &KeySource {
        &self.issuers.sources[self.client.issuer]
    }

    fn issuer(&self) -> &str {
        self.source().issuer()
    }

    fn client_id(&self) -> &str {
        self.client.authentication.id()
    }

    pub(super) fn find(&self, key: &CacheKey) -> Option<Rc<Token>> {
        let now = self.scheduler().now();
        self.tokens.borrow_mut().find(key, now)
    }

    /// Checks the request. Returns its subject.
    fn check<'a>(&self, delegation: &'a Delegation) -> Result<&'a str, TokenFailure> {
        let subject = subject(delegation).ok_or(TokenFailure::NoSubject)?;
        let target = &delegation.target;
        target.check()?;
        delegation.subject_token.check()?;
        if let Some(actor) = &delegation.actor_token {
            actor.check()?;
        }
        if let Some(url) = &delegation.destination {
            check_destination(url, &target.resources, &self.client.destinations)?;
        }
        Ok(subject)
    }

    /// Whether a user's token was issued by another issuer than the client's. The client's issuer must
    /// not get it: it could use the token here, as a user of the other issuer.
    fn is_foreign(&self, claims: Option<&Object<'_>>) -> bool {
        let issuer = claims.and_then(|claims| claims.get("iss"));
        self.issuers.sources.len() > 1
            && issuer.is_some_and(|issuer| issuer.as_str() != Some(self.issuer()))
    }

    /// Polls once, because a task may need no I/O after all.
    pub(super) fn run(&self, future: impl Future<Output = Outcome> + 'static) -> TokenStep {
        let mut task = Task::new(Rc::clone(&self.issuers.scheduler), future);
        match task.poll() {
            Progress::Ready(outcome) => TokenStep::Done(outcome),
            Progress::Pending(_) => TokenStep::Waiting(task),
        }
    }

    /// Makes one request: finds the endpoint, sends the request and reads the response.
    pub(super) async fn send_request(
        &self,
        request: &TokenRequest,
        assertion: Option<Secret>,
    ) -> Result<Token, TokenFailure> {
        let scheduler = self.scheduler();
        let start = scheduler.now();
        let endpoint = self.endpoint().await?;
        let now = scheduler.now();
        let credentials = match assertion {
            Some(assertion) => Credentials::given(assertion),
            None => {
                let audience = match self.client.assertion_audience {
                    AssertionAudience::Issuer => self.issuer(),
                    AssertionAudience::TokenEndpoint => &endpoint,
                };
                self.client
                    .authentication
                    .credentials(audience, scheduler)
                    .await?
            }
        };
        let spent = u32::try_from(now.saturating_sub(start)).unwrap_or(u32::MAX);
        let left = self.client.timeout_ms.saturating_sub(spent);
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        headers.extend(credentials.header.clone());
        let http_request = HttpRequest {
            method: "POST",
            url: endpoint,
            headers,
            body: Some(request.grant.form(&request.target, &credentials)),
            timeout_ms: left.max(LEAST_TIMEOUT_MS.min(self.client.timeout_ms)),
            max_body_bytes: limits::TOKEN_RESPONSE_BYTES,
        };
        let response = scheduler.exchange(http_request).await;
        let silent = matches!(response, Err(HttpError::Unreachable | HttpError::TimedOut));
        let token = read(
            response,
            request.target.requested_token_type.as_deref(),
            now,
        );
        if silent || matches!(token, Err(TokenFailure::UnexpectedStatus(404 | 405 | 410))) {
            // The metadata may name an obsolete URL.
            self.source().invalidate_metadata(self.scheduler().now());
        }
        token
    }

    async fn endpoint(&self) -> Result<String, TokenFailure> {
        if let Some(endpoint) = &self.client.token_endpoint {
            return Ok(endpoint.clone());
        }
        let metadata = self.source().metadata_for_client(self.scheduler()).await;
        let metadata = metadata.map_err(TokenFailure::IssuerUnavailable)?;
        let endpoint = token_endpoint(metadata.document(), self.source().issuer_url());
        if endpoint.is_err() {
            self.source().invalidate_metadata(self.scheduler().now());
        }
        endpoint
    }
}
