//! An API to call on behalf of users, for demonstrations and tests: it takes only tokens that are
//! meant for it, and says whom they speak for.
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

mod access;
mod server;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::Url;

use crate::issuer::remote_keys::{KeySource, RemoteKeys};
use crate::issuer::server::serve;

/// How an upstream API starts. It listens on 127.0.0.1.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where; 0 takes a free port.
    pub port: u16,
    /// `iss` of the tokens that it takes: an `http:` URL with RFC 8414 metadata.
    pub issuer: String,
    /// Its own name: what must be in `aud`, compared by code points. Left out: its origin, such
    /// as `http://127.0.0.1:9500`.
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
    /// The issuer is not an `http:` URL.
    Issuer,
    /// The port cannot be had.
    Bind(u16, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer => {
                f.write_str("the issuer must be an http URL, as in the `iss` of tokens")
            }
            Self::Bind(port, error) => write!(f, "cannot listen on 127.0.0.1:{port}: {error}"),
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
        let issuer = Url::parse(&options.issuer).ok();
        let issuer = issuer.filter(|url| url.scheme() == "http");
        let issuer = issuer.ok_or(StartError::Issuer)?;
        let bind = |error| StartError::Bind(options.port, error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let resource = options.resource;
        let upstream = Arc::new(Upstream {
            resource: resource.unwrap_or_else(|| format!("http://{address}")),
            issuer: options.issuer,
            keys: RemoteKeys::new(KeySource::Issuer(issuer)),
            to_reject: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        });
        let router = server::router(&upstream);
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

    /// Zeroes the counts, rejects nothing more, and forgets the issuer's keys.
    pub fn reset(&self) {
        self.upstream.reset();
    }
}

impl Drop for DevUpstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the endpoints share.
struct Upstream {
    issuer: String,
    resource: String,
    keys: RemoteKeys,
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
        self.keys.forget();
    }
}
