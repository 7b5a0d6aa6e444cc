//! An API to call on behalf of users, for demonstrations and tests. It is protected by the gate of
//! the crate `tollgate`: it takes only tokens that are meant for it, and says whom they speak for.
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

/// How an upstream API starts. It listens on 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where; 0 takes a free port.
    pub port: u16,
    /// `iss` of the tokens that it takes: `https:`, or `http:` on a loopback address. Its metadata
    /// say where its keys are.
    pub issuer: String,
    /// Its own name: what must be in `aud`, compared by code points. Default: its origin, such as
    /// `http://127.0.0.1:9500`.
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

/// Why an upstream API does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The port cannot be had.
    Bind(u16, io::Error),
    /// The gate in front of it cannot be built: because of the issuer's URL, for instance.
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
    /// Answered with the identity.
    pub accepted: u64,
    /// Refused for their token, or for want of one.
    pub refused: u64,
    /// Refused on command, whatever their token.
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
    /// Listens. The issuer is not asked before the first token comes.
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
            // It answers few requests.
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

    /// Where it is, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What must be in `aud`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.upstream.resource
    }

    /// Answers the next `count` requests 401, whatever their token.
    pub fn reject_next(&self, count: u64) {
        self.upstream.to_reject.store(count, Ordering::Relaxed);
    }

    /// What it has answered.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.upstream.stats()
    }

    /// Zeroes the counts and rejects nothing more.
    pub fn reset(&self) {
        self.upstream.reset();
    }
}

impl Drop for DevUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Takes tokens of `issuer` that have `resource` in `aud`, which need not be a URL.
fn config(origin: String, issuer: &str, resource: &str) -> Config {
    let mut config = Config::new(origin).issuer(Issuer::new(issuer).audience(resource));
    config.keys = Some(KeyPolicy {
        // A withdrawn key stops counting while one watches, and a new one is found at once.
        max_fresh: Some(60),
        cooldown: Some(1),
        ..KeyPolicy::default()
    });
    config
}

/// What the endpoints share.
struct Upstream {
    resource: String,
    /// How many requests are still to be rejected on command.
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
