//! Access tokens as RFC 9068 defines them and, on request, malformed ones.

use std::time::{SystemTime, UNIX_EPOCH};

use rand_chacha::rand_core::Rng;
use serde_json::{Map, Value, json};

use super::Issuer;
use super::key_ring::fresh_rng;
use super::signing_key::{Algorithm, base64url};

/// The content of an access token. The default is a well-formed token of the client `demo` for the
/// issuer's default audience, without scopes.
#[derive(Clone, Debug, Default)]
pub struct TokenSpec {
    /// `client_id`. Default: `demo`.
    pub client_id: Option<String>,
    /// `sub`. Default: the client.
    pub subject: Option<String>,
    /// `aud`: a string if there is one value, an array if there are more. If empty: the issuer's
    /// default.
    pub audiences: Vec<String>,
    /// `scope`. If empty: no such claim.
    pub scopes: Vec<String>,
    /// The signature algorithm. Default: the issuer's default. A key is created and published if
    /// there is none.
    pub algorithm: Option<Algorithm>,
    /// `typ` in the header. Default: `at+jwt`.
    pub typ: Option<String>,
    /// Seconds from now to `exp`; negative for a token that has expired. Default: the issuer's
    /// default.
    pub lifetime: Option<i64>,
    /// Claims that replace those above or are added; `null` removes one.
    pub claims: Map<String, Value>,
    /// The same for the header. The token is signed with `algorithm`, whatever `alg` is given here.
    pub header: Map<String, Value>,
}

/// A signed token, with the other members of the token response.
pub(super) struct IssuedToken {
    pub(super) token: String,
    /// Seconds, never below zero.
    pub(super) expires_in: u64,
    /// `jti`, if it is still a string after all changes.
    pub(super) id: Option<String>,
}

impl Issuer {
    /// Signs a token as `spec` describes. Nothing is checked, because tests need malformed tokens.
    pub(super) async fn issue(&self, spec: TokenSpec) -> IssuedToken {
        let algorithm = spec.algorithm.unwrap_or(self.options.algorithm);
        let key = self.signing_key(algorithm).await;
        let default_lifetime = i64::try_from(self.options.token_lifetime).unwrap_or(i64::MAX);
        let lifetime = spec.lifetime.unwrap_or(default_lifetime);

        let now = now();
        let expires_at = now.saturating_add(lifetime);
        // A token that has expired was issued before that.
        let issued_at = if lifetime < 0 {
            expires_at.saturating_sub(default_lifetime)
        } else {
            now
        };

        let client_id = spec.client_id.unwrap_or_else(|| "demo".to_owned());
        let audience = match spec.audiences.as_slice() {
            [] => json!(self.options.audience),
            [one] => json!(one),
            several => json!(several),
        };
        let mut id = [0; 16];
        let mut rng = fresh_rng();
        rng.fill_bytes(&mut id);

        let mut claims = json!({
            "iss": self.url,
            "sub": spec.subject.as_ref().unwrap_or(&client_id),
            "aud": audience,
            "exp": expires_at,
            "iat": issued_at,
            "jti": base64url(&id),
            "client_id": client_id,
        });
        if !spec.scopes.is_empty() {
            claims["scope"] = spec.scopes.join(" ").into();
        }
        merge(&mut claims, spec.claims);

        let mut header = json!({
            "alg": algorithm.as_str(),
            "kid": key.kid(),
            "typ": spec.typ.as_deref().unwrap_or("at+jwt"),
        });
        merge(&mut header, spec.header);

        IssuedToken {
            token: key.sign(&header, &claims, &mut rng),
            expires_in: u64::try_from(lifetime).unwrap_or(0),
            id: claims["jti"].as_str().map(str::to_owned),
        }
    }
}

fn merge(object: &mut Value, members: Map<String, Value>) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    for (name, value) in members {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_a_member_away() {
        let mut object = json!({ "a": 1, "b": 2 });
        let Value::Object(members) = json!({ "a": null, "b": 3, "c": [4] }) else {
            panic!()
        };
        merge(&mut object, members);
        assert_eq!(object, json!({ "b": 3, "c": [4] }));
    }
}
