//! An API to call on behalf of users, for demonstrations and tests. The gate of the crate
//! `tollgate` protects it: it accepts only tokens with its own audience, and returns the identity
//! in them.
//!
//! ```
//! use tollgate_dev::issuer::DevIssuer;
//! use tollgate_dev::upstream::{DevUpstream, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = DevIssuer::start(Default::default()).await?;
//! let upstream = DevUpstream::start(Options::new(issuer.url())).await?;
//! assert_eq!(upstream.stats().accepted, 0);
//! # Ok(())
//! # }
//! ```

mod server;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tollgate::{BuildError, Config, Gate, Issuer, KeyPolicy};

use crate::issuer::server::serve;

/// Options of an upstream API. It listens on 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port. 0 selects a free one.
    pub port: u16,
    /// `iss` of accepted tokens: `https:`, or `http:` on a loopback address. Its keys are found by
    /// its metadata.
    pub issuer: String,
    /// Its resource identifier, which must be in `aud`, compared by code points. Default: its
    /// origin, such as `http://127.0.0.1:9500`.
    pub resource: Option<String>,
}

impl Options {
    /// A free port, and the origin as resource.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            port: 0,
            issuer: issuer.into(),
            resource: None,
        }
    }
}

/// Why an upstream API could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The port is not available.
    Bind(u16, io::Error),
    /// Its gate cannot be built, for example because of the issuer's URL.
    Gate(BuildError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(port, error) => write!(f, "cannot listen on 127.0.0.1:{port}: {error}"),
            Self::Gate(error) => write!(f, "cannot protect the API: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Requests to `/me` since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stats {
    /// Requests that were answered with the identity.
    pub accepted: u64,
    /// Requests that were refused because of a missing or invalid token.
    pub refused: u64,
    /// Requests that were refused on command, whatever their token.
    pub rejected: u64,
}

/// A running upstream API. It stops when this is dropped.
pub struct DevUpstream {
    upstream: Arc<Upstream>,
    address: SocketAddr,
    server: AbortHandle,
}

impl fmt::Debug for DevUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevUpstream")
            .field("url", &self.url())
            .field("resource", &self.resource())
            .finish_non_exhaustive()
    }
}

impl DevUpstream {
    /// Starts listening. The issuer is not contacted before the first token arrives.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let bind = |error| StartError::Bind(options.port, error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let origin = format!("http://{address}");
        let resource = options.resource.unwrap_or_else(|| origin.clone());
        let gate = Gate::builder(config(origin, &options.issuer, &resource))
            // One store suffices for few requests.
            .stores(NonZeroUsize::MIN)
            .build()
            .await
            .map_err(StartError::Gate)?;
        let upstream = Arc::new(Upstream {
            resource,
            to_reject: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        });
        let router = server::router(&upstream, gate);
        let server = tokio::spawn(serve(listener, router)).abort_handle();
        Ok(Self {
            upstream,
            address,
            server,
        })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The required audience of tokens.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.upstream.resource
    }

    /// Answers the next `count` requests with 401, whatever their token.
    pub fn reject_next(&self, count: u64) {
        self.upstream.to_reject.store(count, Ordering::Relaxed);
    }

    /// The counts of its responses.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.upstream.stats()
    }

    /// Resets the counts, and ends rejections on command.
    pub fn reset(&self) {
        self.upstream.reset();
    }
}

impl Drop for DevUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts tokens of `issuer` that have `resource` in `aud`, which need not be a URL.
fn config(origin: String, issuer: &str, resource: &str) -> Config {
    let mut config = Config::new(origin).issuer(Issuer::new(issuer).audience(resource));
    config.keys = Some(KeyPolicy {
        // Short times, so that a withdrawn key is refused soon and a new one is found at once.
        max_fresh: Some(60),
        cooldown: Some(1),
        ..KeyPolicy::default()
    });
    config
}

/// What the endpoints share.
struct Upstream {
    resource: String,
    /// How many more requests to reject on command.
    to_reject: AtomicU64,
    accepted: AtomicU64,
    refused: AtomicU64,
    rejected: AtomicU64,
}

impl Upstream {
    fn stats(&self) -> Stats {
        Stats {
            accepted: self.accepted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }

    fn reset(&self) {
        for counter in [
            &self.to_reject,
            &self.accepted,
            &self.refused,
            &self.rejected,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}
