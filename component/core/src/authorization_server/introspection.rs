//! Introspection (RFC 7662).

use super::client_rejection::ClientAuthenticationFailure;
use super::issuer::Request;
use super::parameters::Parameters;
use super::rejection::Rejection;
use super::server::Server;
use super::token_check::CheckedToken;
use crate::answer::Answer;
use crate::json::{Json, Object};

impl Server {
    /// The introspection endpoint. A client that authenticates learns about its own tokens, and
    /// about those for resources that the configuration says it serves. Of any other token it
    /// learns only that it is not active.
    pub(super) async fn introspection_endpoint(
        &self,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        if request.method != "POST" {
            return Err(Rejection::Method("POST"));
        }
        let form = Parameters::from_form(&request.headers, &request.body)?;
        let token = form.required("token")?;
        let client = self.authenticate_client(request, &form).await?;
        if client.is_public() {
            // RFC 7662 section 2.1: else anybody could try tokens here.
            let missing = ClientAuthenticationFailure::Missing;
            return Err(Rejection::ClientAuthentication(missing));
        }
        let checked = self.check_access_token(token).await?;
        let visible = checked.filter(|token| {
            let served = |resource: &String| client.serves.contains(resource);
            token.client_id == client.id || token.resources.iter().any(served)
        });
        let mut body = Object::default();
        body.insert("active", Json::Bool(visible.is_some()));
        if let Some(token) = &visible {
            describe(token, &self.settings.issuer, &mut body);
        }
        Ok(Answer::json(200, body.to_string(), "no-store"))
    }
}

fn describe(token: &CheckedToken, issuer: &str, body: &mut Object<'static>) {
    let text = |text: &str| Json::from(text.to_owned());
    body.insert("iss", text(issuer));
    body.insert("sub", text(&token.subject));
    body.insert("client_id", text(&token.client_id));
    if !token.scopes.is_empty() {
        body.insert("scope", text(&token.scopes.join(" ")));
    }
    body.insert("aud", super::access_token::audience(&token.resources));
    body.insert("token_type", text("Bearer"));
    body.insert("iat", Json::Number(token.issued_at.into()));
    body.insert("exp", Json::Number(token.expires_at.into()));
    if let Some(id) = &token.id {
        body.insert("jti", text(id));
    }
    if let Some(actor) = &token.actor {
        body.insert("act", Json::Object(actor.clone()));
    }
}
