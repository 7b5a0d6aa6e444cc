//! Whether a request's token is one for this API (RFC 6750, RFC 9068 section 4).

use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate_core::jose::{CompactJws, VerifyError};

use super::Upstream;
use crate::issuer::access_token::now;
use crate::issuer::own_token::actors;
use crate::issuer::remote_keys::RemoteKeysError;

/// Whom a request's token speaks for: the answer of `/me`.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub(super) struct Caller {
    /// `sub`: the user.
    subject: String,
    /// `client_id`: the application.
    client_id: Option<String>,
    /// The subjects in `act`, the one who acts now first.
    actors: Vec<String>,
    scopes: Vec<String>,
    audience: Vec<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// No credentials, or none of a kind that counts.
    NoToken,
    /// The token does not count.
    InvalidToken(&'static str),
    /// The issuer's keys are not to be had: the token may be good.
    NoKeys,
}

impl Upstream {
    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = bearer(headers).ok_or(Refusal::NoToken)?;
        let invalid = Refusal::InvalidToken;
        let jws = CompactJws::parse(token).map_err(|_| invalid("not a signed JWT"))?;
        let typ = jws.header().typ.as_deref().unwrap_or_default();
        let typ = typ.to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "at+jwt" {
            return Err(invalid("not an access token"));
        }
        // Before any key is fetched.
        let claims = serde_json::from_slice(jws.payload()).map_err(|_| invalid("no claims"))?;
        let caller = read(&self.issuer, &self.resource, &claims, now()).map_err(invalid)?;
        match self.keys.verify(token).await {
            Ok(_) => Ok(caller),
            Err(RemoteKeysError::Verify(VerifyError::NoKey | VerifyError::Signature)) => {
                Err(invalid("not signed by the issuer"))
            }
            Err(error) => {
                tracing::warn!(%error, "the issuer's keys");
                Err(Refusal::NoKeys)
            }
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    is_bearer.then(|| token.trim_matches(' '))
}

fn read(
    issuer: &str,
    resource: &str,
    claims: &Map<String, Value>,
    now: i64,
) -> Result<Caller, &'static str> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(issuer) {
        return Err("of another issuer");
    }
    let audience: Vec<String> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => {
            let names = several.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    if !audience.iter().any(|aud| aud == resource) {
        return Err("for another audience");
    }
    // Seconds of this millennium are exact.
    let now = now as f64;
    let expires_at = claims.get("exp").and_then(Value::as_f64);
    if expires_at.is_none_or(|expires_at| expires_at <= now) {
        return Err("expired");
    }
    let not_before = claims.get("nbf").map(Value::as_f64);
    if not_before.is_some_and(|nbf| nbf.is_none_or(|nbf| nbf > now)) {
        return Err("not valid yet");
    }
    let subject = text("sub").filter(|subject| !subject.is_empty());
    let scopes = text("scope").unwrap_or_default();
    Ok(Caller {
        subject: subject.ok_or("without a subject")?.to_owned(),
        client_id: text("client_id").map(str::to_owned),
        actors: actors(claims.get("act")),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        audience,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(change: Value) -> Result<Caller, &'static str> {
        let mut claims = json!({
            "iss": "http://i", "aud": "http://u", "sub": "alice", "exp": 1000, "client_id": "app",
            "scope": "a b", "act": { "sub": "app", "act": { "sub": "agent" } },
        });
        for (name, value) in change.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let claims = claims.as_object().expect("an object");
        read("http://i", "http://u", claims, 999)
    }

    #[test]
    fn a_caller_is_read_from_the_claims() {
        let caller = check(json!({ "aud": ["x", "http://u"] })).expect("valid");
        assert_eq!(
            json!(caller),
            json!({
                "subject": "alice", "client_id": "app", "actors": ["app", "agent"],
                "scopes": ["a", "b"], "audience": ["x", "http://u"],
            })
        );
    }

    #[test]
    fn tokens_for_others_are_refused() {
        for (change, problem) in [
            (json!({"iss": "http://j"}), "of another issuer"),
            (json!({"aud": "http://u/"}), "for another audience"),
            (json!({"aud": []}), "for another audience"),
            (json!({"aud": null}), "for another audience"),
            (json!({"exp": 999}), "expired"),
            (json!({"exp": "1000"}), "expired"),
            (json!({"nbf": 1000}), "not valid yet"),
            (json!({"nbf": "x"}), "not valid yet"),
            (json!({"sub": ""}), "without a subject"),
        ] {
            assert_eq!(check(change.clone()), Err(problem), "{change}");
        }
    }
}
