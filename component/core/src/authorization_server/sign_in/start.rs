//! The start of a flow, and the choice of a way to sign in.

use super::SignIn;
use super::flow::{Flow, SignedIn, Step};
use crate::answer::Answer;
use crate::authorization_server::authorization_request::AuthorizationRequest;
use crate::authorization_server::authorization_response::see_other;
use crate::authorization_server::client::Client;
use crate::authorization_server::issuer::Request;
use crate::authorization_server::pages::{ClientView, PagesFor};
use crate::authorization_server::parameters::Parameters;
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::server::Server;
use crate::http_url::HttpUrl;

impl Server {
    /// Signs a user in for a valid request.
    ///
    /// # Errors
    /// The user cannot sign in. [`Rejection::LoginRequired`] and [`Rejection::ConsentRequired`] are
    /// for the client.
    pub(in super::super) async fn start_sign_in(
        &self,
        sign_in: &SignIn,
        pages: PagesFor<'_>,
        request: &Request,
        (asked, client): (AuthorizationRequest, &Client),
    ) -> Result<Answer, Rejection> {
        let header = sign_in.trusted_header.as_ref();
        let user = header.map(|header| header.user(request)).transpose()?;
        if let Some(user) = user.flatten() {
            if asked.prompt.none
                && !self
                    .has_consented(sign_in, &asked, client, &user.user_id)
                    .await?
            {
                return Err(Rejection::ConsentRequired);
            }
            let (mut flow, cookie) = self.start_flow(asked, Step::Started).await?;
            let answer = self.sign_flow_in(sign_in, &mut flow, user).await?;
            return Ok(self.with_cookies(answer, cookie, request));
        }
        if asked.prompt.none {
            return Err(Rejection::LoginRequired);
        }
        let users = &sign_in.development_users;
        if sign_in.providers.is_empty() && users.is_empty() {
            return Err(Rejection::SignIn(SignInFailure::NoUser));
        }
        let (flow, cookie) = self.start_flow(asked, Step::Started).await?;
        let answer = match &*sign_in.providers {
            [only] if users.is_empty() => see_other(self.upstream_request(only, &flow).await?),
            providers => {
                let names = providers.iter().map(|own| (&*own.id, &*own.name));
                let names: Vec<_> = names.collect();
                let view = ClientView::new(client);
                let action = &self.settings.endpoints.sign_in;
                pages.sign_in(&view, &names, users, &flow.handle, action)
            }
        };
        Ok(self.with_cookies(answer, cookie, request))
    }

    fn with_cookies(&self, mut answer: Answer, cookie: String, request: &Request) -> Answer {
        for removed in self.surplus_cookies(request) {
            answer.push("set-cookie", removed);
        }
        answer.push("set-cookie", cookie);
        answer
    }

    /// The user's choice: `GET` for a provider, `POST` for a development user.
    pub(in super::super) async fn choose_sign_in(
        &self,
        sign_in: &SignIn,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        let parameters = match request.method.as_str() {
            "GET" => query(request)?,
            "POST" => {
                self.check_own_form(request)?;
                Parameters::from_form(&request.headers, &request.body)?
            }
            _ => return Err(Rejection::Method("GET, POST")),
        };
        let mut flow = self.open_flow(request, parameters.get("flow")).await?;
        if flow.step != Step::Started {
            return Ok(self.to_consent(&flow));
        }
        if request.method == "GET" {
            let with = parameters.required("with")?;
            let mut providers = sign_in.providers.iter();
            let provider = providers.find(|own| own.id == with);
            let provider = provider.ok_or(Rejection::BadParameter("with"))?;
            return Ok(see_other(self.upstream_request(provider, &flow).await?));
        }
        let user = parameters.required("user")?;
        if !sign_in.development_users.iter().any(|own| own == user) {
            return Err(Rejection::BadParameter("user"));
        }
        let user = SignedIn {
            user_id: user.to_owned(),
            shown: user.to_owned(),
            by_header: false,
            props: props("development", "{}"),
            upstream: None,
        };
        self.sign_flow_in(sign_in, &mut flow, user).await
    }

    /// The user is known: on to consent, or to the client if the user has consented before. If
    /// another request was faster, its user counts.
    pub(super) async fn sign_flow_in(
        &self,
        sign_in: &SignIn,
        flow: &mut Flow,
        user: SignedIn,
    ) -> Result<Answer, Rejection> {
        let is_first = self
            .advance_flow(flow, Step::SignedIn(user.clone()))
            .await?;
        let client = self.client(&flow.request.client_id).await?;
        if is_first
            && self
                .has_consented(sign_in, &flow.request, &client, &user.user_id)
                .await?
            && let Some(url) = self.allow(flow, user).await?
        {
            return Ok(see_other(url));
        }
        let mut answer = self.to_consent(flow);
        answer.push("set-cookie", self.flow_cookie(flow));
        Ok(answer)
    }

    pub(super) fn to_consent(&self, flow: &Flow) -> Answer {
        let path = &self.settings.endpoints.consent;
        see_other(format!("{}?flow={}", self.settings.url(path), flow.handle))
    }

    /// Whether a form comes from a page of this server. Only browsers send these headers; the
    /// cookie of the flow and its handle must fit as well.
    pub(super) fn check_own_form(&self, request: &Request) -> Result<(), Rejection> {
        let origin = self.settings.issuer_url.origin();
        let mut sites = request.header_values("sec-fetch-site");
        let mut origins = request.header_values("origin");
        if sites.all(|site| site == "same-origin") && origins.all(|own| own == origin) {
            Ok(())
        } else {
            Err(Rejection::SignIn(SignInFailure::CrossSite))
        }
    }
}

/// What the application gets with each token of a grant.
pub(super) fn props(provider: &str, claims: &str) -> String {
    format!("{{\"provider\":\"{provider}\",\"claims\":{claims}}}")
}

/// The query of a request that was already found to be a URL.
pub(super) fn query(request: &Request) -> Result<Parameters, Rejection> {
    let url = HttpUrl::parse(&request.url).map_err(|_| Rejection::BadUrl)?;
    Parameters::parse(url.query().unwrap_or_default().as_bytes())
}
