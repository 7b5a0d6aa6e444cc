//! Consent: the page, and the decision.
//!
//! The decision is used once. Of two submissions at the same time, one issues the code; the other
//! waits for it, and gets the same answer. A browser that submits twice cuts the first request, and a
//! host may stop the work for it. So the second takes over soon. An answer counts, and is sent, only
//! when it is written to the flow: a code that was issued and not written is known to nobody, and
//! expires.

use super::SignIn;
use super::flow::{Flow, SignedIn, Step};
use super::start::query;
use crate::answer::Answer;
use crate::authorization_server::authorization_request::Approval;
use crate::authorization_server::authorization_response::see_other;
use crate::authorization_server::issuer::Request;
use crate::authorization_server::pages::{ClientView, ConsentView, PagesFor};
use crate::authorization_server::parameters::Parameters;
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::server::Server;
use crate::store::UnixSeconds;

/// How long a second submission gets the same answer, in seconds. Somebody clicks twice; the browser
/// drops the first answer and follows the second. Later, the client has redeemed the code, and a
/// second use of it would revoke what it gave.
const DOUBLE_SUBMIT: u64 = 5;
/// After so many seconds, another submission takes over. Issuing a code takes far less.
const ISSUING: u64 = 2;
/// How long a second submission waits for the first, in steps of so many milliseconds: until it may
/// take over, and some more.
const WAIT_MS: u64 = 100;
const WAITS: u32 = 50;

impl Server {
    pub(in super::super) async fn consent_endpoint(
        &self,
        sign_in: &SignIn,
        pages: PagesFor<'_>,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        match request.method.as_str() {
            "GET" => self.consent_page(sign_in, pages, request).await,
            "POST" => self.decide(sign_in, pages, request).await,
            _ => Err(Rejection::Method("GET, POST")),
        }
    }

    async fn consent_page(
        &self,
        sign_in: &SignIn,
        pages: PagesFor<'_>,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        let parameters = query(request)?;
        let flow = self.open_flow(request, parameters.get("flow")).await?;
        let user = match &flow.step {
            Step::Started => return Err(Rejection::SignIn(SignInFailure::Expired)),
            Step::SignedIn(user) => user,
            Step::Issuing(user, since) if self.may_take_over(*since) => user,
            Step::Issuing(..) | Step::Answered(..) => {
                return Err(Rejection::SignIn(SignInFailure::Answered));
            }
        };
        check_header(sign_in, request, user)?;
        let client = self.client(&flow.request.client_id).await?;
        Ok(pages.consent(&ConsentView {
            client: &ClientView::new(&client),
            request: &flow.request,
            user: &user.shown,
            handle: &flow.handle,
            action: &self.settings.endpoints.consent,
        }))
    }

    fn may_take_over(&self, since: UnixSeconds) -> bool {
        self.storage.now() >= since + ISSUING
    }

    async fn decide(
        &self,
        sign_in: &SignIn,
        pages: PagesFor<'_>,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        self.check_own_form(request)?;
        let form = Parameters::from_form(&request.headers, &request.body)?;
        let is_allowed = match form.required("decision")? {
            "allow" => true,
            "deny" => false,
            _ => return Err(Rejection::BadParameter("decision")),
        };
        for _ in 0..WAITS {
            let mut flow = self.open_flow(request, form.get("flow")).await?;
            let user = match flow.step.clone() {
                Step::Started => return Err(Rejection::SignIn(SignInFailure::Expired)),
                Step::Answered(url, at) if self.storage.now() <= at + DOUBLE_SUBMIT => {
                    return Ok(pages.forward(&url));
                }
                Step::Answered(..) => break,
                Step::Issuing(_, since) if !self.may_take_over(since) => {
                    self.scheduler().wait(WAIT_MS).await;
                    continue;
                }
                Step::Issuing(user, _) | Step::SignedIn(user) => user,
            };
            check_header(sign_in, request, &user)?;
            let url = if is_allowed {
                self.allow_and_remember(sign_in, &mut flow, user).await?
            } else {
                self.deny(&mut flow, &Rejection::AccessDenied).await?
            };
            // Without a URL, another request was faster: look again what it did.
            if let Some(url) = url {
                return Ok(pages.forward(&url));
            }
        }
        Err(Rejection::SignIn(SignInFailure::Answered))
    }

    /// Issues the code. `None` if another request has answered.
    pub(super) async fn allow(
        &self,
        flow: &mut Flow,
        user: SignedIn,
    ) -> Result<Option<String>, Rejection> {
        let issuing = Step::Issuing(user.clone(), self.storage.now());
        if !self.advance_flow(flow, issuing).await? {
            return Ok(None);
        }
        let approval = Approval {
            user_id: user.user_id.clone(),
            scopes: flow.request.scopes.clone(),
            props: Some(user.props.clone()),
            metadata: None,
            replaces_others: false,
            upstream: user.upstream.clone(),
        };
        match self.complete(&flow.request, approval).await {
            Ok(url) => {
                let answered = Step::Answered(url.clone(), self.storage.now());
                let is_first = self.advance_flow(flow, answered).await?;
                Ok(is_first.then_some(url))
            }
            Err(rejection) => {
                if rejection.is_temporary() {
                    // The user may submit the form again.
                    let _ = self.advance_flow(flow, Step::SignedIn(user)).await;
                }
                Err(rejection)
            }
        }
    }

    async fn allow_and_remember(
        &self,
        sign_in: &SignIn,
        flow: &mut Flow,
        user: SignedIn,
    ) -> Result<Option<String>, Rejection> {
        let user_id = user.user_id.clone();
        let url = self.allow(flow, user).await?;
        if url.is_some() {
            // Without it, the user is asked again.
            let _ = self
                .remember_consent(sign_in, &flow.request, &user_id)
                .await;
        }
        Ok(url)
    }

    /// Answers with an error. `None` if another request has answered.
    async fn deny(
        &self,
        flow: &mut Flow,
        rejection: &Rejection,
    ) -> Result<Option<String>, Rejection> {
        let url = self.refuse(&flow.request, rejection).await?;
        let answered = Step::Answered(url.clone(), self.storage.now());
        let is_first = self.advance_flow(flow, answered).await?;
        Ok(is_first.then_some(url))
    }

    /// The user was not signed in by a provider: the client gets the error.
    pub(super) async fn refuse_flow(
        &self,
        flow: &mut Flow,
        rejection: &Rejection,
    ) -> Result<Answer, Rejection> {
        match self.deny(flow, rejection).await? {
            Some(url) => Ok(see_other(url)),
            None => Ok(self.to_consent(flow)),
        }
    }
}

/// A user whom the reverse proxy named must still be the one.
fn check_header(sign_in: &SignIn, request: &Request, user: &SignedIn) -> Result<(), Rejection> {
    if !user.by_header {
        return Ok(());
    }
    let header = sign_in.trusted_header.as_ref();
    let now = header.map(|header| header.user(request)).transpose()?;
    if now.flatten().is_some_and(|now| now.user_id == user.user_id) {
        Ok(())
    } else {
        Err(Rejection::SignIn(SignInFailure::Expired))
    }
}
