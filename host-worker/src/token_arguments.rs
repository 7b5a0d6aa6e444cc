//! Token requests, in the shapes of the npm package.

use serde_json::{Value, json};
use tollgate_config::{ExchangeTarget, Grant, Secret, TypedToken};

/// The arguments of the package's `exchange`: the resources, and `ExchangeOptions`.
pub(crate) fn exchange_arguments(target: ExchangeTarget) -> (Vec<String>, Value) {
    let ExchangeTarget {
        target,
        actor,
        subject_token_type,
    } = target;
    let (actor_token, actor_token_type) = parts(actor.as_ref());
    let options = json!({
        "audience": target.audiences,
        "scopes": target.scopes,
        "requested_token_type": target.requested_token_type,
        "actor_token": actor_token,
        "actor_token_type": actor_token_type,
        "subject_token_type": subject_token_type,
    });
    (target.resources, options)
}

/// The package's `TokenGrant`.
pub(crate) fn grant_argument(grant: &Grant) -> Value {
    match grant {
        Grant::TokenExchange((subject, actor)) => {
            let (subject_token, subject_token_type) = parts(Some(subject));
            let (actor_token, actor_token_type) = parts(actor.as_ref());
            json!({
                "type": "token-exchange",
                "subject_token": subject_token,
                "subject_token_type": subject_token_type,
                "actor_token": actor_token,
                "actor_token_type": actor_token_type,
            })
        }
        Grant::ClientCredentials => json!({ "type": "client-credentials" }),
        Grant::RefreshToken(token) => {
            json!({ "type": "refresh-token", "refresh_token": token.expose() })
        }
    }
}

fn parts(token: Option<&TypedToken>) -> (Option<&str>, Option<&str>) {
    (
        token.map(|token| Secret::expose(&token.token)),
        token.and_then(|token| token.token_type.as_deref()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_config::{TokenTarget, camel_case};

    #[test]
    fn targets_have_the_names_of_the_package() {
        let target = TokenTarget {
            audiences: vec!["billing".to_owned()],
            requested_token_type: Some("urn:x".to_owned()),
            ..TokenTarget::resource("https://a.example").scopes(["read"])
        };
        let written = camel_case(serde_json::to_value(&target).unwrap());
        assert_eq!(
            written,
            json!({
                "resource": ["https://a.example"],
                "audience": ["billing"],
                "scopes": ["read"],
                "requestedTokenType": "urn:x",
            })
        );
        let actor = TypedToken {
            token_type: Some("urn:jwt".to_owned()),
            ..TypedToken::from("act0r")
        };
        let target = ExchangeTarget {
            subject_token_type: Some("urn:y".to_owned()),
            ..ExchangeTarget::from(target).actor(actor)
        };
        let (resources, options) = exchange_arguments(target);
        assert_eq!(resources, ["https://a.example"]);
        assert_eq!(
            camel_case(options),
            json!({
                "audience": ["billing"],
                "scopes": ["read"],
                "requestedTokenType": "urn:x",
                "actorToken": "act0r",
                "actorTokenType": "urn:jwt",
                "subjectTokenType": "urn:y",
            })
        );
    }

    #[test]
    fn grants_have_the_names_of_the_package() {
        let written = |grant: &Grant| camel_case(grant_argument(grant));
        assert_eq!(
            written(&Grant::ClientCredentials),
            json!({ "type": "client-credentials" })
        );
        let refresh = Grant::RefreshToken("r3fresh".into());
        assert_eq!(
            written(&refresh),
            json!({ "type": "refresh-token", "refreshToken": "r3fresh" })
        );
        assert!(!format!("{refresh:?}").contains("r3fresh"));
        assert_eq!(
            written(&Grant::token_exchange("s", Some("a".into()))),
            json!({ "type": "token-exchange", "subjectToken": "s", "actorToken": "a" })
        );
    }
}
