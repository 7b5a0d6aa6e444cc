//! Token exchange (RFC 8693): a client gives an access token of this server and gets one for less,
//! or for another resource.
//!
//! The new token belongs to the grant of the subject token and ends with it: what revokes the one
//! revokes the other. There is no refresh token.

use super::access_token::{AccessTokenRequest, Props};
use super::client::{Client, GrantType};
use super::hooks::{AuditKind, TokenDecisionRequest};
use super::narrowing::{narrowed_resources, narrowed_scopes};
use super::parameters::Parameters;
use super::rejection::Rejection;
use super::server::Server;
use super::token_check::{CheckedToken, not_valid};
use super::token_response::TokenResponse;
use crate::json::{Json, Object};

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Actors within each other: each is an application that called the next. A longer chain is most
/// likely a loop.
const ACTORS: usize = 8;

impl Server {
    pub(super) async fn exchange_token(
        &self,
        client: &Client,
        form: &Parameters,
    ) -> Result<TokenResponse, Rejection> {
        let keys = self.keys().await?;
        check_type(form.required("subject_token_type")?, "subject_token_type")?;
        match form.get("requested_token_type") {
            None | Some(ACCESS_TOKEN) => {}
            Some(_) => return Err(Rejection::BadParameter("requested_token_type")),
        }
        let actor_token = form.get("actor_token");
        match (actor_token, form.get("actor_token_type")) {
            (Some(_), Some(kind)) => check_type(kind, "actor_token_type")?,
            (Some(_), None) => return Err(Rejection::MissingParameter("actor_token_type")),
            (None, Some(_)) => return Err(Rejection::MissingParameter("actor_token")),
            (None, None) => {}
        }
        let subject = form.required("subject_token")?;
        let subject = self.check_access_token(subject).await?;
        let subject = subject.ok_or_else(not_valid)?;
        // A token of another client is that client's: whoever got hold of it must not multiply it.
        if subject.client_id != client.id && !client.exchanges_tokens_of_others {
            return Err(Rejection::UnauthorizedClient("subject_token"));
        }
        let actor = match actor_token {
            None => subject.actor.clone(),
            Some(token) => {
                let actor = self.check_access_token(token).await?;
                let actor = actor.ok_or_else(not_valid)?;
                if actor.client_id != client.id {
                    return Err(Rejection::UnauthorizedClient("actor_token"));
                }
                Some(chain(
                    &actor,
                    &self.settings.issuer,
                    subject.actor.as_ref(),
                )?)
            }
        };
        let scopes = narrowed_scopes(form, &subject.scopes)?;
        self.settings.check_scopes(client, &scopes)?;
        let resources = self.exchanged_resources(form, &subject)?;
        let grant = subject.grant.as_ref();
        let question = TokenDecisionRequest {
            grant_type: GrantType::TokenExchange,
            client_id: client.id.clone(),
            user_id: grant.and_then(|grant| grant.user_id.clone()),
            grant: None,
            granted_scopes: subject.scopes.clone(),
            scopes: scopes.clone(),
            resources: resources.clone(),
            props: match self.hooks.decides_about_tokens() {
                true => subject.props()?,
                false => None,
            },
            upstream: None,
        };
        let decision = self.decide_token(question).await?;
        let scopes = decision.scopes.unwrap_or(scopes);
        let own_props = decision.access_token_props.as_ref();
        let request = AccessTokenRequest {
            client,
            shard: subject.shard,
            grant: subject.grant.as_ref(),
            subject: &subject.subject,
            scopes: &scopes,
            resources: &resources,
            until: Some(subject.expires_at),
            lifetime: decision.access_token_lifetime,
            props: Props::new(
                own_props.or(subject.own_props.as_ref()),
                subject.props_key.as_ref(),
            ),
            actor,
        };
        let token = self.issue_access_token(&keys, &request).await?;
        self.store_token(subject.shard, token.records).await?;
        let kind = AuditKind::TokensIssued(GrantType::TokenExchange);
        self.audit(kind, &client.id, grant);
        Ok(TokenResponse {
            access_token: token.text,
            expires_at: token.expires_at,
            refresh_token: None,
            scopes,
            issued_token_type: Some(ACCESS_TOKEN),
        })
    }

    /// `resource` and `audience`: those of the grant; of a client that acts for itself, the
    /// server's.
    fn exchanged_resources(
        &self,
        form: &Parameters,
        subject: &CheckedToken,
    ) -> Result<Vec<String>, Rejection> {
        let all = match &subject.grant {
            Some(grant) => &grant.resources,
            None => &self.settings.resources,
        };
        let targets = form.all("resource").chain(form.all("audience"));
        let resources = narrowed_resources(targets, all)?;
        Ok(resources.unwrap_or_else(|| subject.resources.clone()))
    }
}

fn check_type(kind: &str, parameter: &'static str) -> Result<(), Rejection> {
    if kind == ACCESS_TOKEN || kind == JWT {
        Ok(())
    } else {
        Err(Rejection::BadParameter(parameter))
    }
}

/// `act` of the new token: the actor, and behind it those that acted before (RFC 8693 section 4.1).
fn chain(
    actor: &CheckedToken,
    issuer: &str,
    before: Option<&Object<'static>>,
) -> Result<Object<'static>, Rejection> {
    let mut act = Object::default();
    act.insert("sub", Json::from(actor.subject.clone()));
    act.insert("iss", Json::from(issuer.to_owned()));
    act.insert("client_id", Json::from(actor.client_id.clone()));
    if let Some(before) = before {
        let mut depth = 1;
        let mut inner = before;
        while let Some(next) = inner.get("act").and_then(Json::as_object) {
            depth += 1;
            inner = next;
        }
        if depth >= ACTORS {
            return Err(Rejection::BadParameter("actor_token"));
        }
        act.insert("act", Json::Object(before.clone()));
    }
    Ok(act)
}
