//! The authorization server as its host sees it: requests in, responses out.

use std::rc::Rc;

use super::compile::compile;
use super::config::Config;
use super::server::Server;
use super::storage::Storage;
use crate::answer::Answer;
use crate::capability::{Header, Host};
use crate::config_error::{ConfigError, Origins};
use crate::store::Store;
use crate::task::{Scheduler, Task};

/// A request. The host passes on what it received, unchanged.
#[derive(Clone)]
pub struct Request {
    /// The method as it was sent.
    pub method: String,
    /// The absolute URL. A host on a server builds it from its own scheme and the `Host` header.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<Header>,
    /// The body. A host may refuse one that is longer than [`AuthorizationServer::MAX_BODY_BYTES`].
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// Every value of a header.
    pub(super) fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// See the module. Clones share keys and caches.
#[derive(Clone)]
pub struct AuthorizationServer {
    pub(super) server: Rc<Server>,
}

impl AuthorizationServer {
    /// The longest body that any endpoint reads.
    pub const MAX_BODY_BYTES: usize = super::parameters::FORM_BYTES;

    /// Checks the whole configuration, without I/O.
    ///
    /// # Errors
    /// The first part of it that cannot work.
    pub fn new(
        config: &Config,
        host: Rc<dyn Host>,
        store: Rc<dyn Store>,
    ) -> Result<Self, ConfigError> {
        let naming = config.naming.unwrap_or_default();
        let settings =
            compile(config).map_err(|error| error.spelled(naming, &Origins::default()))?;
        let storage = Storage::new(store, Scheduler::new(host));
        Ok(Self {
            server: Rc::new(Server::new(settings, storage)),
        })
    }

    /// Answers a request to one of the server's endpoints. `None` for any other path.
    #[must_use]
    pub fn respond(&self, request: Request) -> Option<Task<Answer>> {
        let endpoint = self.server.endpoint(&request.url)?;
        let server = Rc::clone(&self.server);
        let scheduler = Rc::clone(server.scheduler());
        Some(Task::new(scheduler, async move {
            server.respond(endpoint, &request).await
        }))
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.server.settings.issuer)
            .finish_non_exhaustive()
    }
}
