//! The admin address: health, readiness and metrics. It has no authentication, so only the operator
//! may reach it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tollgate::issuer::{Issuer, SqliteStore};

use super::metrics::{self, Metrics};

/// See the module.
pub(super) struct Admin {
    pub(super) issuer: Issuer,
    pub(super) store: Option<SqliteStore>,
    pub(super) metrics: Arc<Metrics>,
    /// Set when the program stops, so that no new requests are sent to it.
    pub(super) is_stopping: Arc<AtomicBool>,
}

impl Admin {
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let (status, text) = match request.uri().path() {
            "/healthz" | "/readyz" | "/metrics" if !is_read => {
                (StatusCode::METHOD_NOT_ALLOWED, "use GET\n".to_owned())
            }
            "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => self.readiness().await,
            "/metrics" => {
                // Of what was answered before.
                self.issuer.flush_audit().await;
                let text = self.metrics.text(&self.issuer, self.store.as_ref());
                (StatusCode::OK, text)
            }
            _ => (
                StatusCode::NOT_FOUND,
                "there are /healthz, /readyz and /metrics\n".to_owned(),
            ),
        };
        let media_type = match request.uri().path() {
            "/metrics" if status == StatusCode::OK => metrics::CONTENT_TYPE,
            _ => "text/plain; charset=utf-8",
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        Ok(response)
    }

    async fn readiness(&self) -> (StatusCode, String) {
        let answer = |text: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n"));
        if self.is_stopping.load(Ordering::Relaxed) {
            return answer("the program is stopping");
        }
        match self.issuer.check_store().await {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(_) => answer("the store does not answer: see the log"),
        }
    }
}
