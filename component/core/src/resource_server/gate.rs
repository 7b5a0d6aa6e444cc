//! The gate, which decides about requests.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::compile::GateRules;
use super::credentials::bearer_token_start;
use super::decision::{Outcome, RequestHead, Step, allow, respond};
use super::rejection::{ChallengeContext, Rejection};
use super::request_target::RequestTarget;
use super::token_check::TokenCheck;
use crate::access_token::{Identity, VerifiedTokens};
use crate::answer::Answer;
use crate::capability::Header;
use crate::http_url::HttpUrl;
use crate::issuers::{self, IssuerFault, Issuers, SnapshotError};
use crate::jose::KnownHeaders;
use crate::task::{Progress, Task};

/// A gate: one configuration with its keys and its cache of verified tokens. All clones share one
/// cache.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) issuers: Rc<Issuers>,
    pub(super) rules: GateRules,
    pub(super) tokens: RefCell<VerifiedTokens>,
    pub(super) headers: KnownHeaders,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self
            .inner
            .rules
            .policies
            .iter()
            .map(|policy| &policy.issuer);
        f.debug_struct("Gate")
            .field("issuers", &issuers.collect::<Vec<_>>())
            .finish()
    }
}

impl Gate {
    /// Creates a gate with an empty cache.
    #[inline(never)]
    pub(crate) fn new(issuers: Rc<Issuers>, rules: GateRules) -> Self {
        let tokens = RefCell::new(VerifiedTokens::new(rules.token_cache));
        Self {
            inner: Rc::new(Inner {
                issuers,
                rules,
                tokens,
                headers: KnownHeaders::default(),
            }),
        }
    }

    /// The origin of the configured resource, if there is one.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.inner.rules.origin.as_deref()
    }

    /// The least time between two fetches of one key set that unknown keys cause, in milliseconds.
    #[must_use]
    pub fn cooldown_ms(&self) -> u64 {
        self.inner.issuers.sources[0].policy().cooldown
    }

    /// Decides about a request: preflight, metadata, credentials, scopes.
    #[must_use]
    pub fn decide(&self, head: &RequestHead) -> Step {
        let target = match self.inner.target(head) {
            Ok(target) => target,
            Err(rejection) => return self.inner.refuse_early(head, &rejection),
        };
        // Before the origin is checked, because public documents are for any origin.
        if let Some(document) = self.inner.document_at(target.url.path()) {
            return self.inner.publish(head, &target, document);
        }
        let cors = &self.inner.rules.cors;
        if let Err(rejection) = cors.check(head.origin.as_deref()) {
            return self.inner.refuse_early(head, &rejection);
        }
        if let Some(answer) = cors.preflight(head) {
            return respond(answer);
        }
        let routes = &self.inner.rules.routes;
        match routes.required_scopes(&head.method, target.readings()) {
            None => allow(None, 0, self.inner.cors_headers(head), false),
            Some(scopes) => self.inner.authenticate(head, target, scopes, &[]),
        }
    }

    /// Answers a metadata request or its preflight. `None` for any other path.
    #[must_use]
    pub fn metadata(&self, head: &RequestHead) -> Option<Step> {
        let url = HttpUrl::parse(&head.url).ok()?;
        self.inner.document_at(url.path())?;
        Some(self.decide(head))
    }

    /// Verifies the credentials of a request, even on a public route.
    #[must_use]
    pub fn authenticate(&self, head: &RequestHead, scopes: &[String]) -> Step {
        match self.inner.enter(head) {
            Err(rejection) => self.inner.refuse_early(head, &rejection),
            Ok(target) => {
                let routes = &self.inner.rules.routes;
                let of_route = routes.required_scopes(&head.method, target.readings());
                self.inner
                    .authenticate(head, target, of_route.unwrap_or_default(), scopes)
            }
        }
    }

    /// Verifies a token that did not come with an HTTP request.
    #[must_use]
    pub fn verify(&self, token: &str, scopes: &[String]) -> Step {
        let required = self.inner.all_scopes(Vec::new(), scopes);
        let check = TokenCheck {
            required,
            target: None,
            origin: None,
            token_start: 0,
        };
        self.inner.check_token(token, check)
    }

    /// The identity for an id that was just returned.
    #[must_use]
    pub fn identity(&self, id: u64) -> Option<Rc<Identity>> {
        self.inner.tokens.borrow().identity(id)
    }

    /// The 403 to send if the granted scopes do not cover the required ones.
    #[must_use]
    pub fn require_scopes(
        &self,
        head: &RequestHead,
        granted: &[String],
        required: &[String],
    ) -> Option<Answer> {
        let inner = &self.inner;
        if inner.rules.hierarchy.covers(granted, required.iter()) {
            return None;
        }
        let target = match inner.enter(head) {
            Ok(target) => target,
            Err(rejection) => return Some(inner.answer_early(head, &rejection)),
        };
        let routes = &inner.rules.routes;
        let of_route = routes.required_scopes(&head.method, target.readings());
        let check = TokenCheck {
            required: inner.all_scopes(of_route.unwrap_or_default(), required),
            origin: head.origin.clone(),
            target: Some(target),
            token_start: 0,
        };
        Some(inner.answer(&Rejection::InsufficientScope, &check))
    }

    /// Fetches stale keys. Does nothing during a fetch or a cooldown.
    #[must_use]
    pub fn refresh(&self) -> Task<()> {
        let inner = Rc::clone(&self.inner);
        Task::new(Rc::clone(&self.inner.issuers.scheduler), async move {
            for source in &inner.issuers.sources {
                source.refresh(&inner.issuers.scheduler).await;
            }
        })
    }

    /// Faults of the issuers that were not reported before. New faults appear only at the start and
    /// after a task has ended.
    #[must_use]
    pub fn new_faults(&self) -> Vec<IssuerFault> {
        self.inner.issuers.new_faults()
    }

    /// The fetched keys, for [`Gate::import_keys`] of a later gate.
    #[must_use]
    pub fn export_keys(&self) -> String {
        issuers::export(&self.inner.issuers.sources)
    }

    /// Imports exported keys. Returns for how many issuers it had keys. Whoever writes the text can
    /// sign tokens.
    ///
    /// # Errors
    /// The text was not written by [`Gate::export_keys`].
    pub fn import_keys(&self, text: &str) -> Result<u32, SnapshotError> {
        issuers::import(
            &self.inner.issuers.sources,
            text,
            self.inner.issuers.scheduler.now(),
        )
    }

    /// The number of entries and bytes in the cache of verified tokens.
    #[must_use]
    pub fn cache_size(&self) -> (usize, usize) {
        self.inner.tokens.borrow().size()
    }
}

impl Inner {
    /// Parses the URL and checks the origin, which concerns every request.
    fn enter(&self, head: &RequestHead) -> Result<RequestTarget, Rejection> {
        let target = self.target(head)?;
        self.rules.cors.check(head.origin.as_deref())?;
        Ok(target)
    }

    fn target(&self, head: &RequestHead) -> Result<RequestTarget, Rejection> {
        RequestTarget::read(&head.url, self.rules.origin.as_ref())
    }

    fn cors_headers(&self, head: &RequestHead) -> Vec<Header> {
        self.rules.cors.headers(head.origin.as_deref())
    }

    fn answer_early(&self, head: &RequestHead, rejection: &Rejection) -> Answer {
        let mut answer = rejection.to_answer(&ChallengeContext::default());
        answer.headers.extend(self.cors_headers(head));
        answer
    }

    fn refuse_early(&self, head: &RequestHead, rejection: &Rejection) -> Step {
        respond(self.answer_early(head, rejection))
    }

    fn all_scopes(&self, mut of_route: Vec<String>, of_operation: &[String]) -> Vec<String> {
        for scope in self.rules.scopes.iter().chain(of_operation) {
            if !of_route.contains(scope) {
                of_route.push(scope.clone());
            }
        }
        of_route
    }

    fn authenticate(
        self: &Rc<Self>,
        head: &RequestHead,
        target: RequestTarget,
        of_route: Vec<String>,
        of_operation: &[String],
    ) -> Step {
        let check = TokenCheck {
            required: self.all_scopes(of_route, of_operation),
            target: Some(target),
            origin: head.origin.clone(),
            token_start: 0,
        };
        match bearer_token_start(&head.authorization) {
            Err(rejection) => respond(self.answer(&rejection, &check)),
            Ok(token_start) => {
                let token = &head.authorization[0][token_start..];
                self.check_token(
                    token,
                    TokenCheck {
                        token_start,
                        ..check
                    },
                )
            }
        }
    }

    /// Polls once, because a task may need no I/O after all.
    pub(super) fn run(&self, future: impl Future<Output = Outcome> + 'static) -> Step {
        let mut task = Task::new(Rc::clone(&self.issuers.scheduler), future);
        match task.poll() {
            Progress::Ready(outcome) => Step::Done(outcome),
            Progress::Pending(_) => Step::Waiting(task),
        }
    }
}
