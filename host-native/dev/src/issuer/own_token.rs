//! Tokens of this issuer that are used as `subject_token` or `actor_token` (RFC 8693, section 2.1).

use serde_json::{Map, Value, json};
use tollgate_core::jose::CompactJws;

use super::Issuer;
use super::access_token::now;
use super::signatures::verify_compact;

/// A valid token of this issuer.
#[derive(Debug)]
pub(super) struct OwnToken {
    pub(super) subject: String,
    /// Seconds since 1970.
    pub(super) expires_at: i64,
    pub(super) claims: Map<String, Value>,
}

/// The maximum number of actors in a chain. A longer chain is most likely a loop of applications
/// that call each other.
const MAX_ACTORS: usize = 8;

impl Issuer {
    /// Reads a token that a published key signed and that is valid now. Its audience (`aud`) and
    /// client (`client_id`) are not checked.
    ///
    /// The error continues a sentence that begins with the parameter's name.
    pub(super) fn read_own(&self, token: &str) -> Result<OwnToken, &'static str> {
        let jws = CompactJws::parse(token).map_err(|_| "is not a signed JWT")?;
        // Uses one key rather than the set: preparing all keys for each token would take longer
        // than the check.
        let kid = jws.header().kid.as_deref().unwrap_or_default();
        let key = self.ring().public(kid);
        let key = key.ok_or("is not signed by a published key of this issuer")?;
        let payload = verify_compact(key.to_string().as_bytes(), token)
            .map_err(|_| "is not signed by a published key of this issuer")?;
        let claims = serde_json::from_slice(&payload).map_err(|_| "has no claims")?;
        read(&self.url, claims, now())
    }
}

fn read(issuer: &str, claims: Map<String, Value>, now: i64) -> Result<OwnToken, &'static str> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(issuer) {
        return Err("is from another issuer");
    }
    let subject = text("sub").filter(|subject| !subject.is_empty());
    let subject = subject.ok_or("has no subject")?.to_owned();
    let date = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or("has a date that is none"),
    };
    // Whole seconds, rounded down, so that a token never lives too long.
    let expires_at = date("exp")?.ok_or("never expires")?.floor() as i64;
    if expires_at <= now {
        return Err("has expired");
    }
    if date("nbf")?.is_some_and(|nbf| nbf > now as f64) {
        return Err("is not valid yet");
    }
    if actors(claims.get("act")).len() >= MAX_ACTORS {
        return Err("has too long a chain of actors");
    }
    Ok(OwnToken {
        subject,
        expires_at,
        claims,
    })
}

impl OwnToken {
    /// `act` of a token for the same subject with `actor` as current actor, followed by the chain
    /// of this token (RFC 8693, section 4.1).
    pub(super) fn delegate(&self, actor: &str) -> Value {
        let mut act = json!({ "sub": actor });
        if let Some(earlier) = self.claims.get("act") {
            act["act"] = earlier.clone();
        }
        act
    }

    /// Whether the token allows `actor` to act for its subject. Without `may_act`, anybody may (RFC
    /// 8693, section 4.4).
    pub(super) fn may_act(&self, actor: &str) -> bool {
        let may_act = self.claims.get("may_act");
        may_act.is_none_or(|may_act| may_act["sub"] == actor)
    }
}

/// The actors of a chain: the current one, then prior ones.
pub(super) fn actors(act: Option<&Value>) -> Vec<String> {
    let chain = std::iter::successors(act, |act| act.get("act"));
    let name = |act: &Value| act["sub"].as_str().unwrap_or("?").to_owned();
    chain.take(MAX_ACTORS + 1).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: Value) -> Result<OwnToken, &'static str> {
        let claims = json!({ "iss": "http://i", "sub": "alice", "exp": 1000 });
        let Value::Object(mut claims) = claims else {
            panic!()
        };
        let Value::Object(change) = change else {
            panic!()
        };
        for (name, value) in change {
            claims.insert(name, value);
        }
        read("http://i", claims, 999)
    }

    #[test]
    fn invalid_tokens_are_refused() {
        assert!(check(json!({})).is_ok());
        for (change, problem) in [
            (json!({"iss": "http://j"}), "is from another issuer"),
            (json!({"sub": ""}), "has no subject"),
            (json!({"sub": 1}), "has no subject"),
            (json!({"exp": 999}), "has expired"),
            (json!({"exp": 999.9}), "has expired"),
            (json!({"exp": null}), "has a date that is none"),
            (json!({"nbf": 1000}), "is not valid yet"),
        ] {
            assert_eq!(check(change.clone()).err(), Some(problem), "{change}");
        }
    }

    #[test]
    fn actor_chains_are_extended_and_limited() {
        let mut act = json!({ "sub": "0" });
        for actor in 1..MAX_ACTORS {
            let token = check(json!({ "act": act })).expect("short enough");
            act = token.delegate(&actor.to_string());
        }
        assert_eq!(actors(Some(&act)).len(), MAX_ACTORS);
        assert_eq!(actors(Some(&act))[..2], ["7", "6"]);
        let refused = check(json!({ "act": act })).err();
        assert_eq!(refused, Some("has too long a chain of actors"));
    }

    #[test]
    fn may_act_limits_the_actors() {
        let token = check(json!({ "may_act": { "sub": "app" } })).expect("valid");
        assert!(token.may_act("app") && !token.may_act("other"));
        assert!(check(json!({})).is_ok_and(|token| token.may_act("other")));
        let odd = check(json!({ "may_act": "app" })).expect("valid");
        assert!(!odd.may_act("app"));
    }
}
