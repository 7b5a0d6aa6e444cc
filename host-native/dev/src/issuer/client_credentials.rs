//! Client credentials (RFC 6749, section 4.4), with parameters for malformed tokens.

use serde_json::{Map, Value};

use super::SharedIssuer;
use super::access_token::TokenSpec;
use super::audit::Draft;
use super::clients::Client;
use super::form::Form;
use super::token_endpoint::{TokenError, answer, requested_scopes, requested_targets};

pub(super) async fn grant(
    issuer: &SharedIssuer,
    client: &Client,
    form: &Form,
    draft: &mut Draft,
) -> Result<Value, TokenError> {
    if client.public {
        // RFC 6749, section 4.4: only confidential clients.
        return Err(TokenError::UnauthorizedClient(
            "a public client gets nothing for itself",
        ));
    }
    let spec = read(client, form)?;
    let scopes = spec.scopes.clone();
    draft.subject = Some(spec.subject.clone().unwrap_or_else(|| client.id.clone()));
    let refresh_token = match form.get("issue_refresh") {
        Some("true") if spec.subject.is_some() => Some(issuer.refresh_tokens().start(&spec)),
        Some("true") => {
            return Err(TokenError::InvalidRequest("issue_refresh needs a subject"));
        }
        Some("false") | None => None,
        Some(_) => {
            return Err(TokenError::InvalidRequest(
                "issue_refresh must be true or false",
            ));
        }
    };
    let mut answer = answer(issuer.issue(spec).await, scopes, draft);
    if let Some(refresh_token) = refresh_token {
        answer["refresh_token"] = refresh_token.into();
    }
    Ok(answer)
}

fn read(client: &Client, form: &Form) -> Result<TokenSpec, TokenError> {
    let scopes = requested_scopes(form)?;
    if !scopes.iter().all(|scope| client.may(scope)) {
        return Err(TokenError::InvalidScope);
    }
    Ok(TokenSpec {
        client_id: Some(client.id.clone()),
        subject: form.get("subject").map(str::to_owned),
        audiences: requested_targets(form)?,
        scopes,
        algorithm: form
            .get("alg")
            .map(str::parse)
            .transpose()
            .map_err(|_| TokenError::InvalidRequest("alg is not one that this issuer has"))?,
        typ: form.get("typ").map(str::to_owned),
        lifetime: form
            .get("expires_in")
            .map(str::parse)
            .transpose()
            .map_err(|_| TokenError::InvalidRequest("expires_in must be seconds"))?,
        claims: object(form.get("claims"))?,
        header: object(form.get("header"))?,
    })
}

fn object(json: Option<&str>) -> Result<Map<String, Value>, TokenError> {
    json.map(serde_json::from_str)
        .transpose()
        .map(Option::unwrap_or_default)
        .map_err(|_| TokenError::InvalidRequest("claims and header must be JSON objects"))
}

#[cfg(test)]
mod tests {
    use super::super::clients::Clients;
    use super::*;

    fn request(client: &str, body: &str) -> Result<TokenSpec, TokenError> {
        let clients = Clients::new(&[]).expect("valid");
        let client = clients.find(client).expect("built in");
        read(&client, &Form::parse(body.as_bytes())?)
    }

    #[test]
    fn refusals() {
        for (body, problem) in [
            ("alg=HS256", "alg is not one that this issuer has"),
            ("expires_in=soon", "expires_in must be seconds"),
            ("claims=[]", "claims and header must be JSON objects"),
            ("header=1", "claims and header must be JSON objects"),
        ] {
            let refused = request("demo", body).map(drop);
            assert_eq!(refused, Err(TokenError::InvalidRequest(problem)), "{body}");
        }
    }

    #[test]
    fn a_client_gets_only_its_scopes() {
        assert!(request("limited", "scope=mcp:read").is_ok());
        let refused = request("limited", "scope=mcp:read+mcp:write").map(drop);
        assert_eq!(refused, Err(TokenError::InvalidScope));
    }
}
