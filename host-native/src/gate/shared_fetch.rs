//! One exchange for all stores that want the same document at the same time.
//!
//! Each store has its own key engine, and each of them asks when it first needs a key set. They
//! share what they fetch, so that the issuer sees one request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::bindings::tollgate::auth::http_client::{HttpError, Request};
use super::exchange::{HttpClient, Outcome};

/// How long a document serves stores that ask later. Far below the least time that keys count as
/// fresh, so that no store works with keys much older than it believes.
const RECENT: Duration = Duration::from_secs(5);

/// Remembered documents: two for each of the 32 issuers that a gate may have.
const MAX_REMEMBERED: usize = 64;

/// Exchanges under way and just ended.
#[derive(Debug)]
pub(super) struct SharedFetch {
    http: HttpClient,
    flights: Mutex<HashMap<Document, Arc<Flight>>>,
}

/// What makes two requests ask for the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Document {
    url: String,
    headers: Vec<(String, String)>,
    max_body_bytes: u32,
}

#[derive(Debug)]
struct Flight {
    landed: watch::Sender<Option<Landed>>,
}

#[derive(Clone, Debug)]
struct Landed {
    at: Instant,
    outcome: Outcome,
}

impl SharedFetch {
    pub(super) fn new(http: HttpClient) -> Self {
        Self {
            http,
            flights: Mutex::default(),
        }
    }

    /// Sends the request, or joins one that asks for the same.
    pub(super) async fn send(self: Arc<Self>, request: Request) -> Outcome {
        let credentials = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
        if request.method != "GET"
            || request.body.is_some()
            || request.headers.iter().any(credentials)
        {
            return self.http.send(request).await;
        }
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let mut landed = self.join(request);
        let arrival = async {
            match landed.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(landed)) => landed.outcome.clone(),
                // Its task ended without a word: the runtime is shutting down.
                Ok(None) | Err(_) => Err(HttpError::Internal(None)),
            }
        };
        tokio::time::timeout(timeout, arrival)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    fn join(self: &Arc<Self>, request: Request) -> watch::Receiver<Option<Landed>> {
        let document = Document {
            url: request.url.clone(),
            headers: request.headers.clone(),
            max_body_bytes: request.max_body_bytes,
        };
        let mut flights = self.flights();
        flights.retain(|_, flight| {
            flight
                .landed
                .borrow()
                .as_ref()
                .is_none_or(Landed::is_recent)
        });
        if let Some(flight) = flights.get(&document) {
            return flight.landed.subscribe();
        }
        let (landed, receiver) = watch::channel(None);
        let flight = Arc::new(Flight { landed });
        if flights.len() < MAX_REMEMBERED {
            flights.insert(document.clone(), Arc::clone(&flight));
        }
        drop(flights);
        tokio::spawn(Arc::clone(self).fly(document, request, flight));
        receiver
    }

    async fn fly(self: Arc<Self>, document: Document, request: Request, flight: Arc<Flight>) {
        let exchange = self.http.send(request);
        tokio::pin!(exchange);
        let outcome = loop {
            tokio::select! {
                outcome = &mut exchange => break outcome,
                () = flight.landed.closed() => {
                    // Nobody waits, unless somebody joined between that and this.
                    let mut flights = self.flights();
                    if flight.landed.receiver_count() == 0 {
                        Self::forget(&mut flights, &document, &flight);
                        return;
                    }
                }
            }
        };
        // What failed, the next one tries again: each store waits before it does.
        let keep = matches!(&outcome, Ok(response) if response.status == 200);
        let mut flights = self.flights();
        if !keep {
            Self::forget(&mut flights, &document, &flight);
        }
        flight.landed.send_replace(Some(Landed {
            at: Instant::now(),
            outcome,
        }));
    }

    fn forget(
        flights: &mut HashMap<Document, Arc<Flight>>,
        document: &Document,
        flight: &Arc<Flight>,
    ) {
        if flights
            .get(document)
            .is_some_and(|other| Arc::ptr_eq(other, flight))
        {
            flights.remove(document);
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Document, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Landed {
    fn is_recent(&self) -> bool {
        self.at.elapsed() < RECENT
    }
}
