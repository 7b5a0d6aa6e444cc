//! Which endpoint a request is for.

use super::issuer::Request;
use super::rejection::Rejection;
use super::server::Server;
use crate::answer::Answer;
use crate::http_url::HttpUrl;
use crate::limits;

/// An endpoint of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Revocation,
    Introspection,
    Keys,
}

impl Server {
    /// The endpoint of a URL. Only exact paths are endpoints: there is no other spelling.
    pub(super) fn endpoint(&self, url: &str) -> Option<Endpoint> {
        if url.len() > limits::URL_BYTES {
            return None;
        }
        let url = HttpUrl::parse(url).ok()?;
        let endpoints = &self.settings.endpoints;
        match url.path() {
            path if path == endpoints.token => Some(Endpoint::Token),
            path if path == endpoints.revocation => Some(Endpoint::Revocation),
            path if path == endpoints.introspection => Some(Endpoint::Introspection),
            path if path == endpoints.keys => Some(Endpoint::Keys),
            _ => None,
        }
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        endpoint: Endpoint,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        match endpoint {
            Endpoint::Token => self.token_endpoint(request).await,
            Endpoint::Revocation => self.revocation_endpoint(request).await,
            Endpoint::Introspection => self.introspection_endpoint(request).await,
            Endpoint::Keys => self.keys_endpoint(request).await,
        }
    }
}
