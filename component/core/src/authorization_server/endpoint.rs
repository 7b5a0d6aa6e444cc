//! Which endpoint a request is for.

use super::issuer::Request;
use super::rejection::Rejection;
use super::server::Server;
use super::{cors, metadata};
use crate::answer::Answer;
use crate::http_url::HttpUrl;
use crate::limits;

/// An endpoint of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Registration,
    Metadata,
}

impl Endpoint {
    /// The methods that a script in a browser may use. `None`: the endpoint is not for scripts.
    const fn methods_for_scripts(self) -> Option<&'static str> {
        match self {
            Self::Token | Self::Registration => Some("POST"),
            Self::Metadata => Some("GET, HEAD"),
        }
    }
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
            path if path == endpoints.registration && self.settings.registration.is_some() => {
                Some(Endpoint::Registration)
            }
            path if metadata::is_metadata(path, self.settings.base_path()) => {
                Some(Endpoint::Metadata)
            }
            _ => None,
        }
    }

    /// Answers a request, and lets scripts read the answer if the endpoint is for them.
    pub(super) async fn respond(&self, endpoint: Endpoint, request: &Request) -> Answer {
        let methods = endpoint.methods_for_scripts();
        if let Some(answer) = methods.and_then(|methods| cors::preflight(request, methods)) {
            return answer;
        }
        let answer = self.answer(endpoint, request).await;
        let mut answer = answer.unwrap_or_else(|rejection: Rejection| rejection.answer());
        if methods.is_some() {
            cors::allow_any_origin(&mut answer);
        }
        answer
    }

    async fn answer(&self, endpoint: Endpoint, request: &Request) -> Result<Answer, Rejection> {
        match endpoint {
            Endpoint::Token => self.token_endpoint(request).await,
            Endpoint::Registration => self.registration_endpoint(request).await,
            Endpoint::Metadata => self.metadata_endpoint(request),
        }
    }
}
