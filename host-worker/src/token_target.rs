//! What a token is asked for, and by what right, in the shapes of the npm package.

use std::borrow::Cow;

use serde::Serialize;

use crate::secret::Secret;

type Text = Cow<'static, str>;

/// What a token is asked for.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct TokenTarget {
    #[serde(rename = "resource", skip_serializing_if = "Vec::is_empty")]
    pub(crate) resources: Vec<Text>,
    #[serde(rename = "audience", skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_token_type: Option<Text>,
}

impl TokenTarget {
    /// Whatever the issuer gives where nothing is named.
    pub fn new() -> Self {
        Self::default()
    }

    /// A resource (RFC 8707): an absolute URI without fragment, at most 8.
    pub fn resource(mut self, resource: impl Into<Text>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// A logical name of a service (RFC 8693 section 2.1), at most 8.
    pub fn audience(mut self, audience: impl Into<Text>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Scopes. Left out: the issuer decides.
    pub fn scopes<T: Into<Text>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// A token type URI. Left out: the issuer's choice, usually an access token.
    pub fn requested_token_type(mut self, token_type: impl Into<Text>) -> Self {
        self.requested_token_type = Some(token_type.into());
        self
    }
}

/// One resource.
impl From<&str> for TokenTarget {
    fn from(resource: &str) -> Self {
        Self::new().resource(resource.to_owned())
    }
}

/// One resource.
impl From<String> for TokenTarget {
    fn from(resource: String) -> Self {
        Self::new().resource(resource)
    }
}

/// What a user's token is exchanged for.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ExchangeTarget {
    target: TokenTarget,
    actor_token: Option<Secret>,
    actor_token_type: Option<Text>,
    subject_token_type: Option<Text>,
}

impl ExchangeTarget {
    /// A token of who acts for the user, where that is not this application (RFC 8693 section
    /// 1.1), and its type as a token type URI; without one it is an access token.
    pub fn actor(mut self, token: impl Into<Secret>, token_type: Option<&str>) -> Self {
        self.actor_token = Some(token.into());
        self.actor_token_type = token_type.map(|token_type| token_type.to_owned().into());
        self
    }

    /// What the user's token is, as a token type URI. Left out: an access token.
    pub fn subject_token_type(mut self, token_type: impl Into<Text>) -> Self {
        self.subject_token_type = Some(token_type.into());
        self
    }

    /// The two arguments of the package's `exchange`.
    pub(crate) fn into_arguments(mut self) -> (Vec<String>, ExchangeOptions) {
        let resources = std::mem::take(&mut self.target.resources);
        let resources = resources.into_iter().map(Cow::into_owned).collect();
        (
            resources,
            ExchangeOptions {
                target: self.target,
                actor_token: self.actor_token,
                actor_token_type: self.actor_token_type,
                subject_token_type: self.subject_token_type,
            },
        )
    }
}

impl<T: Into<TokenTarget>> From<T> for ExchangeTarget {
    fn from(target: T) -> Self {
        Self {
            target: target.into(),
            ..Self::default()
        }
    }
}

/// The package's `ExchangeOptions`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExchangeOptions {
    /// Without resources, which are an argument of their own.
    #[serde(flatten)]
    target: TokenTarget,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_token_type: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_token_type: Option<Text>,
}

/// How a token is asked for without the cache.
#[derive(Clone, Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Grant {
    /// RFC 8693. Nothing of the subject's token is verified here.
    TokenExchange {
        /// Whose token.
        subject_token: Secret,
        /// A token type URI. Left out: an access token.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject_token_type: Option<String>,
        /// Who acts for the subject, where that is not this application.
        #[serde(skip_serializing_if = "Option::is_none")]
        actor_token: Option<Secret>,
        /// A token type URI. Left out: an access token.
        #[serde(skip_serializing_if = "Option::is_none")]
        actor_token_type: Option<String>,
    },
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 6.
    RefreshToken {
        /// The refresh token.
        refresh_token: Secret,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn targets_have_the_names_of_the_package() {
        let target = TokenTarget::from("https://a.example")
            .audience("billing")
            .scopes(["read"])
            .requested_token_type("urn:x");
        assert_eq!(
            to_value(&target).unwrap(),
            json!({
                "resource": ["https://a.example"],
                "audience": ["billing"],
                "scopes": ["read"],
                "requestedTokenType": "urn:x",
            })
        );
        let (resources, options) = ExchangeTarget::from(target)
            .actor("act0r", Some("urn:jwt"))
            .subject_token_type("urn:y")
            .into_arguments();
        assert_eq!(resources, ["https://a.example"]);
        assert_eq!(
            to_value(&options).unwrap(),
            json!({
                "audience": ["billing"],
                "scopes": ["read"],
                "requestedTokenType": "urn:x",
                "actorToken": "act0r",
                "actorTokenType": "urn:jwt",
                "subjectTokenType": "urn:y",
            })
        );
        assert_eq!(to_value(TokenTarget::new()).unwrap(), json!({}));
    }

    #[test]
    fn grants_have_the_names_of_the_package() {
        assert_eq!(
            to_value(Grant::ClientCredentials).unwrap(),
            json!({ "type": "client-credentials" })
        );
        let refresh = Grant::RefreshToken {
            refresh_token: "r3fresh".into(),
        };
        assert_eq!(
            to_value(&refresh).unwrap(),
            json!({ "type": "refresh-token", "refreshToken": "r3fresh" })
        );
        assert!(!format!("{refresh:?}").contains("r3fresh"));
        let exchange = Grant::TokenExchange {
            subject_token: "s".into(),
            subject_token_type: None,
            actor_token: Some("a".into()),
            actor_token_type: None,
        };
        assert_eq!(
            to_value(exchange).unwrap(),
            json!({ "type": "token-exchange", "subjectToken": "s", "actorToken": "a" })
        );
    }
}
