//! Which endpoint a request is for.

use super::issuer::Request;
use super::rejection::{Rejection, SignInFailure};
use super::server::Server;
use super::{cors, metadata};
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
    Authorization,
    /// The choice of a way to sign in.
    SignIn,
    /// The answer of the identity provider with this index.
    Callback(usize),
    /// The user's decision.
    Consent,
    Registration,
    Metadata,
}

impl Endpoint {
    /// The methods that a script in a browser may use. `None`: the endpoint is not for scripts.
    const fn methods_for_scripts(self) -> Option<&'static str> {
        match self {
            Self::Token | Self::Revocation | Self::Registration => Some("POST"),
            Self::Metadata | Self::Keys => Some("GET, HEAD"),
            Self::Introspection
            | Self::Authorization
            | Self::SignIn
            | Self::Callback(_)
            | Self::Consent => None,
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
            path if path == endpoints.revocation => Some(Endpoint::Revocation),
            path if path == endpoints.introspection => Some(Endpoint::Introspection),
            path if path == endpoints.keys => Some(Endpoint::Keys),
            path if path == endpoints.registration && self.settings.registration.is_some() => {
                Some(Endpoint::Registration)
            }
            path if metadata::is_metadata(path, self.settings.base_path()) => {
                Some(Endpoint::Metadata)
            }
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
            Endpoint::Revocation => self.revocation_endpoint(request).await,
            Endpoint::Introspection => self.introspection_endpoint(request).await,
            Endpoint::Keys => self.keys_endpoint(request).await,
            Endpoint::Registration => self.registration_endpoint(request).await,
            Endpoint::Metadata => self.metadata_endpoint(request),
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
