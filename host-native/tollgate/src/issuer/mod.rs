//! An OAuth 2.1 authorization server under wasmtime. `docs/issuer.md` has its options.
//!
//! ```no_run
//! use tollgate::issuer::{Issuer, SqliteStore};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let config = serde_json::json!({
//!     "issuer": "https://auth.example.com",
//!     "secrets": [std::env::var("TOLLGATE_SECRET")?],
//!     "sign-in": { "providers": [{
//!         "id": "company",
//!         "issuer": "https://login.example.com",
//!         "client-id": "tollgate",
//!         "client-secret": std::env::var("LOGIN_SECRET")?,
//!     }] },
//! });
//! let store = SqliteStore::open("issuer.db")?;
//! let issuer = Issuer::builder(config, store).build().await?;
//! // A `tower::Service`: in axum, `Router::new().fallback_service(issuer.into_service())`.
//! let service = issuer.into_service();
//! # drop(service);
//! # Ok(())
//! # }
//! ```

mod bindings;
mod builder;
mod capability;
mod clients;
mod convert;
mod error;
mod hooks;
mod instance;
mod program;
mod service;
mod store;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};

pub use builder::{IssuerBuilder, IssuerConfig};
pub use error::IssuerError;
pub use hooks::{HookFuture, Hooks, NoHooks};
pub use program::Program;
pub use service::{IssuerLayer, IssuerOr, IssuerService};
pub use store::{
    Commit, Committed, Condition, MemoryStore, Page, Put, Record, SqliteStore, Store, StoreError,
    StoreFuture, UnixSeconds,
};
pub use tollgate_core::authorization_server::{
    Approval, AuditEvent, AuditKind, AuthenticationMethod, AuthorizationRequest, ChangedClient,
    ClientChanges, ClientInfo, ClientOrigin, ClientPage, GrantHandle, GrantInfo, GrantPage,
    GrantType, HookError, NewClient, Prompt, TokenDecision, TokenDecisionRequest, TokenInfo,
    UpstreamTokens,
};
pub use tollgate_core::secret::Secret;
pub use tollgate_sqlite as sqlite;

use crate::BuildError;
use crate::host::answer::{Answer, Unsendable};
use crate::host::request_origin::{RequestOrigin, lossy};
use crate::host::worker::{Failed, MAX_RESTARTS, Worker};
use crate::layer::Refusal;
use bindings::exports::tollgate::auth::authorization_server as wit;
use instance::{IssuerInstance, IssuerTemplate};

/// An authorization server: issues tokens to clients for users.
///
/// It runs several instances of the component in parallel, which share one store. Cheap to clone.
/// Dropping the future of an operation cancels it; a change that was sent to the store may still
/// take place.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    template: Arc<IssuerTemplate>,
    workers: Vec<Worker<IssuerTemplate>>,
    origin: RequestOrigin,
    max_body_bytes: usize,
    body_timeout: Duration,
    hasher: RandomState,
    next: AtomicUsize,
}

/// Statistics of an issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct IssuerStats {
    /// Linear memory of all instances, in bytes.
    pub memory: usize,
    /// How many instances failed and were replaced.
    pub failures: u64,
}

/// How long [`Issuer::check_store`] waits: what answers later would not serve a request either.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

impl Issuer {
    /// Creates a builder. The configuration is JSON, as a text or a [`serde_json::Value`], or an
    /// [`IssuerConfig`] if its options are not spelled with hyphens.
    pub fn builder(config: impl Into<IssuerConfig>, store: impl Store) -> IssuerBuilder {
        IssuerBuilder::new(config.into(), Arc::new(store))
    }

    /// An issuer with the default settings of [`IssuerBuilder`].
    ///
    /// # Errors
    ///
    /// See [`BuildError`].
    pub async fn new(
        config: impl Into<IssuerConfig>,
        store: impl Store,
        hooks: impl Hooks,
    ) -> Result<Self, BuildError> {
        Self::builder(config, store).hooks(hooks).build().await
    }

    /// The longest body that any endpoint reads, in bytes.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.0.max_body_bytes
    }

    /// Whether a request is for one of this server's endpoints.
    #[must_use]
    pub fn serves(&self, request: &Parts) -> bool {
        let url = self.0.origin.url_of(request);
        let served = self
            .next_worker()
            .with(|running| running.instance.serves(&url));
        // A failure was logged. The request is answered with an error.
        served.unwrap_or(true)
    }

    /// Answers a request: with a 404 if it is not for one of the server's endpoints. The extension
    /// [`Refusal`] of the response says why a request was refused. Pass at most
    /// [`Self::max_body_bytes`] and one byte of a body.
    pub async fn respond(&self, request: Request<Bytes>) -> Response<Bytes> {
        let worker = self.worker_for(request.body());
        let operation = wit::Operation::Respond(self.request(request));
        // Not started again: its first start may have changed the store.
        let answer = match self.run(worker, &operation, 0).await {
            Ok(wit::Outcome::Response(response)) => answer(response),
            Ok(_) | Err(_) => failed(),
        };
        let Answer { response, reason } = answer;
        let mut response = response.map(Bytes::from);
        if let Some(reason) = reason {
            tracing::debug!(reason, status = response.status().as_u16(), "refused");
            response.extensions_mut().insert(Refusal(reason));
        }
        response
    }

    /// Reads an authorization request, for an application with pages of its own: the query of a
    /// `GET`, or the form of a `POST`.
    ///
    /// # Errors
    ///
    /// It is refused: send the [answer](IssuerError::into_answer).
    pub async fn parse_authorization(
        &self,
        request: Request<Bytes>,
    ) -> Result<AuthorizationRequest, IssuerError> {
        let operation = wit::Operation::ParseAuthorization(self.request(request));
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Authorization(request) => Ok(convert::authorization(request)),
            _ => Err(broken()),
        }
    }

    /// Stores a user's approval. Returns the URL that the user's browser is to go to. Everything in
    /// the request is checked again. Whether the user approved just this request is not: that is
    /// the application's part, together with its protection of the form (RFC 9700 section 4.7).
    ///
    /// # Errors
    ///
    /// Why there is no code.
    pub async fn complete_authorization(
        &self,
        request: AuthorizationRequest,
        approval: Approval,
    ) -> Result<String, IssuerError> {
        let request = convert::wit_authorization(request);
        let approval = convert::wit_approval(approval);
        self.redirect(wit::Operation::CompleteAuthorization((request, approval)))
            .await
    }

    /// Tells the client that the user refused. Returns the URL that the user's browser is to go to.
    ///
    /// # Errors
    ///
    /// The client or the redirect URI is not valid any more, or cannot be read.
    pub async fn deny_authorization(
        &self,
        request: AuthorizationRequest,
    ) -> Result<String, IssuerError> {
        let request = convert::wit_authorization(request);
        self.redirect(wit::Operation::DenyAuthorization(request))
            .await
    }

    /// Checks an access token of this server for a resource. None: it is not valid, or was revoked,
    /// or is for another resource.
    ///
    /// # Errors
    ///
    /// It could not be checked.
    pub async fn check_token(
        &self,
        token: &str,
        resource: &str,
    ) -> Result<Option<TokenInfo>, IssuerError> {
        let operation = wit::Operation::CheckToken((token.to_owned(), resource.to_owned()));
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Token(token) => Ok(token.map(convert::token_info)),
            _ => Err(broken()),
        }
    }

    /// A page of a user's grants, in a stable order: those that exist during the whole walk are each
    /// on one page. `cursor` is that of the page before.
    ///
    /// # Errors
    ///
    /// They could not be read, or the cursor is not one.
    pub async fn user_grants(
        &self,
        user_id: &str,
        cursor: Option<&str>,
    ) -> Result<GrantPage, IssuerError> {
        let cursor = cursor.map(str::to_owned);
        let operation = wit::Operation::UserGrants((user_id.to_owned(), cursor));
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Grants(page) => Ok(convert::grant_page(page)),
            _ => Err(broken()),
        }
    }

    /// Revokes a user's grant with all its tokens. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// It may still be valid.
    pub async fn revoke_grant(&self, user_id: &str, grant_id: &str) -> Result<bool, IssuerError> {
        let operation = wit::Operation::RevokeGrant((user_id.to_owned(), grant_id.to_owned()));
        self.revoked(&operation).await.map(|count| count > 0)
    }

    /// Revokes all grants of a user, and returns how many there were.
    ///
    /// # Errors
    ///
    /// Some may still be valid. Call it again.
    pub async fn revoke_user(&self, user_id: &str) -> Result<u32, IssuerError> {
        self.revoked(&wit::Operation::RevokeUser(user_id.to_owned()))
            .await
    }

    /// Asks the store for a record, for a readiness check.
    ///
    /// # Errors
    ///
    /// It did not answer within two seconds, or failed.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |elapsed| elapsed.as_secs());
        let read = self.0.template.store.read("readiness", &["check"], now);
        tokio::time::timeout(STORE_TIMEOUT, read)
            .await
            .unwrap_or(Err(StoreError::Unavailable))
            .map(drop)
    }

    /// Waits until the application has taken every audit event so far. Call it before the process
    /// ends.
    pub async fn flush_audit(&self) {
        self.0.template.audit.flush().await;
    }

    /// Returns statistics.
    #[must_use]
    pub fn stats(&self) -> IssuerStats {
        IssuerStats {
            memory: self.0.workers.iter().map(Worker::memory).sum(),
            failures: self.0.template.failures.load(Ordering::Relaxed),
        }
    }

    /// A service that answers every request, with a 404 where there is no endpoint.
    #[must_use]
    pub fn into_service(self) -> IssuerService {
        IssuerService::new(self)
    }

    /// A layer that answers requests for this server's endpoints, and passes on all others.
    #[must_use]
    pub fn into_layer(self) -> IssuerLayer {
        IssuerLayer::new(self)
    }

    fn request(&self, request: Request<Bytes>) -> wit::Request {
        let (parts, body) = request.into_parts();
        let headers = parts.headers.iter();
        wit::Request {
            url: self.0.origin.url_of(&parts),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), lossy(value.as_bytes())))
                .collect(),
            method: parts.method.as_str().to_owned(),
            body: body.into(),
        }
    }

    async fn redirect(&self, operation: wit::Operation) -> Result<String, IssuerError> {
        // A second code is not made if the first may exist.
        match self.operate(&operation, 0).await? {
            wit::Outcome::Redirect(url) => Ok(url),
            _ => Err(broken()),
        }
    }

    async fn revoked(&self, operation: &wit::Operation) -> Result<u32, IssuerError> {
        match self.operate(operation, MAX_RESTARTS).await? {
            wit::Outcome::Revoked(count) => Ok(count),
            _ => Err(broken()),
        }
    }

    async fn operate(
        &self,
        operation: &wit::Operation,
        restarts: usize,
    ) -> Result<wit::Outcome, IssuerError> {
        match self.run(self.next_worker(), operation, restarts).await? {
            wit::Outcome::Refused(response) => Err(IssuerError::of(answer(response))),
            outcome => Ok(outcome),
        }
    }

    async fn run(
        &self,
        worker: &Worker<IssuerTemplate>,
        operation: &wit::Operation,
        restarts: usize,
    ) -> Result<wit::Outcome, IssuerError> {
        let begin = |instance: &mut IssuerInstance| instance.begin(operation);
        worker
            .drive(begin, IssuerInstance::poll, restarts)
            .await
            .map_err(|Failed| broken())
    }

    /// A client that was told to try again gets the answer that one instance has kept, so the same
    /// code or refresh token goes to the same instance.
    fn worker_for(&self, body: &[u8]) -> &Worker<IssuerTemplate> {
        match repeated(body) {
            None => self.next_worker(),
            Some(token) => {
                let count = u64::try_from(self.0.workers.len()).unwrap_or(u64::MAX);
                let chosen = self.0.hasher.hash_one(token) % count;
                &self.0.workers[usize::try_from(chosen).unwrap_or(0)]
            }
        }
    }

    fn next_worker(&self) -> &Worker<IssuerTemplate> {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        &self.0.workers[turn % self.0.workers.len()]
    }
}

/// What a repeated token request has in common with the first. Only the choice of an instance
/// depends on it.
fn repeated(body: &[u8]) -> Option<&[u8]> {
    let mut parameters = body.split(|byte| *byte == b'&');
    parameters.find(|text| text.starts_with(b"code=") || text.starts_with(b"refresh_token="))
}

fn answer(response: wit::Response) -> Answer {
    let wit::Response {
        status,
        headers,
        body,
        reason,
    } = response;
    Answer::new(status, headers, body, reason).unwrap_or_else(|Unsendable| failed())
}

/// The answer if an instance failed. It is replaced at once, and clients end their sessions at other
/// errors.
fn failed() -> Answer {
    let body =
        r#"{"error":"temporarily_unavailable","error_description":"the server failed: try again"}"#;
    let mut response = Response::new(body.to_owned());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    Answer {
        response,
        reason: Some("issuer-failed".to_owned()),
    }
}

fn broken() -> IssuerError {
    IssuerError::of(failed())
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("instances", &self.0.workers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
