//! The authorization endpoint (RFC 6749 section 3.1), on this server's own pages or on those of the
//! application.

use super::authorization_parameters::{Redirect, Refused};
use super::authorization_request::{Approval, AuthorizationRequest};
use super::authorization_response::see_other;
use super::issuer::Request;
use super::pages::PagesFor;
use super::rejection::Rejection;
use super::server::Server;
use super::sign_in::SignIn;
use crate::answer::Answer;

/// An authorization request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationError {
    /// Why.
    pub rejection: Rejection,
    /// The client's redirect URI with the error (RFC 6749 section 4.1.2.1). `None` if client or
    /// redirect URI are not proven: then the user must not be redirected.
    pub redirect: Option<String>,
    /// The complete response: the redirect, or a page that says what happened.
    pub answer: Box<Answer>,
}

impl Server {
    /// The pages in the language of a request.
    pub(super) fn pages(&self, request: &Request) -> PagesFor<'_> {
        self.settings
            .pages
            .for_languages(request.header("accept-language"))
    }

    /// See [`super::AuthorizationServer::parse_authorization_request`].
    pub(super) async fn read_authorization(
        &self,
        request: &Request,
    ) -> Result<AuthorizationRequest, AuthorizationError> {
        let parsed = self.parse_authorization(request).await;
        let parsed = parsed.map_err(|refused| self.authorization_error(request, refused));
        Ok(parsed?.0)
    }

    fn authorization_error(&self, request: &Request, refused: Refused) -> AuthorizationError {
        let Refused {
            rejection,
            redirect,
        } = refused;
        let redirect = redirect.map(|own| own.with_error(&self.settings.issuer, &rejection));
        let mut answer = match &redirect {
            Some(url) => see_other(url.clone()),
            None => self.pages(request).refusal(&rejection),
        };
        answer.reason = Some(rejection.wire().reason);
        AuthorizationError {
            rejection,
            redirect,
            answer: Box::new(answer),
        }
    }

    /// Issues a code. Returns the URL that the user's browser goes to.
    pub(super) async fn complete(
        &self,
        request: &AuthorizationRequest,
        approval: Approval,
    ) -> Result<String, Rejection> {
        let client = self.recheck_authorization(request).await?;
        self.settings.check_scopes(&client, &approval.scopes)?;
        let code = self.issue_code(request, approval).await?;
        Ok(redirect_of(request).with_code(&self.settings.issuer, &code))
    }

    /// Refuses a request. Returns the URL that the user's browser goes to.
    pub(super) async fn refuse(
        &self,
        request: &AuthorizationRequest,
        rejection: &Rejection,
    ) -> Result<String, Rejection> {
        self.recheck_authorization(request).await?;
        Ok(redirect_of(request).with_error(&self.settings.issuer, rejection))
    }

    /// `GET` or `POST` to the authorization endpoint, on this server's own pages.
    pub(super) async fn authorization_endpoint(
        &self,
        sign_in: &SignIn,
        request: &Request,
    ) -> Answer {
        let (asked, client) = match self.parse_authorization(request).await {
            Ok(parsed) => parsed,
            Err(refused) => return *self.authorization_error(request, refused).answer,
        };
        let redirect = redirect_of(&asked);
        let pages = self.pages(request);
        let started = self.start_sign_in(sign_in, pages, request, (asked, &client));
        match started.await {
            Ok(answer) => answer,
            Err(rejection @ (Rejection::LoginRequired | Rejection::ConsentRequired)) => {
                let refused = Refused {
                    rejection,
                    redirect: Some(redirect),
                };
                *self.authorization_error(request, refused).answer
            }
            Err(rejection) => pages.refusal(&rejection),
        }
    }
}

fn redirect_of(request: &AuthorizationRequest) -> Redirect {
    Redirect {
        uri: request.redirect_uri.clone(),
        state: request.state.clone(),
    }
}
