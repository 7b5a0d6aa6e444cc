//! The gate: from a request's head to a decision.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::answer::Answer;
use super::compile::{ClientKeys, Compiled, compile};
use super::config::Config;
use super::cors::public_headers;
use super::credentials::bearer_token_start;
use super::judgement::Case;
use super::metadata::{WellKnown, published};
use super::path_readings::{AmbiguousPath, readings};
use super::rejection::{ChallengeContext, Rejection};
use crate::access_token::{Identity, VerifiedTokens};
use crate::capability::{Header, Host};
use crate::config_error::ConfigError;
use crate::http_url::{HttpUrl, UrlError};
use crate::jose::SigningError;
use crate::keys::{self, SnapshotError};
use crate::limits;
use crate::task::{Progress, Scheduler, Task};

/// The parts of a request that decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// As sent; methods are case-sensitive (RFC 9110 section 9.1).
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Every value of `Authorization`.
    pub authorization: Vec<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Access-Control-Request-Method`.
    pub requested_method: Option<String>,
    /// `Access-Control-Request-Headers`.
    pub requested_headers: Option<String>,
}

/// The request may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// `None` on public routes; [`Gate::identity`] gives the record.
    pub identity: Option<u64>,
    /// Where the raw token begins in the one `Authorization` value.
    pub token_start: usize,
    /// To be added to the handler's response.
    pub headers: Vec<Header>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Call the handler.
    Allow(Allowed),
    /// Send this.
    Respond(Answer),
}

/// A decision, and whether keys should be refreshed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What becomes of the request.
    pub decision: Decision,
    /// Keys are stale: drive [`Gate::refresh`] when the response is on its way.
    pub refresh_due: bool,
}

/// A decision, now or later.
#[derive(Debug)]
pub enum Step {
    /// No I/O was needed.
    Done(Outcome),
    /// Poll this.
    Waiting(Task<Outcome>),
}

/// One configuration with its keys and its cache of verified tokens.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) scheduler: Rc<Scheduler>,
    pub(crate) compiled: Compiled,
    pub(super) tokens: RefCell<VerifiedTokens>,
}

/// What a request asks for, once its URL has been read.
pub(super) struct Place {
    pub(super) origin: Rc<str>,
    pub(super) url: HttpUrl,
    readings: Option<Vec<String>>,
}

impl Place {
    /// Every way in which the path may be read.
    pub(super) fn readings(&self) -> &[String] {
        match &self.readings {
            Some(readings) => readings,
            None => self.url.path_alone(),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self
            .inner
            .compiled
            .policies
            .iter()
            .map(|policy| &policy.issuer);
        f.debug_struct("Gate")
            .field("issuers", &issuers.collect::<Vec<_>>())
            .finish()
    }
}

impl Gate {
    /// Checks the whole configuration, without I/O.
    ///
    /// # Errors
    /// The first thing in it that cannot work.
    #[inline(never)]
    pub fn new(config: Config, host: Rc<dyn Host>) -> Result<Self, ConfigError> {
        let scheduler = Scheduler::new(host);
        let compiled = compile(config, &scheduler)?;
        let tokens = RefCell::new(VerifiedTokens::new(compiled.token_cache));
        Ok(Self {
            inner: Rc::new(Inner {
                scheduler,
                compiled,
                tokens,
            }),
        })
    }

    /// Whether a client is configured: one that works, or one that does not.
    #[must_use]
    pub fn has_client(&self) -> bool {
        self.inner.compiled.client.is_some()
    }

    /// Decides about a request: preflight, metadata, credentials, scopes.
    #[must_use]
    pub fn decide(&self, head: &RequestHead) -> Step {
        let place = match self.inner.locate(head) {
            Ok(place) => place,
            Err(rejection) => return self.inner.refuse_early(head, &rejection),
        };
        // Before the look at the origin: what is public is for everybody.
        if let Some(document) = self.inner.document_at(place.url.path()) {
            return self.inner.publish(head, &place, document);
        }
        let cors = &self.inner.compiled.cors;
        if let Err(rejection) = cors.check(head.origin.as_deref()) {
            return self.inner.refuse_early(head, &rejection);
        }
        if let Some(answer) = cors.preflight(head) {
            return respond(answer);
        }
        let routes = &self.inner.compiled.routes;
        match routes.required_scopes(&head.method, place.readings()) {
            None => allow(None, 0, self.inner.cors_headers(head), false),
            Some(scopes) => self.inner.authenticate(head, place, scopes, &[]),
        }
    }

    /// Answers a metadata request or a preflight of one; `None` for any other path.
    #[must_use]
    pub fn metadata(&self, head: &RequestHead) -> Option<Step> {
        let url = HttpUrl::parse(&head.url).ok()?;
        self.inner.document_at(url.path())?;
        Some(self.decide(head))
    }

    /// What a token client of this gate shares with it.
    pub(crate) fn inner(&self) -> Rc<Inner> {
        Rc::clone(&self.inner)
    }

    /// Verifies the credentials of a request whatever its route says.
    #[must_use]
    pub fn authenticate(&self, head: &RequestHead, scopes: &[String]) -> Step {
        match self.inner.enter(head) {
            Err(rejection) => self.inner.refuse_early(head, &rejection),
            Ok(place) => {
                let routes = &self.inner.compiled.routes;
                let of_route = routes.required_scopes(&head.method, place.readings());
                self.inner
                    .authenticate(head, place, of_route.unwrap_or_default(), scopes)
            }
        }
    }

    /// Verifies a bare token, for what is not an HTTP request.
    #[must_use]
    pub fn verify(&self, token: &str, scopes: &[String]) -> Step {
        let required = self.inner.all_scopes(Vec::new(), scopes);
        let case = Case {
            required,
            place: None,
            origin: None,
            token_start: 0,
        };
        self.inner.judge(token, case)
    }

    /// The record behind an id that was just given out.
    #[must_use]
    pub fn identity(&self, id: u64) -> Option<Rc<Identity>> {
        self.inner.tokens.borrow().identity(id)
    }

    /// The 403 to answer when granted scopes do not cover required ones.
    #[must_use]
    pub fn require_scopes(
        &self,
        head: &RequestHead,
        granted: &[String],
        required: &[String],
    ) -> Option<Answer> {
        let inner = &self.inner;
        if inner.compiled.hierarchy.covers(granted, required.iter()) {
            return None;
        }
        let place = match inner.enter(head) {
            Ok(place) => place,
            Err(rejection) => return Some(inner.answer_early(head, &rejection)),
        };
        let routes = &inner.compiled.routes;
        let of_route = routes.required_scopes(&head.method, place.readings());
        let case = Case {
            required: inner.all_scopes(of_route.unwrap_or_default(), required),
            origin: head.origin.clone(),
            place: Some(place),
            token_start: 0,
        };
        Some(inner.answer(&Rejection::InsufficientScope, &case))
    }

    /// Fetches what is stale. Does nothing where a fetch is under way or cooling down.
    #[must_use]
    pub fn refresh(&self) -> Task<()> {
        let inner = Rc::clone(&self.inner);
        Task::new(Rc::clone(&self.inner.scheduler), async move {
            for source in &inner.compiled.sources {
                source.refresh(&inner.scheduler).await;
            }
        })
    }

    /// The fetched keys, for [`Gate::import_keys`] of a later gate.
    #[must_use]
    pub fn export_keys(&self) -> String {
        keys::export(&self.inner.compiled.sources)
    }

    /// Takes exported keys; how many issuers it had keys for. Whoever writes the text can sign
    /// tokens.
    ///
    /// # Errors
    /// When the text is not what [`Gate::export_keys`] writes.
    pub fn import_keys(&self, text: &str) -> Result<u32, SnapshotError> {
        keys::import(
            &self.inner.compiled.sources,
            text,
            self.inner.scheduler.now(),
        )
    }

    /// Entries and bytes in the cache of verified tokens.
    #[must_use]
    pub fn cache_size(&self) -> (usize, usize) {
        self.inner.tokens.borrow().size()
    }
}

impl Inner {
    /// Reads the URL and looks at the origin: the two things that concern every request.
    fn enter(&self, head: &RequestHead) -> Result<Place, Rejection> {
        let place = self.locate(head)?;
        self.compiled.cors.check(head.origin.as_deref())?;
        Ok(place)
    }

    fn locate(&self, head: &RequestHead) -> Result<Place, Rejection> {
        if head.url.len() > limits::URL_BYTES {
            return Err(Rejection::BadTarget(UrlError::TooLong));
        }
        let url = HttpUrl::parse(&head.url).map_err(Rejection::BadTarget)?;
        let origin = match &self.compiled.origin {
            Some(origin) => Rc::clone(origin),
            None => url.origin().into(),
        };
        let readings = readings(url.path()).map_err(|AmbiguousPath| Rejection::AmbiguousPath)?;
        Ok(Place {
            origin,
            url,
            readings,
        })
    }

    fn cors_headers(&self, head: &RequestHead) -> Vec<Header> {
        self.compiled.cors.headers(head.origin.as_deref())
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
        for scope in self.compiled.scopes.iter().chain(of_operation) {
            if !of_route.contains(scope) {
                of_route.push(scope.clone());
            }
        }
        of_route
    }

    /// The document at a path, if this gate publishes it.
    fn document_at<'a>(&self, path: &'a str) -> Option<WellKnown<'a>> {
        let document = WellKnown::of(path)?;
        let published = match document {
            WellKnown::ProtectedResource(_) => true,
            WellKnown::AuthorizationServer => self.compiled.serve_issuer_metadata,
            WellKnown::ClientKeys => self.compiled.client_keys.is_some(),
        };
        published.then_some(document)
    }

    /// A document, or why it is not to be had. The headers are the same for every caller, so that
    /// a cache shared by browsers and others gives each what it needs.
    fn publish(
        self: &Rc<Self>,
        head: &RequestHead,
        place: &Place,
        document: WellKnown<'_>,
    ) -> Step {
        let cors = self.compiled.cors.of_public_documents();
        if let Some(answer) = cors.preflight(head) {
            return respond(answer);
        }
        let reads = matches!(head.method.as_str(), "GET" | "HEAD");
        let refusal = |rejection: Rejection| rejection.to_answer(&ChallengeContext::default());
        let method = head.method.clone();
        let finish = move |mut answer: Answer| {
            answer.headers.extend(public_headers());
            without_body_for_head(answer, &method)
        };
        let answer = match document {
            _ if !reads => refusal(Rejection::MethodNotAllowed),
            WellKnown::ProtectedResource(path) => {
                // The root stands for the whole host: clients that know no path ask for it.
                let routes = &self.compiled.routes;
                let is_protected = path.is_empty()
                    || readings(path).is_ok_and(|readings| {
                        let readings = readings.unwrap_or_else(|| vec![path.to_owned()]);
                        let needs_token =
                            |method| routes.required_scopes(method, &readings).is_some();
                        needs_token("POST") || needs_token("GET")
                    });
                if is_protected {
                    let query = place.url.query().map(|query| format!("?{query}"));
                    let resource = format!("{}{path}{}", place.origin, query.unwrap_or_default());
                    self.compiled.metadata.document(resource)
                } else {
                    refusal(Rejection::NoSuchResource)
                }
            }
            WellKnown::ClientKeys => {
                let Some(keys) = self.compiled.client_keys.clone() else {
                    return respond(finish(refusal(Rejection::NoSuchResource)));
                };
                let inner = Rc::clone(self);
                return self.run(async move {
                    let answer = match inner.published_keys(&keys).await {
                        Ok(document) => published(document),
                        Err(rejection) => rejection.to_answer(&ChallengeContext::default()),
                    };
                    Outcome {
                        decision: Decision::Respond(finish(answer)),
                        refresh_due: false,
                    }
                });
            }
            WellKnown::AuthorizationServer => {
                let inner = Rc::clone(self);
                return self.run(async move {
                    let source = &inner.compiled.sources[0];
                    let answer = match source.metadata(&inner.scheduler).await {
                        Ok(metadata) => published(metadata.document().to_string()),
                        Err(unavailable) => Rejection::IssuerMetadata(unavailable)
                            .to_answer(&ChallengeContext::default()),
                    };
                    Outcome {
                        decision: Decision::Respond(finish(answer)),
                        refresh_due: false,
                    }
                });
            }
        };
        respond(finish(answer))
    }

    async fn published_keys(&self, keys: &ClientKeys) -> Result<String, Rejection> {
        let ClientKeys::Of(client) = keys else {
            return Err(Rejection::ClientKeysBroken);
        };
        let keys = client.own_keys().ok_or(Rejection::NoSuchResource)?;
        let document = keys.published(&self.scheduler).await;
        document.map_err(|error| match error {
            SigningError::Host(error) if error.is_transient() => {
                Rejection::ClientKeysUnavailable(error)
            }
            _ => Rejection::ClientKeysBroken,
        })
    }

    fn authenticate(
        self: &Rc<Self>,
        head: &RequestHead,
        place: Place,
        of_route: Vec<String>,
        of_operation: &[String],
    ) -> Step {
        let case = Case {
            required: self.all_scopes(of_route, of_operation),
            place: Some(place),
            origin: head.origin.clone(),
            token_start: 0,
        };
        match bearer_token_start(&head.authorization) {
            Err(rejection) => respond(self.answer(&rejection, &case)),
            Ok(token_start) => {
                let token = &head.authorization[0][token_start..];
                self.judge(
                    token,
                    Case {
                        token_start,
                        ..case
                    },
                )
            }
        }
    }

    /// Polls once: what needs no I/O after all is done at once.
    pub(super) fn run(&self, future: impl Future<Output = Outcome> + 'static) -> Step {
        let mut task = Task::new(Rc::clone(&self.scheduler), future);
        match task.poll() {
            Progress::Ready(outcome) => Step::Done(outcome),
            Progress::Pending(_) => Step::Waiting(task),
        }
    }
}

pub(super) fn respond(answer: Answer) -> Step {
    Step::Done(Outcome {
        decision: Decision::Respond(answer),
        refresh_due: false,
    })
}

fn allow(identity: Option<u64>, token_start: usize, headers: Vec<Header>, refresh: bool) -> Step {
    let decision = Decision::Allow(Allowed {
        identity,
        token_start,
        headers,
    });
    Step::Done(Outcome {
        decision,
        refresh_due: refresh,
    })
}

fn without_body_for_head(mut answer: Answer, method: &str) -> Answer {
    if method == "HEAD" {
        answer.body = None;
    }
    answer
}
