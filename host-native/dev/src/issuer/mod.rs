//! A real OAuth issuer for development and tests.
//!
//! It serves metadata, keys and tokens over HTTP on a loopback address (client credentials, token
//! exchange, refresh), and rotates its keys, fails and issues malformed tokens on command. Its
//! clients have well-known secrets, so it must never protect anything.
//!
//! ```
//! use tollgate_dev::issuer::{DevIssuer, Options, TokenSpec};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = DevIssuer::start(Options::default()).await?;
//! let token = issuer.mint(TokenSpec { scopes: vec!["mcp:read".into()], ..Default::default() }).await;
//! assert_eq!(issuer.stats().jwks, 0);
//! # Ok(())
//! # }
//! ```

mod access_token;
pub(crate) mod admin;
mod audit;
mod client_assertion;
mod client_authentication;
mod client_credentials;
mod client_registration;
mod clients;
mod form;
mod issuer_url;
mod key_ring;
mod metadata;
mod outage;
mod own_token;
mod policy;
mod refresh_token;
mod remote_keys;
pub(crate) mod server;
mod signatures;
mod signing_key;
mod stats;
mod token_endpoint;
mod token_exchange;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};

pub use access_token::TokenSpec;
pub use audit::{AuditAction, AuditEvent};
pub use client_registration::{ClientError, ClientSpec};
pub use issuer_url::{IssuerUrl, IssuerUrlError};
pub use metadata::Discovery;
pub use outage::{Endpoint, Outage, OutageMode};
pub use policy::{Policy, PolicyError};
pub use signing_key::{Algorithm, UnknownAlgorithm};
pub use stats::Stats;

use audit::AuditLog;
use client_assertion::UsedAssertions;
use clients::Clients;
use key_ring::KeyRing;
use policy::Policies;
use refresh_token::RefreshTokens;

/// Options of an issuer.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on. Port 0 selects a free one. Default: a free port of 127.0.0.1.
    pub address: SocketAddr,
    /// Allows an address that other machines can reach. Anyone who reaches it can get any token.
    pub danger_allow_remote: bool,
    /// The issuer's identifier. Default: the origin of its address.
    pub issuer: IssuerUrl,
    /// `aud` of tokens that are requested without `resource` and `audience`.
    pub audience: String,
    /// How long tokens are valid, in seconds.
    pub token_lifetime: u64,
    /// `max-age` of metadata and keys, in seconds; 0 is `no-store`.
    pub jwks_max_age: u32,
    /// The signature algorithm, unless a request names one.
    pub algorithm: Algorithm,
    /// The algorithms with a published key from the start. Generating an RSA key takes up to a
    /// second. Other algorithms get a key when they are first requested.
    pub published: Vec<Algorithm>,
    /// Derives the keys from this text, the same in each run. Default: from entropy.
    pub seed: Option<String>,
    /// Which metadata documents there are.
    pub discovery: Discovery,
    /// A different `jwks_uri` for the metadata. The issuer still serves its own.
    pub jwks_uri: Option<String>,
    /// Clients in addition to the built-in ones.
    pub clients: Vec<ClientSpec>,
    /// Policies from the start.
    pub policies: Vec<Policy>,
}

/// The default of [`Options::audience`].
pub const DEFAULT_AUDIENCE: &str = "http://127.0.0.1:8787";

impl Default for Options {
    /// Starts quickly, because only ES256 has a key.
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            danger_allow_remote: false,
            issuer: IssuerUrl::Origin,
            audience: DEFAULT_AUDIENCE.to_owned(),
            token_lifetime: 600,
            jwks_max_age: 300,
            algorithm: Algorithm::Es256,
            published: vec![Algorithm::Es256],
            seed: None,
            discovery: Discovery::Both,
            jwks_uri: None,
            clients: Vec::new(),
            policies: Vec::new(),
        }
    }
}

/// Why an issuer could not be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not a loopback address, and `danger_allow_remote` is not set.
    NotLoopback(SocketAddr),
    /// The address is not available.
    Bind(SocketAddr, io::Error),
    /// A client in [`Options::clients`] is invalid.
    Client(ClientError),
    /// A policy in [`Options::policies`] is invalid.
    Policy(PolicyError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "{address} is reachable from other machines, and anyone who reaches this issuer can get \
                 any token: listen on 127.0.0.1 or [::1]"
            ),
            Self::Bind(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Client(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// A running issuer. It stops when this is dropped.
pub struct DevIssuer {
    issuer: SharedIssuer,
    address: SocketAddr,
    server: AbortHandle,
}

impl fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevIssuer")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl DevIssuer {
    /// Generates the published keys, then listens.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let wanted = options.address;
        if !wanted.ip().is_loopback() && !options.danger_allow_remote {
            return Err(StartError::NotLoopback(wanted));
        }
        let clients = Clients::new(&options.clients).map_err(StartError::Client)?;
        let policies = Policies::new(&clients, &options.policies).map_err(StartError::Policy)?;
        let bind = |error| StartError::Bind(wanted, error);
        let listener = TcpListener::bind(wanted).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;

        let seed = match &options.seed {
            Some(text) => Sha256::digest(text).into(),
            None => key_ring::fresh_seed(),
        };
        let issuer = Arc::new(Issuer {
            url: options.issuer.resolve(address),
            ring: Mutex::new(KeyRing::new(seed)),
            stats: stats::Counters::default(),
            outage: watch::Sender::new(Outage::default()),
            clients: Mutex::new(clients),
            policies: Mutex::new(policies),
            audit: Mutex::default(),
            refresh_tokens: Mutex::default(),
            assertions: Mutex::default(),
            options,
        });
        let published = issuer.options.published.clone();
        let jobs: Vec<_> = published
            .into_iter()
            .map(|algorithm| spawn_blocking(issuer.ring().next_key(algorithm)))
            .collect();
        for job in jobs {
            let key = job.await.expect("key generation does not panic");
            issuer.ring().publish(key, true);
        }

        let router = server::router(&issuer);
        let server = tokio::spawn(server::serve(listener, router)).abort_handle();
        Ok(Self {
            issuer,
            address,
            server,
        })
    }

    /// The issuer, as in `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.issuer.url
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Signs a token without a request.
    pub async fn mint(&self, spec: TokenSpec) -> String {
        self.issuer.issue(spec).await.token
    }

    /// Signs with a new key from now on and returns its `kid`. The older keys of the algorithm
    /// stay published if `keep`.
    pub async fn rotate(&self, algorithm: Algorithm, keep: bool) -> String {
        self.issuer.rotate(algorithm, keep).await
    }

    /// Starts an outage.
    pub fn set_outage(&self, outage: Outage) {
        self.issuer.outage.send_replace(outage);
    }

    /// Registers a client until the next reset, and replaces another one with the same id.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn register_client(&self, client: ClientSpec) -> Result<(), ClientError> {
        self.issuer.clients().add(client).map(drop)
    }

    /// Sets a policy for token exchange until the next reset, and replaces another one for the same
    /// client and resource.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn set_policy(&self, policy: Policy) -> Result<(), PolicyError> {
        self.issuer.set_policy(policy)
    }

    /// The decisions of the token endpoint after the event with this number, oldest first, at most
    /// the last 1,000. 0 returns all of them.
    #[must_use]
    pub fn audit(&self, since: u64) -> Vec<AuditEvent> {
        self.issuer.audit().since(since)
    }

    /// How many requests each group of endpoints has received.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.issuer.stats.snapshot()
    }

    /// Resets the counts, ends any outage, and removes everything that was added since the start:
    /// clients and policies, refresh tokens, audit events, used assertions and fetched keys of
    /// clients. Keys of the issuer stay.
    pub fn reset(&self) {
        self.issuer.reset();
    }
}

impl Drop for DevIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type SharedIssuer = Arc<Issuer>;

/// What the endpoints share.
struct Issuer {
    options: Options,
    url: String,
    ring: Mutex<KeyRing>,
    stats: stats::Counters,
    outage: watch::Sender<Outage>,
    clients: Mutex<Clients>,
    policies: Mutex<Policies>,
    audit: Mutex<AuditLog>,
    refresh_tokens: Mutex<RefreshTokens>,
    assertions: Mutex<UsedAssertions>,
}

/// No code under one of the locks can leave its value inconsistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Issuer {
    /// The URL without a slash at its end: endpoints are built on it.
    fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    fn token_endpoint(&self) -> String {
        format!("{}/token", self.base())
    }

    /// The path of `base`; empty, or begins with a slash.
    fn path(&self) -> &str {
        let base = self.base();
        let authority = base.find("://").map_or(0, |scheme| scheme + 3);
        base[authority..]
            .find('/')
            .map_or("", |path| &base[authority + path..])
    }

    fn ring(&self) -> MutexGuard<'_, KeyRing> {
        lock(&self.ring)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        lock(&self.clients)
    }

    fn policies(&self) -> MutexGuard<'_, Policies> {
        lock(&self.policies)
    }

    fn audit(&self) -> MutexGuard<'_, AuditLog> {
        lock(&self.audit)
    }

    fn refresh_tokens(&self) -> MutexGuard<'_, RefreshTokens> {
        lock(&self.refresh_tokens)
    }

    fn assertions(&self) -> MutexGuard<'_, UsedAssertions> {
        lock(&self.assertions)
    }

    fn set_policy(&self, policy: Policy) -> Result<(), PolicyError> {
        if self.clients().find(&policy.client).is_none() {
            return Err(PolicyError::UnknownClient);
        }
        self.policies().set(policy)
    }

    async fn signing_key(&self, algorithm: Algorithm) -> Arc<signing_key::SigningKey> {
        loop {
            if let Some(key) = self.ring().signing(algorithm) {
                return key;
            }
            self.rotate(algorithm, true).await;
        }
    }

    async fn rotate(&self, algorithm: Algorithm, keep: bool) -> String {
        let job = self.ring().next_key(algorithm);
        let key = spawn_blocking(job)
            .await
            .expect("key generation does not panic");
        let kid = key.kid().to_owned();
        self.ring().publish(key, keep);
        kid
    }

    fn reset(&self) {
        self.stats.reset();
        self.clients().reset();
        self.policies().reset();
        self.audit().reset();
        self.refresh_tokens().reset();
        self.assertions().reset();
        self.outage.send_replace(Outage::default());
    }
}
