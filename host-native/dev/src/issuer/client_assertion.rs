//! `private_key_jwt`: a client that authenticates with a signed JWT (RFC 7521, section 4.2; RFC
//! 7523, sections 2.2 and 3; OpenID Connect Core, section 9).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tollgate_core::jose::{Algorithm, CompactJws, VerifyError};

use super::SharedIssuer;
use super::access_token::now;
use super::audit::Draft;
use super::clients::Client;
use super::form::Form;
use super::remote_keys::RemoteKeysError;
use super::token_endpoint::TokenError;

/// The only type of assertion (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The algorithms that may sign an assertion.
pub(super) const ALGORITHMS: &[Algorithm] = &[
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::EdDsa,
    Algorithm::Ps256,
    Algorithm::Rs256,
];

/// How far in the future `exp` may be, in seconds. An assertion is made for one request, and its
/// `jti` must be stored until `exp`.
const MAX_LIFETIME: i64 = 600;

/// How far the client's clock may be ahead, in seconds.
const TOLERANCE: i64 = 10;

/// Whether a request has an assertion.
pub(super) fn is_there(form: &Form) -> bool {
    form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()
}

/// Returns the client that signed this request's assertion. Checks that need no key come first, so
/// that an obviously invalid assertion causes no fetch of keys.
pub(super) async fn authenticate(
    issuer: &SharedIssuer,
    form: &Form,
    draft: &mut Draft,
) -> Result<Arc<Client>, TokenError> {
    if form.get("client_assertion_type") != Some(JWT_BEARER) {
        return Err(invalid("client_assertion_type is not jwt-bearer"));
    }
    let jwt = form.get("client_assertion").unwrap_or_default();
    let claims = unverified_claims(jwt)?;
    draft.client_id = Some(claims.client_id.clone());
    if form
        .get("client_id")
        .is_some_and(|id| id != claims.client_id)
    {
        return Err(invalid("client_id is not that of client_assertion"));
    }
    let client = issuer.clients().find(&claims.client_id);
    let client = client.ok_or(invalid("no such client"))?;
    claims.check(&issuer.url, &issuer.token_endpoint(), now())?;

    match client.verify(jwt).await {
        None => return Err(invalid("no keys are registered for this client")),
        Some(Ok(_)) => {}
        Some(Err(RemoteKeysError::Verify(VerifyError::NoKey))) => {
            return Err(invalid("the client has no key that fits client_assertion"));
        }
        Some(Err(RemoteKeysError::Verify(VerifyError::Signature))) => {
            return Err(invalid("client_assertion's signature is invalid"));
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "client keys");
            return Err(invalid("the client's keys cannot be fetched"));
        }
    }
    // Checked last, so that only a valid assertion uses up an id.
    let fresh = issuer.assertions().remember(&claims, now());
    if !fresh {
        return Err(invalid("client_assertion was used before"));
    }
    Ok(client)
}

fn unverified_claims(jwt: &str) -> Result<Claims, TokenError> {
    let jws =
        CompactJws::parse(jwt).map_err(|_| invalid("client_assertion is not a signed JWT"))?;
    if !ALGORITHMS.contains(&jws.header().algorithm) {
        return Err(invalid("client_assertion is signed with another algorithm"));
    }
    Claims::read(jws.payload())
}

fn invalid(problem: &'static str) -> TokenError {
    TokenError::InvalidClient {
        challenge: false,
        problem,
    }
}

/// The required claims (RFC 7523, section 3).
struct Claims {
    client_id: String,
    id: String,
    audience: Vec<String>,
    expires_at: f64,
    not_before: Option<f64>,
    issued_at: Option<f64>,
}

impl Claims {
    fn read(payload: &[u8]) -> Result<Self, TokenError> {
        let claims: Map<String, Value> = serde_json::from_slice(payload)
            .map_err(|_| invalid("client_assertion's claims are not a JSON object"))?;
        let text = |name: &str| match claims.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let date = |name: &str, problem| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(invalid(problem)),
        };
        let issued_by = text("iss").ok_or(invalid("client_assertion has no iss"))?;
        let client_id = text("sub").ok_or(invalid("client_assertion has no sub"))?;
        if issued_by != client_id {
            return Err(invalid("client_assertion's iss and sub differ"));
        }
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(|entry| entry.as_str().map(str::to_owned))
                .collect(),
            _ => return Err(invalid("client_assertion has no aud")),
        };
        Ok(Self {
            client_id,
            id: text("jti").ok_or(invalid("client_assertion has no jti"))?,
            audience,
            expires_at: date("exp", "client_assertion's exp is not a number")?
                .ok_or(invalid("client_assertion has no exp"))?,
            not_before: date("nbf", "client_assertion's nbf is not a number")?,
            issued_at: date("iat", "client_assertion's iat is not a number")?,
        })
    }

    fn check(&self, issuer: &str, token_endpoint: &str, now: i64) -> Result<(), TokenError> {
        if !self
            .audience
            .iter()
            .any(|aud| aud == issuer || aud == token_endpoint)
        {
            return Err(invalid(
                "client_assertion's aud is neither the issuer nor the token endpoint",
            ));
        }
        // Seconds of this millennium are exact.
        let (now, tolerance) = (now as f64, TOLERANCE as f64);
        if self.expires_at <= now {
            return Err(invalid("client_assertion has expired"));
        }
        if self.expires_at > now + MAX_LIFETIME as f64 {
            return Err(invalid(
                "client_assertion's exp is more than 10 minutes ahead",
            ));
        }
        if self.not_before.is_some_and(|nbf| nbf > now + tolerance) {
            return Err(invalid("client_assertion is not valid yet"));
        }
        if self.issued_at.is_some_and(|iat| iat > now + tolerance) {
            return Err(invalid("client_assertion was issued in the future"));
        }
        if self.issued_at.is_some_and(|iat| iat > self.expires_at) {
            return Err(invalid("client_assertion expired before it was issued"));
        }
        Ok(())
    }
}

/// Used assertions, until they expire.
#[derive(Default)]
pub(super) struct UsedAssertions {
    /// Digests of client and `jti`, with `exp`.
    seen: HashMap<[u8; 32], f64>,
}

/// How many are stored: sixteen a second over the maximum lifetime. Beyond that, new assertions are
/// refused, and none is forgotten.
const MAX_SEEN: usize = 10_000;

impl UsedAssertions {
    /// Records an assertion. Returns whether it is new.
    fn remember(&mut self, claims: &Claims, now: i64) -> bool {
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(&claims.client_id));
        digest.update(&claims.id);
        let digest: [u8; 32] = digest.finalize().into();
        if self.seen.len() >= MAX_SEEN {
            self.seen.retain(|_, expires_at| *expires_at > now as f64);
        }
        if self.seen.contains_key(&digest) || self.seen.len() >= MAX_SEEN {
            return false;
        }
        self.seen.insert(digest, claims.expires_at);
        true
    }

    pub(super) fn reset(&mut self) {
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn check(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut claims = json!({
            "iss": "app", "sub": "app", "aud": "http://i", "jti": "1",
            "exp": NOW + 60, "iat": NOW, "nbf": NOW,
        });
        change(&mut claims);
        let read = Claims::read(claims.to_string().as_bytes());
        let checked = read.and_then(|claims| claims.check("http://i", "http://i/token", NOW));
        checked.map_err(|error| match error {
            TokenError::InvalidClient { problem, .. } => problem,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn every_required_claim_is_checked() {
        assert_eq!(check(|_| {}), Ok(()));
        for (name, value, word) in [
            ("iss", json!("other"), "differ"),
            ("iss", json!(null), "no iss"),
            ("sub", json!(""), "no sub"),
            ("sub", json!(["app"]), "no sub"),
            ("aud", json!("http://i/"), "aud is neither"),
            ("aud", json!([]), "aud is neither"),
            ("aud", json!(null), "no aud"),
            ("jti", json!(null), "no jti"),
            ("jti", json!(""), "no jti"),
            ("exp", json!(null), "exp is not"),
            ("exp", json!("1700000060"), "exp is not"),
            ("exp", json!(NOW), "expired"),
            ("exp", json!(NOW + 601), "10 minutes"),
            ("nbf", json!(NOW + 11), "not valid yet"),
            ("nbf", json!("now"), "nbf is not"),
            ("iat", json!(NOW + 11), "in the future"),
            ("iat", json!(true), "iat is not"),
        ] {
            let problem = check(|claims| claims[name] = value.clone());
            let problem = problem.expect_err(name);
            assert!(problem.contains(word), "{name} {value}: {problem}");
        }
        let absent = |name: &'static str| {
            check(|claims| {
                claims.as_object_mut().expect("an object").remove(name);
            })
        };
        assert!(absent("exp").is_err());
        assert_eq!(absent("iat"), Ok(()));
        assert_eq!(absent("nbf"), Ok(()));
        for aud in [json!("http://i/token"), json!(["x", "http://i"])] {
            assert_eq!(check(|claims| claims["aud"] = aud), Ok(()));
        }
        assert_eq!(check(|claims| claims["exp"] = json!(NOW + 600)), Ok(()));
        let before = check(|claims| {
            claims["iat"] = json!(NOW + 5);
            claims["exp"] = json!(NOW + 3);
        });
        assert_eq!(before, Err("client_assertion expired before it was issued"));
    }

    #[test]
    fn an_id_counts_once_for_each_client() {
        let mut used = UsedAssertions::default();
        let mut remember = |client: &str, id: &str| {
            let claims = Claims {
                client_id: client.into(),
                id: id.into(),
                audience: Vec::new(),
                expires_at: 0.0,
                not_before: None,
                issued_at: None,
            };
            used.remember(&claims, NOW)
        };
        assert!(remember("a", "1"));
        assert!(!remember("a", "1"));
        assert!(remember("b", "1"));
        // The border between client and id matters.
        assert!(remember("a1", ""));
    }

    #[test]
    fn assertions_beyond_the_limit_are_refused() {
        let mut used = UsedAssertions::default();
        let claims = |id: usize, expires_at: i64| Claims {
            client_id: "a".into(),
            id: id.to_string(),
            audience: Vec::new(),
            expires_at: expires_at as f64,
            not_before: None,
            issued_at: None,
        };
        for id in 0..MAX_SEEN {
            assert!(used.remember(&claims(id, NOW + 60), NOW));
        }
        assert!(!used.remember(&claims(MAX_SEEN, NOW + 60), NOW));
        assert!(used.remember(&claims(MAX_SEEN, NOW + 120), NOW + 60));
    }
}
