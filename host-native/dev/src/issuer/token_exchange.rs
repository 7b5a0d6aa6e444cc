//! Token exchange: an application exchanges a user's token for another one (RFC 8693).

use serde_json::{Map, Value};

use super::SharedIssuer;
use super::access_token::{TokenSpec, now};
use super::audit::Draft;
use super::clients::Client;
use super::form::Form;
use super::own_token::{OwnToken, actors};
use super::token_endpoint::{TokenError, answer, requested_scopes, requested_targets};

/// The accepted and issued token types (RFC 8693, section 3). An access token of this issuer is a
/// JWT.
const TOKEN_TYPES: &[&str] = &[ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt"];

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(super) async fn grant(
    issuer: &SharedIssuer,
    client: &Client,
    form: &Form,
    draft: &mut Draft,
) -> Result<Value, TokenError> {
    let issued_type = form.get("requested_token_type").unwrap_or(ACCESS_TOKEN);
    if !TOKEN_TYPES.contains(&issued_type) {
        return Err(TokenError::InvalidRequest(
            "requested_token_type is not one that this issuer has",
        ));
    }
    let scopes = requested_scopes(form)?;
    let mut audiences = requested_targets(form)?;
    if audiences.is_empty() {
        audiences.push(issuer.options.audience.clone());
    }
    draft.resources.clone_from(&audiences);

    // Before the policies, so that the audit event of a refusal has the user.
    let subject = token(issuer, form, "subject_token", "subject_token_type")?;
    let subject = subject.ok_or(TokenError::InvalidRequest("subject_token is missing"))?;
    draft.subject = Some(subject.subject.clone());
    let actor = token(issuer, form, "actor_token", "actor_token_type")?;

    // RFC 8693, section 4.1: the current actor is the outermost. Without an actor token, that is
    // the application itself.
    let acting = actor.as_ref().map_or(&client.id, |actor| &actor.subject);
    let act = subject.delegate(acting);
    draft.actors = actors(Some(&act));
    if !subject.may_act(acting) {
        return Err(TokenError::InvalidToken {
            parameter: "subject_token",
            problem: "names another who may act",
        });
    }

    let permission = issuer.policies().judge(client, &audiences)?;
    let scopes = permission.grant(client, scopes)?;
    let lifetime = permission.lifetime.unwrap_or(issuer.options.token_lifetime);
    let rest = [Some(&subject), actor.as_ref()]
        .into_iter()
        .flatten()
        .map(|token| token.expires_at - now())
        .min();
    let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);

    let mut claims = Map::new();
    claims.insert("act".to_owned(), act);
    if let Some(session) = subject.claims.get("sid") {
        claims.insert("sid".to_owned(), session.clone());
    }
    let spec = TokenSpec {
        client_id: Some(client.id.clone()),
        subject: Some(subject.subject),
        audiences,
        scopes: scopes.clone(),
        lifetime: Some(rest.map_or(lifetime, |rest| rest.min(lifetime)).max(0)),
        claims,
        ..TokenSpec::default()
    };
    let mut answer = answer(issuer.issue(spec).await, scopes, draft);
    answer["issued_token_type"] = issued_type.into();
    Ok(answer)
}

/// A token of the request, which must come with its type (RFC 8693, section 2.1).
fn token(
    issuer: &SharedIssuer,
    form: &Form,
    parameter: &'static str,
    type_parameter: &str,
) -> Result<Option<OwnToken>, TokenError> {
    let invalid = |problem| TokenError::InvalidToken { parameter, problem };
    match (form.get(parameter), form.get(type_parameter)) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("is missing, although its type is given")),
        (Some(_), None) => Err(invalid("has no token type")),
        (Some(_), Some(kind)) if !TOKEN_TYPES.contains(&kind) => {
            Err(invalid("has a token type that this issuer does not accept"))
        }
        (Some(token), Some(_)) => issuer.read_own(token).map(Some).map_err(invalid),
    }
}
