//! Which endpoint a request is for.

use super::issuer::Request;
use super::rejection::{Rejection, SignInFailure};
use super::server::Server;
use crate::answer::Answer;
use crate::http_url::HttpUrl;
use crate::limits;

/// An endpoint of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Authorization,
    /// The choice of a way to sign in.
    SignIn,
    /// The answer of the identity provider with this index.
    Callback(usize),
    /// The user's decision.
    Consent,
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
            path => self.page_endpoint(path),
        }
    }

    /// The endpoints that people see. Without `sign_in`, the application has them.
    fn page_endpoint(&self, path: &str) -> Option<Endpoint> {
        let sign_in = self.settings.sign_in.as_ref()?;
        let endpoints = &self.settings.endpoints;
        match path {
            path if path == endpoints.authorization => Some(Endpoint::Authorization),
            path if path == endpoints.sign_in => Some(Endpoint::SignIn),
            path if path == endpoints.consent => Some(Endpoint::Consent),
            path => {
                let provider = path.strip_prefix(&*endpoints.callback)?;
                let provider = sign_in.provider_of_callback(provider)?;
                Some(Endpoint::Callback(provider))
            }
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
            other => Ok(self.page(other, request).await),
        }
    }

    /// Answers a request of a browser: errors are pages.
    async fn page(&self, endpoint: Endpoint, request: &Request) -> Answer {
        let pages = self.pages(request);
        let Some(sign_in) = &self.settings.sign_in else {
            return pages.refusal(&Rejection::SignIn(SignInFailure::Expired));
        };
        let result = match endpoint {
            Endpoint::SignIn => self.choose_sign_in(sign_in, request).await,
            Endpoint::Callback(provider) => {
                self.upstream_callback(sign_in, provider, request).await
            }
            Endpoint::Consent => self.consent_endpoint(sign_in, pages, request).await,
            _ => Ok(self.authorization_endpoint(sign_in, request).await),
        };
        result.unwrap_or_else(|rejection| pages.refusal(&rejection))
    }
}
