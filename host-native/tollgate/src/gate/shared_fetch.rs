//! Shares one exchange between all stores that need the same document.
//!
//! Each store limits its own fetches. Sharing the documents keeps the number of requests to the
//! issuer close to that of a single store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::bindings::tollgate::auth::http_client::{HttpError, Request};
use super::exchange::{HttpClient, Outcome};

/// How many documents are kept: two for each of the 32 issuers that a gate may have.
const MAX_DOCUMENTS: usize = 64;

/// Running exchanges, and recent documents.
#[derive(Debug)]
pub(super) struct SharedFetch {
    http: HttpClient,
    /// The minimum time between two fetches of a document by one store. In this time, all stores
    /// together fetch it at most twice: once because they need it, and once because it lacked a
    /// key.
    cooldown: Duration,
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
    flight: Option<Arc<Flight>>,
    latest: Option<Landed>,
    /// When the one before `latest` arrived.
    before: Option<Instant>,
}

type Flight = watch::Sender<Option<Landed>>;

#[derive(Clone, Debug)]
struct Landed {
    at: Instant,
    outcome: Outcome,
}

/// What one store has already received, so that it receives a document twice only if necessary.
#[derive(Debug, Default)]
pub(super) struct Reader(Mutex<Horizon>);

#[derive(Debug, Default)]
struct Horizon {
    /// When the documents that it got arrived.
    documents: HashMap<Document, Instant>,
    /// When it took over the keys of another store.
    caught_up: Option<Instant>,
}

impl Reader {
    /// The store has taken over the keys of another one.
    pub(super) fn caught_up(&self) {
        self.horizon().caught_up = Some(Instant::now());
    }

    fn has_read_until(&self, document: &Document) -> Option<Instant> {
        let horizon = self.horizon();
        horizon
            .documents
            .get(document)
            .copied()
            .max(horizon.caught_up)
    }

    fn has_read(&self, document: Document, landed: &Landed) {
        let mut horizon = self.horizon();
        if horizon.documents.len() >= MAX_DOCUMENTS {
            horizon.documents.clear();
        }
        horizon.documents.insert(document, landed.at);
    }

    fn horizon(&self) -> MutexGuard<'_, Horizon> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The action for a store's request.
#[derive(Debug)]
enum Plan {
    Join(Arc<Flight>),
    Reuse(Landed),
    Fetch,
}

impl History {
    /// `read` is when the newest document that the store has read arrived.
    fn plan(&self, read: Option<Instant>, now: Instant, cooldown: Duration) -> Plan {
        if let Some(flight) = &self.flight {
            return Plan::Join(Arc::clone(flight));
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

    fn land(&mut self, landed: &Landed) {
        self.flight = None;
        // After a failure, the next request tries again. Each store waits before it does.
        if matches!(&landed.outcome, Ok(response) if response.status == 200) {
            let previous = self.latest.replace(landed.clone());
            self.before = previous.map(|previous| previous.at);
        }
    }

    /// Whether there is a reason to keep it.
    fn matters(&self, now: Instant, cooldown: Duration) -> bool {
        let recent = |landed: &Landed| now.saturating_duration_since(landed.at) < cooldown;
        self.flight.is_some() || self.latest.as_ref().is_some_and(recent)
    }
}

/// Whether a request is for a public document, which all stores can share. Token requests are never
/// shared.
pub(super) fn is_document(request: &Request) -> bool {
    let credentials = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    request.method == "GET" && request.body.is_none() && !request.headers.iter().any(credentials)
}

impl SharedFetch {
    pub(super) fn new(http: HttpClient, cooldown: Duration) -> Self {
        Self {
            http,
            cooldown,
            documents: Mutex::default(),
        }
    }

    /// Returns the response, from a new exchange or a shared one.
    pub(super) async fn send(self: Arc<Self>, request: Request, reader: Arc<Reader>) -> Outcome {
        if !is_document(&request) {
            return self.http.send(request).await;
        }
        let document = Document {
            url: request.url.clone(),
            headers: request.headers.clone(),
            max_body_bytes: request.max_body_bytes,
        };
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let mut flight = match self.join(&document, request, &reader) {
            Ok(flight) => flight,
            Err(landed) => {
                reader.has_read(document, &landed);
                return landed.outcome;
            }
        };
        let arrival = async {
            match flight.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(landed)) => {
                    reader.has_read(document, landed);
                    landed.outcome.clone()
                }
                // Its task was cancelled, because the runtime is shutting down.
                Ok(None) | Err(_) => Err(HttpError::Internal(None)),
            }
        };
        tokio::time::timeout(timeout, arrival)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    fn join(
        self: &Arc<Self>,
        document: &Document,
        request: Request,
        reader: &Reader,
    ) -> Result<watch::Receiver<Option<Landed>>, Landed> {
        let now = Instant::now();
        let mut documents = self.documents();
        documents.retain(|_, history| history.matters(now, self.cooldown));
        let plan = documents.get(document).map_or(Plan::Fetch, |history| {
            history.plan(reader.has_read_until(document), now, self.cooldown)
        });
        match plan {
            Plan::Join(flight) => Ok(flight.subscribe()),
            Plan::Reuse(landed) => Err(landed),
            Plan::Fetch => {
                let (flight, receiver) = watch::channel(None);
                let flight = Arc::new(flight);
                // A gate has no more documents. Any further one would not be shared.
                if documents.len() < MAX_DOCUMENTS || documents.contains_key(document) {
                    let history = documents.entry(document.clone()).or_default();
                    history.flight = Some(Arc::clone(&flight));
                }
                drop(documents);
                tokio::spawn(Arc::clone(self).fly(document.clone(), request, flight));
                Ok(receiver)
            }
        }
    }

    async fn fly(self: Arc<Self>, document: Document, request: Request, flight: Arc<Flight>) {
        let exchange = self.http.send(request);
        tokio::pin!(exchange);
        let outcome = loop {
            tokio::select! {
                outcome = &mut exchange => break Some(outcome),
                () = flight.closed() => {
                    // No task waits, unless one has joined since.
                    if self.give_up(&document, &flight) {
                        break None;
                    }
                }
            }
        };
        let Some(outcome) = outcome else { return };
        let landed = Landed {
            at: Instant::now(),
            outcome,
        };
        let mut documents = self.documents();
        if let Some(history) = Self::flown_by(&mut documents, &document, &flight) {
            history.land(&landed);
        }
        flight.send_replace(Some(landed));
    }

    fn give_up(&self, document: &Document, flight: &Arc<Flight>) -> bool {
        let mut documents = self.documents();
        let abandoned = flight.receiver_count() == 0;
        if abandoned && let Some(history) = Self::flown_by(&mut documents, document, flight) {
            history.flight = None;
        }
        abandoned
    }

    fn flown_by<'a>(
        documents: &'a mut HashMap<Document, History>,
        document: &Document,
        flight: &Arc<Flight>,
    ) -> Option<&'a mut History> {
        let ours = |other: &Arc<Flight>| Arc::ptr_eq(other, flight);
        documents
            .get_mut(document)
            .filter(|history| history.flight.as_ref().is_some_and(ours))
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
    use crate::gate::bindings::tollgate::auth::http_client::Response;

    const COOLDOWN: Duration = Duration::from_secs(30);

    fn landed(at: Instant, status: u16) -> Landed {
        Landed {
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
    fn what_is_somebodys_is_not_shared() {
        assert!(is_document(&request("GET", &["accept"], None)));
        assert!(!is_document(&request("POST", &[], None)));
        assert!(!is_document(&request("GET", &[], Some("a=b"))));
        assert!(!is_document(&request("GET", &["Authorization"], None)));
    }

    fn after(at: Instant, seconds: u64) -> Instant {
        at + Duration::from_secs(seconds)
    }

    #[test]
    fn a_store_that_is_behind_gets_what_another_one_fetched() {
        let begun = Instant::now();
        let mut history = History::default();
        assert!(matches!(history.plan(None, begun, COOLDOWN), Plan::Fetch));
        history.land(&landed(begun, 200));
        let plan = |read, seconds| history.plan(read, after(begun, seconds), COOLDOWN);
        assert!(matches!(plan(None, 29), Plan::Reuse(_)));
        assert!(matches!(plan(None, 30), Plan::Fetch), "too old");
        assert!(
            matches!(plan(Some(begun), 1), Plan::Fetch),
            "it wants a newer one"
        );
    }

    #[test]
    fn all_stores_together_fetch_twice_in_a_cooldown() {
        let begun = Instant::now();
        let mut history = History::default();
        history.land(&landed(begun, 200));
        let second = after(begun, 5);
        history.land(&landed(second, 200));
        let plan = |seconds| history.plan(Some(second), after(begun, seconds), COOLDOWN);
        assert!(matches!(plan(6), Plan::Reuse(_)));
        assert!(matches!(plan(30), Plan::Fetch));
    }

    #[test]
    fn a_failure_is_not_shared() {
        let begun = Instant::now();
        let mut history = History::default();
        history.land(&landed(begun, 500));
        assert!(matches!(history.plan(None, begun, COOLDOWN), Plan::Fetch));
        assert!(!history.matters(begun, COOLDOWN));
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
        reader.has_read(document.clone(), &landed(begun, 200));
        assert_eq!(reader.has_read_until(&document), Some(begun));
        reader.caught_up();
        assert!(reader.has_read_until(&document) >= Some(begun));
    }
}
