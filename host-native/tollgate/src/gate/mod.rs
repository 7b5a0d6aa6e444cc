//! The gate under wasmtime.

mod bindings;
mod builder;
mod decision;
mod delegated_access;
mod delegation;
mod fault_log;
mod fetch_as;
mod instance;
mod key_snapshot;
mod known_identities;
mod program;
mod request_head;
mod token_error;
mod worker;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;

pub use crate::host::answer::Answer;
pub use crate::host::build_error::BuildError;
pub use crate::host::engine::{ProgramError, ProgramOptions};
pub use crate::host::request_origin::RequestOrigin;
pub use crate::host::signer::{SignatureFuture, Signer, SignerError};
pub use builder::GateBuilder;
pub use decision::{Allowed, Credentials, Decision};
pub use fetch_as::{FetchError, ResponseBody};
pub use program::Program;
pub use token_error::TokenError;
pub use tollgate_config::{
    Access, AccessToken, Actor, AssertionAudience, Client, ClientAuthentication, ClientKey,
    ClientKeySource, Config, ConfigError, ConfigPart, Cors, ExchangeCache, ExchangeTarget, Grant,
    Identity, Issuer, KeyLocation, KeyPolicy, Metadata, Naming, OauthError, Route, Secret, Setting,
    Token, TokenCache, TokenErrorKind, TokenTarget, TypedToken, ValueKind,
};

/// The signatures that the host lends, for test vectors. Not part of the public API.
#[doc(hidden)]
pub mod lent {
    pub use crate::host::signatures::VerifyingKey;
}

use crate::host::answer::{Unsendable, header_map};
use crate::host::exchange::HttpClient;
use crate::host::worker::Failed;
use bindings::exports::tollgate::auth::resource_server as wit;
use instance::{DecisionCall, IdentifiedDecision};
use request_head::request_head;
use worker::{InstanceTemplate, Worker};

/// A protected resource: verifies access tokens, answers challenges, publishes metadata.
///
/// It runs the component in several stores in parallel. The same token is always handled by the same
/// store, and so are the tokens that it is exchanged for. Cheap to clone. Dropping the future of a
/// decision cancels it, and affects no other request.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    template: Arc<InstanceTemplate>,
    workers: Vec<Arc<Worker>>,
    /// For calls to other APIs. The workers have a clone of it.
    http: HttpClient,
    origin: RequestOrigin,
    /// Keyed randomly in each process, so that an attacker cannot direct tokens to one store.
    hasher: RandomState,
    next: AtomicUsize,
}

/// Statistics of a gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GateStats {
    /// Linear memory of all stores, in bytes.
    pub memory: usize,
    /// How many stores failed and were restarted.
    pub failures: u64,
}

impl Gate {
    /// Creates a builder.
    pub fn builder(config: Config) -> GateBuilder {
        GateBuilder::new(config)
    }

    /// Decides about a request: preflight, metadata, credentials, scopes.
    pub async fn handle(&self, request: &Parts) -> Decision {
        let head = request_head(request, &self.0.origin);
        let decided = self
            .worker_for(&head)
            .decide(DecisionCall::Decide(&head))
            .await;
        decided
            .and_then(|decided| decision(decided.ok_or(Failed)?, bearer(&head)))
            .unwrap_or_else(|Failed| Decision::Respond(Answer::failed()))
    }

    /// Verifies the credentials of a request, even on a public route. The token needs the gate's
    /// scopes, the route's and these. The headers are to be added to the handler's response.
    ///
    /// # Errors
    ///
    /// The response to send if the credentials are refused.
    pub async fn authenticate(
        &self,
        request: &Parts,
        scopes: &[&str],
    ) -> Result<(Credentials, http::HeaderMap), Answer> {
        let head = request_head(request, &self.0.origin);
        let scopes = owned(scopes);
        let decided = self
            .worker_for(&head)
            .decide(DecisionCall::Authenticate(&head, &scopes))
            .await;
        credentials(decided, bearer(&head))
    }

    /// Verifies a token that did not come with an HTTP request.
    ///
    /// # Errors
    ///
    /// The response that an HTTP request would get. Its challenge has no `resource_metadata`.
    pub async fn verify(&self, token: &str, scopes: &[&str]) -> Result<Identity, Answer> {
        let scopes = owned(scopes);
        let decided = self
            .worker_of(token)
            .decide(DecisionCall::Verify(token, &scopes))
            .await;
        credentials(decided, token).map(|(credentials, _)| credentials.identity)
    }

    /// Answers a metadata request or its preflight. None for any other path.
    pub async fn metadata(&self, request: &Parts) -> Option<Answer> {
        let head = request_head(request, &self.0.origin);
        match self
            .worker_for(&head)
            .decide(DecisionCall::Metadata(&head))
            .await
        {
            Ok(None) => None,
            Ok(Some(IdentifiedDecision {
                decision: wit::Decision::Respond(answer),
                ..
            })) => Some(Answer::of_gate(answer).unwrap_or_else(|Unsendable| Answer::failed())),
            Ok(Some(_)) | Err(Failed) => Some(Answer::failed()),
        }
    }

    /// Checks whether an identity's scopes cover the required ones, by the hierarchy. If not,
    /// returns the 403 with its challenge. For decisions that depend on the body, such as an MCP
    /// tool call.
    #[must_use]
    pub fn require_scopes(
        &self,
        request: &Parts,
        identity: &Identity,
        required: &[&str],
    ) -> Option<Answer> {
        let head = request_head(request, &self.0.origin);
        let required = owned(required);
        let worker = self.worker_for(&head);
        match worker.require_scopes(&head, identity.scopes(), &required) {
            Ok(None) => None,
            Ok(Some(answer)) => {
                Some(Answer::of_gate(answer).unwrap_or_else(|Unsendable| Answer::failed()))
            }
            Err(Failed) => Some(Answer::failed()),
        }
    }

    /// Fetches stale keys now rather than when they are first needed. It does not report failures:
    /// they show when a token is verified.
    pub async fn refresh(&self) {
        for worker in &self.0.workers {
            // Sequentially, so that the later stores take over the keys of the first. A failure is
            // logged, and the next request gets a new instance.
            let _ = worker.refresh().await;
        }
    }

    /// The fetched keys, for [`Gate::import_keys`] of a later gate. Only public keys, as JSON. None
    /// if the store has failed.
    #[must_use]
    pub fn export_keys(&self) -> Option<String> {
        self.0.workers.first()?.export_keys().ok()
    }

    /// Imports keys from [`Gate::export_keys`]. The text must come from a place that only the
    /// application can write to: whoever writes it can sign tokens. Returns for how many issuers it
    /// had keys. Keys that do not fit this configuration are skipped.
    ///
    /// # Errors
    ///
    /// The text is not an export.
    pub fn import_keys(&self, state: &str) -> Result<u32, ConfigError> {
        let mut taken = 0;
        for worker in &self.0.workers {
            match worker.import_keys(state) {
                Ok(Ok(issuers)) => taken = taken.max(issuers),
                Ok(Err(error)) => return Err(error),
                // The failure was logged. This store fetches the keys itself.
                Err(Failed) => {}
            }
        }
        Ok(taken)
    }

    /// Returns statistics of the gate.
    #[must_use]
    pub fn stats(&self) -> GateStats {
        GateStats {
            memory: self.0.workers.iter().map(|worker| worker.memory()).sum(),
            failures: self.0.template.failures.load(Ordering::Relaxed),
        }
    }

    fn worker_for(&self, head: &wit::RequestHead) -> &Arc<Worker> {
        match head.authorization.first() {
            Some(value) => self.worker_of(value),
            None => self.next_worker(),
        }
    }

    /// Selects the store for a token by the end of its signature, so that the scheme before it has
    /// no influence.
    fn worker_of(&self, token: &str) -> &Arc<Worker> {
        let end = &token.as_bytes()[token.len().saturating_sub(32)..];
        self.worker_at(self.hash_of(end))
    }

    fn next_worker(&self) -> &Arc<Worker> {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        &self.0.workers[turn % self.0.workers.len()]
    }

    fn hash_of(&self, value: impl Hash) -> u64 {
        self.0.hasher.hash_one(value)
    }

    fn worker_at(&self, hash: u64) -> &Arc<Worker> {
        let count = u64::try_from(self.0.workers.len()).unwrap_or(u64::MAX);
        &self.0.workers[usize::try_from(hash % count).unwrap_or(0)]
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("stores", &self.0.workers.len())
            .finish_non_exhaustive()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The value that `token-start` is an offset in.
fn bearer(head: &wit::RequestHead) -> &str {
    head.authorization.first().map_or("", String::as_str)
}

fn decision(decided: IdentifiedDecision, authorization: &str) -> Result<Decision, Failed> {
    match decided.decision {
        wit::Decision::Respond(answer) => Answer::of_gate(answer)
            .map(Decision::Respond)
            .map_err(|Unsendable| Failed),
        wit::Decision::Allow(allowed) => {
            let headers = header_map(allowed.headers).map_err(|Unsendable| Failed)?;
            let credentials = match decided.identity {
                None => None,
                Some(identity) => {
                    let start = usize::try_from(allowed.token_start).map_err(|_| Failed)?;
                    let token = authorization.get(start..).ok_or(Failed)?;
                    Some(Credentials {
                        identity,
                        token: AccessToken::new(token),
                    })
                }
            };
            Ok(Decision::Allow(Allowed {
                credentials,
                headers,
            }))
        }
    }
}

/// For calls that never answer with "public": anything except an identified caller is a failure.
#[expect(
    clippy::result_large_err,
    reason = "callers send the answer; none passes it on in a loop"
)]
fn credentials(
    decided: Result<Option<IdentifiedDecision>, Failed>,
    authorization: &str,
) -> Result<(Credentials, http::HeaderMap), Answer> {
    match decided.and_then(|decided| decision(decided.ok_or(Failed)?, authorization)) {
        Ok(Decision::Allow(Allowed {
            credentials: Some(credentials),
            headers,
        })) => Ok((credentials, headers)),
        Ok(Decision::Respond(answer)) => Err(answer),
        Ok(Decision::Allow(Allowed {
            credentials: None, ..
        }))
        | Err(Failed) => Err(Answer::failed()),
    }
}
