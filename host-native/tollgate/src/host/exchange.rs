//! HTTP exchanges that the component requests.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::runtime::Handle;
use url::{Host, Url};

use super::spawned::Spawned;
use crate::host::bindings::tollgate::auth::http_client::{HttpError, Request, Response};

/// The outcome of an exchange.
pub(crate) type Outcome = Result<Response, HttpError>;

/// A running exchange: the contract's `pending-response`. Dropping it cancels the exchange.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Debug)]
pub struct Exchange {
    running: Spawned<Outcome>,
    is_document: bool,
}

impl Exchange {
    /// Runs `exchange` on `runtime`, and calls `done` when there is an outcome.
    pub(crate) fn start(
        runtime: &Handle,
        is_document: bool,
        exchange: impl Future<Output = Outcome> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Self {
        let lost = Err(HttpError::Internal(None));
        Self {
            running: Spawned::start(runtime, exchange, lost, done),
            is_document,
        }
    }

    /// Whether it fetches metadata or keys, rather than a token.
    pub(crate) fn is_document(&self) -> bool {
        self.is_document
    }

    /// The outcome, returned once.
    pub(crate) fn poll(&self) -> Option<Outcome> {
        self.running.take()
    }
}

/// Sends requests over pooled connections.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
}

/// How long an unused connection stays open: longer than the pause between the metadata and the
/// key set, shorter than most servers' own limit.
const IDLE: Duration = Duration::from_secs(30);

/// TLS cannot be set up on this machine.
#[derive(Debug)]
pub(crate) struct NoTls(pub(crate) String);

impl HttpClient {
    pub(crate) fn new() -> Result<Self, NoTls> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| NoTls(error.to_string()))?
            .with_no_client_auth();
        let loopback: [SocketAddr; 2] = [
            (Ipv4Addr::LOCALHOST, 0).into(),
            (Ipv6Addr::LOCALHOST, 0).into(),
        ];
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            // A proxy would see plain HTTP to loopback addresses, and its credentials would be
            // added to requests, which must be sent unchanged.
            .no_proxy()
            .referer(false)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            // So that plain HTTP to `localhost` cannot leave the machine.
            .resolve_to_addrs("localhost", &loopback)
            .build()
            .map_err(|error| NoTls(error.to_string()))?;
        Ok(Self { client })
    }

    /// Sends a request of the application. Redirects are not followed.
    pub(crate) fn request(&self, method: http::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Makes one complete exchange. Redirects are not followed, and at most `max_body_bytes` are
    /// read.
    pub(crate) async fn send(&self, request: Request) -> Outcome {
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let exchange = self.exchange(request);
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    async fn exchange(&self, request: Request) -> Outcome {
        let url = permitted(&request.url).ok_or(HttpError::Refused)?;
        let mut builder = match request.method.as_str() {
            "GET" => self.client.get(url),
            "POST" => self.client.post(url),
            _ => return Err(HttpError::Refused),
        };
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(http_error)?;

        let limit = usize::try_from(request.max_body_bytes).unwrap_or(usize::MAX);
        if response
            .content_length()
            .is_some_and(|length| length > request.max_body_bytes.into())
        {
            return Err(HttpError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http_error)? {
            if chunk.len() > limit - body.len() {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response
            .headers()
            .iter()
            // The component reads no header whose value is not ASCII.
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect();
        Ok(Response {
            status: response.status().as_u16(),
            headers,
            body,
        })
    }
}

/// `https:`, or `http:` to a loopback address, and no credentials in the URL.
pub(crate) fn permitted(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let allowed = match (url.scheme(), url.host()?) {
        ("https", _) => true,
        ("http", Host::Domain(name)) => name == "localhost",
        ("http", Host::Ipv4(address)) => address.is_loopback(),
        ("http", Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    allowed.then_some(url)
}

/// The error's text is not passed on, because it may contain text from a server.
fn http_error(error: reqwest::Error) -> HttpError {
    if error.is_builder() {
        HttpError::Refused
    } else if error.is_timeout() {
        HttpError::TimedOut
    } else {
        tracing::debug!(%error, "no response");
        HttpError::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::permitted;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for url in [
            "https://login.example.com/jwks",
            "http://127.0.0.1:9400/jwks",
            "http://localhost:9400/",
            "http://[::1]:1/",
        ] {
            assert!(permitted(url).is_some(), "{url}");
        }
        for url in [
            "http://login.example.com/jwks",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "https://user:password@login.example.com/",
            "https://user@login.example.com/",
            "file:///etc/passwd",
            "/jwks",
            "",
        ] {
            assert!(permitted(url).is_none(), "{url}");
        }
    }
}
