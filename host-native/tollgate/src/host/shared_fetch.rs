//! Shares one exchange between all stores that need the same document.
//!
//! Each store limits its own fetches. Sharing the documents keeps the number of requests to the
//! issuer close to that of a single store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::exchange::{HttpClient, Outcome};
use crate::host::bindings::tollgate::auth::http_client::{HttpError, Request};

/// How many documents are kept: two for each of the 32 issuers that a gate may have.
const MAX_DOCUMENTS: usize = 64;

/// Running exchanges, and recent documents.
#[derive(Debug)]
pub(crate) struct SharedFetch {
    http: HttpClient,
    /// The minimum time between two fetches of a document by one store. In this time, all stores
    /// together fetch it at most twice: once because they need it, and once because it lacked a
    /// key.
    cooldown: OnceLock<Duration>,
    documents: Mutex<HashMap<Document, History>>,
}

/// The parts of a request that identify a document.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Document {
    url: String,
    headers: Vec<(String, String)>,
    max_body_bytes: u32,
}

#[derive(Debug, Default)]
struct History {
    running: Option<Arc<RunningFetch>>,
    latest: Option<Fetched>,
    /// When the one before `latest` arrived.
    before: Option<Instant>,
}

type RunningFetch = watch::Sender<Option<Fetched>>;

#[derive(Clone, Debug)]
struct Fetched {
    at: Instant,
    outcome: Outcome,
}

/// What one store has already received, so that it receives a document twice only if necessary.
#[derive(Debug, Default)]
pub(crate) struct Reader(Mutex<ReadTimes>);

#[derive(Debug, Default)]
struct ReadTimes {
    /// When the documents that it got arrived.
    documents: HashMap<Document, Instant>,
    /// When it took over the keys of another store.
    caught_up: Option<Instant>,
}

impl Reader {
    /// The store has taken over the keys of another one.
    pub(crate) fn caught_up(&self) {
        self.read_times().caught_up = Some(Instant::now());
    }

    fn has_read_until(&self, document: &Document) -> Option<Instant> {
        let read_times = self.read_times();
        read_times
            .documents
            .get(document)
            .copied()
            .max(read_times.caught_up)
    }

    fn has_read(&self, document: Document, fetched: &Fetched) {
        let mut read_times = self.read_times();
        if read_times.documents.len() >= MAX_DOCUMENTS {
            read_times.documents.clear();
        }
        read_times.documents.insert(document, fetched.at);
    }

    fn read_times(&self) -> MutexGuard<'_, ReadTimes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The action for a store's request.
#[derive(Debug)]
enum Plan {
    Join(Arc<RunningFetch>),
    Reuse(Fetched),
    Fetch,
}

impl History {
    /// `read` is when the newest document that the store has read arrived.
    fn plan(&self, read: Option<Instant>, now: Instant, cooldown: Duration) -> Plan {
        if let Some(running) = &self.running {
            return Plan::Join(Arc::clone(running));
        }
        let recent = |at: &Instant| now.saturating_duration_since(*at) < cooldown;
        match &self.latest {
            Some(latest) if recent(&latest.at) => {
                let unread = read.is_none_or(|read| read < latest.at);
                if unread || self.before.as_ref().is_some_and(recent) {
                    Plan::Reuse(latest.clone())
                } else {
                    Plan::Fetch
                }
            }
            _ => Plan::Fetch,
        }
    }

    fn record(&mut self, fetched: &Fetched) {
        self.running = None;
        // After a failure, the next request tries again. Each store waits before it does.
        if matches!(&fetched.outcome, Ok(response) if response.status == 200) {
            let previous = self.latest.replace(fetched.clone());
            self.before = previous.map(|previous| previous.at);
        }
    }

    /// Whether there is a reason to keep it.
    fn is_needed(&self, now: Instant, cooldown: Duration) -> bool {
        let recent = |fetched: &Fetched| now.saturating_duration_since(fetched.at) < cooldown;
        self.running.is_some() || self.latest.as_ref().is_some_and(recent)
    }
}

/// Whether a request is for a public document, which all stores can share. Token requests are never
/// shared.
pub(crate) fn is_document(request: &Request) -> bool {
    let credentials = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    request.method == "GET" && request.body.is_none() && !request.headers.iter().any(credentials)
}

impl SharedFetch {
    pub(crate) fn new(http: HttpClient) -> Self {
        Self {
            http,
            cooldown: OnceLock::new(),
            documents: Mutex::default(),
        }
    }

    /// Sets the cooldown of the component, before the first request. A second call has no effect.
    pub(crate) fn set_cooldown(&self, cooldown: Duration) {
        let _ = self.cooldown.set(cooldown);
    }

    /// Returns the response, from a new exchange or a shared one.
    pub(crate) async fn send(self: Arc<Self>, request: Request, reader: Arc<Reader>) -> Outcome {
        if !is_document(&request) {
            return self.http.send(request).await;
        }
        let document = Document {
            url: request.url.clone(),
            headers: request.headers.clone(),
            max_body_bytes: request.max_body_bytes,
        };
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let mut running = match self.join(&document, request, &reader) {
            Ok(running) => running,
            Err(fetched) => {
                reader.has_read(document, &fetched);
                return fetched.outcome;
            }
        };
        let response = async {
            match running.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(fetched)) => {
                    reader.has_read(document, fetched);
                    fetched.outcome.clone()
                }
                // Its task was cancelled, because the runtime is shutting down.
                Ok(None) | Err(_) => Err(HttpError::Internal(None)),
            }
        };
        tokio::time::timeout(timeout, response)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    fn join(
        self: &Arc<Self>,
        document: &Document,
        request: Request,
        reader: &Reader,
    ) -> Result<watch::Receiver<Option<Fetched>>, Fetched> {
        let now = Instant::now();
        let cooldown = self.cooldown.get().copied().unwrap_or_default();
        let mut documents = self.documents();
        documents.retain(|_, history| history.is_needed(now, cooldown));
        let plan = documents.get(document).map_or(Plan::Fetch, |history| {
            history.plan(reader.has_read_until(document), now, cooldown)
        });
        match plan {
            Plan::Join(running) => Ok(running.subscribe()),
            Plan::Reuse(fetched) => Err(fetched),
            Plan::Fetch => {
                let (running, receiver) = watch::channel(None);
                let running = Arc::new(running);
                // A gate has no more documents. Any further one would not be shared.
                if documents.len() < MAX_DOCUMENTS || documents.contains_key(document) {
                    let history = documents.entry(document.clone()).or_default();
                    history.running = Some(Arc::clone(&running));
                }
                drop(documents);
                tokio::spawn(Arc::clone(self).run(document.clone(), request, running));
                Ok(receiver)
            }
        }
    }

    async fn run(
        self: Arc<Self>,
        document: Document,
        request: Request,
        running: Arc<RunningFetch>,
    ) {
        let exchange = self.http.send(request);
        tokio::pin!(exchange);
        let outcome = loop {
            tokio::select! {
                outcome = &mut exchange => break Some(outcome),
                () = running.closed() => {
                    // No task waits, unless one has joined since.
                    if self.abandon(&document, &running) {
                        break None;
                    }
                }
            }
        };
        let Some(outcome) = outcome else { return };
        let fetched = Fetched {
            at: Instant::now(),
            outcome,
        };
        let mut documents = self.documents();
        if let Some(history) = Self::history_of(&mut documents, &document, &running) {
            history.record(&fetched);
        }
        running.send_replace(Some(fetched));
    }

    fn abandon(&self, document: &Document, running: &Arc<RunningFetch>) -> bool {
        let mut documents = self.documents();
        let abandoned = running.receiver_count() == 0;
        if abandoned && let Some(history) = Self::history_of(&mut documents, document, running) {
            history.running = None;
        }
        abandoned
    }

    fn history_of<'a>(
        documents: &'a mut HashMap<Document, History>,
        document: &Document,
        running: &Arc<RunningFetch>,
    ) -> Option<&'a mut History> {
        let ours = |other: &Arc<RunningFetch>| Arc::ptr_eq(other, running);
        documents
            .get_mut(document)
            .filter(|history| history.running.as_ref().is_some_and(ours))
    }

    fn documents(&self) -> MutexGuard<'_, HashMap<Document, History>> {
        self.documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::bindings::tollgate::auth::http_client::Response;

    const COOLDOWN: Duration = Duration::from_secs(30);

    fn fetched(at: Instant, status: u16) -> Fetched {
        Fetched {
            at,
            outcome: Ok(Response {
                status,
                headers: vec![],
                body: vec![],
            }),
        }
    }

    fn request(method: &str, headers: &[&str], body: Option<&str>) -> Request {
        Request {
            method: method.into(),
            url: "https://login.example.com/token".into(),
            headers: headers
                .iter()
                .map(|&name| (name.into(), "x".into()))
                .collect(),
            body: body.map(|body| body.into()),
            timeout_ms: 1,
            max_body_bytes: 1,
        }
    }

    #[test]
    fn token_requests_are_not_shared() {
        assert!(is_document(&request("GET", &["accept"], None)));
        assert!(!is_document(&request("POST", &[], None)));
        assert!(!is_document(&request("GET", &[], Some("a=b"))));
        assert!(!is_document(&request("GET", &["Authorization"], None)));
    }

    fn after(at: Instant, seconds: u64) -> Instant {
        at + Duration::from_secs(seconds)
    }

    #[test]
    fn a_store_reuses_what_another_one_fetched() {
        let begun = Instant::now();
        let mut history = History::default();
        assert!(matches!(history.plan(None, begun, COOLDOWN), Plan::Fetch));
        history.record(&fetched(begun, 200));
        let plan = |read, seconds| history.plan(read, after(begun, seconds), COOLDOWN);
        assert!(matches!(plan(None, 29), Plan::Reuse(_)));
        assert!(matches!(plan(None, 30), Plan::Fetch), "too old");
        assert!(
            matches!(plan(Some(begun), 1), Plan::Fetch),
            "it needs a newer one"
        );
    }

    #[test]
    fn all_stores_together_fetch_twice_in_a_cooldown() {
        let begun = Instant::now();
        let mut history = History::default();
        history.record(&fetched(begun, 200));
        let second = after(begun, 5);
        history.record(&fetched(second, 200));
        let plan = |seconds| history.plan(Some(second), after(begun, seconds), COOLDOWN);
        assert!(matches!(plan(6), Plan::Reuse(_)));
        assert!(matches!(plan(30), Plan::Fetch));
    }

    #[test]
    fn a_failure_is_not_shared() {
        let begun = Instant::now();
        let mut history = History::default();
        history.record(&fetched(begun, 500));
        assert!(matches!(history.plan(None, begun, COOLDOWN), Plan::Fetch));
        assert!(!history.is_needed(begun, COOLDOWN));
    }

    #[test]
    fn a_reader_that_caught_up_has_read_what_came_before() {
        let document = Document {
            url: "https://a.example/jwks".into(),
            headers: vec![],
            max_body_bytes: 1,
        };
        let reader = Reader::default();
        assert_eq!(reader.has_read_until(&document), None);
        let begun = Instant::now();
        reader.has_read(document.clone(), &fetched(begun, 200));
        assert_eq!(reader.has_read_until(&document), Some(begun));
        reader.caught_up();
        assert!(reader.has_read_until(&document) >= Some(begun));
    }
}
