//! Around the issuer's service: a time limit, metrics, and a line of the log for each request.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tollgate::Refusal;
use tollgate::issuer::IssuerService;
use tower_service::Service;

use super::metrics::Metrics;

/// See the module.
pub(super) struct Front {
    pub(super) service: IssuerService,
    pub(super) metrics: Arc<Metrics>,
    pub(super) request_timeout: Duration,
    pub(super) trust_forwarded_for: bool,
}

/// Counts a request as long as it is being answered, also if its client goes away.
struct InFlight<'a>(&'a Metrics);

impl<'a> InFlight<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

impl Front {
    pub(super) async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let started = Instant::now();
        let _in_flight = InFlight::new(&self.metrics);
        let client = self.client(peer, request.headers());
        let method = request.method().clone();
        // Not the query: it has codes and `state`.
        let path = request.uri().path().to_owned();
        let answered = self.service.clone().call(request);
        let response = match tokio::time::timeout(self.request_timeout, answered).await {
            Ok(Ok(response)) => response,
            Err(_) => timed_out(),
        };
        let took = started.elapsed();
        let status = response.status().as_u16();
        let refusal = response.extensions().get::<Refusal>();
        let reason = refusal.map(|refusal| refusal.0.as_str());
        self.metrics.answered(status, reason, took);
        // A path that is none of the issuer's may be anything.
        let path = (status != 404).then_some(path);
        tracing::info!(
            target: "tollgate::requests",
            %client,
            method = ?method.as_str(),
            path = ?path.as_deref().unwrap_or_default(),
            status,
            reason,
            milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        Ok(response)
    }

    /// For the log only.
    fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let value = headers.get_all("x-forwarded-for").iter().next_back()?;
            let last = value.to_str().ok()?.rsplit(',').next()?;
            last.trim().parse().ok()
        };
        let forwarded = self.trust_forwarded_for.then(forwarded).flatten();
        forwarded.unwrap_or(peer.ip())
    }
}

/// What a request did meanwhile may have taken place: the client gets the same answer if it tries
/// again.
fn timed_out() -> Response<Full<Bytes>> {
    let body = r#"{"error":"temporarily_unavailable","error_description":"the server did not answer in time: try again"}"#;
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
        .extensions_mut()
        .insert(Refusal("request-timeout".to_owned()));
    response
}
