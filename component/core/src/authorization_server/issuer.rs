//! The authorization server as its host sees it: requests in, responses out.

use std::rc::Rc;

use super::authorization_endpoint::AuthorizationError;
use super::authorization_request::{Approval, AuthorizationRequest};
use super::compile::compile;
use super::config::Config;
use super::grants::{GrantPage, TokenInfo};
use super::hooks::Hooks;
use super::rejection::Rejection;
use super::server::Server;
use super::storage::Storage;
use crate::answer::Answer;
use crate::capability::{Header, Host};
use crate::config_error::{ConfigError, Origins};
use crate::secret::Secret;
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
        hooks: Rc<dyn Hooks>,
    ) -> Result<Self, ConfigError> {
        let naming = config.naming.unwrap_or_default();
        let settings = compile(config, &host.verifying_algorithms())
            .map_err(|error| error.spelled(naming, &Origins::default()))?;
        let storage = Storage::new(store, Scheduler::new(host));
        Ok(Self {
            server: Rc::new(Server::new(settings, storage, hooks)),
        })
    }

    /// Checks an access token of this server for a resource. `None`: it is not valid, or was
    /// revoked, or is for another resource.
    ///
    /// # Errors
    /// The task's result says why the token could not be checked.
    #[must_use]
    pub fn check_token(
        &self,
        token: Secret,
        resource: String,
    ) -> Task<Result<Option<TokenInfo>, Rejection>> {
        self.task(async move |server: &Server| server.token_info(token.expose(), &resource).await)
    }

    /// A page of a user's grants, in a stable order: those that exist during the whole walk are
    /// each on one page. `cursor` is that of the page before.
    ///
    /// # Errors
    /// The task's result says why they could not be read.
    #[must_use]
    pub fn user_grants(
        &self,
        user_id: String,
        cursor: Option<String>,
    ) -> Task<Result<GrantPage, Rejection>> {
        self.task(async move |server: &Server| {
            server.user_grants(&user_id, cursor.as_deref()).await
        })
    }

    /// Revokes a user's grant with all its tokens. Returns whether there was one.
    ///
    /// # Errors
    /// The task's result says why it may still be valid.
    #[must_use]
    pub fn revoke_grant(&self, user_id: String, grant_id: String) -> Task<Result<bool, Rejection>> {
        self.task(async move |server: &Server| server.revoke_grant(&user_id, &grant_id).await)
    }

    /// Revokes all grants of a user, and returns how many there were.
    ///
    /// # Errors
    /// The task's result says why some may still be valid. Call it again then.
    #[must_use]
    pub fn revoke_user(&self, user_id: String) -> Task<Result<u32, Rejection>> {
        self.task(async move |server: &Server| server.revoke_user(&user_id).await)
    }

    /// Whether a URL is one of the server's endpoints.
    #[must_use]
    pub fn serves(&self, url: &str) -> bool {
        self.server.endpoint(url).is_some()
    }

    /// Answers a request: with a 404 if it is not for one of the server's endpoints.
    #[must_use]
    pub fn respond(&self, request: Request) -> Task<Answer> {
        self.task(async move |server: &Server| {
            let Some(endpoint) = server.endpoint(&request.url) else {
                return Answer::error(404, "not_found", "the server has no such endpoint");
            };
            server.respond(endpoint, &request).await
        })
    }

    /// Reads an authorization request, for an application with pages of its own: the query of a
    /// `GET`, or the form of a `POST`.
    ///
    /// The result of the task is an error if the request is refused: the application sends
    /// [`AuthorizationError::answer`].
    #[must_use]
    pub fn parse_authorization_request(
        &self,
        request: Request,
    ) -> Task<Result<AuthorizationRequest, AuthorizationError>> {
        self.task(async move |server: &Server| server.read_authorization(&request).await)
    }

    /// Issues a code for an approved request. Returns the URL that the user's browser is to go to.
    /// Everything in the request is checked again: it may have travelled through a form. Whether
    /// the user approved just this request is not: that is the application's part, together with
    /// its protection of the form (RFC 9700 section 4.7).
    #[must_use]
    pub fn complete_authorization(
        &self,
        request: AuthorizationRequest,
        approval: Approval,
    ) -> Task<Result<String, Rejection>> {
        self.task(async move |server: &Server| server.complete(&request, approval).await)
    }

    /// Answers a request that the user denied. Returns the URL that the browser is to go to, with
    /// `access_denied`. Client and redirect URI are checked again.
    #[must_use]
    pub fn deny_authorization(
        &self,
        request: AuthorizationRequest,
    ) -> Task<Result<String, Rejection>> {
        self.task(async move |server: &Server| {
            server.refuse(&request, &Rejection::AccessDenied).await
        })
    }

    pub(super) fn task<T: 'static>(
        &self,
        work: impl AsyncFnOnce(&Server) -> T + 'static,
    ) -> Task<T> {
        let server = Rc::clone(&self.server);
        let scheduler = Rc::clone(server.scheduler());
        Task::new(scheduler, async move { work(&server).await })
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.server.settings.issuer)
            .finish_non_exhaustive()
    }
}
