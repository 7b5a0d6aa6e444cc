//! The target and the grant of a token request.

use crate::record::{records, variants};
use crate::secret::Secret;
use crate::shapes::one_or_many;

records! {
    /// The target of a token request. Serialized with the names of the request's parameters,
    /// `resource` and `audience`.
    #[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
    pub struct TokenTarget {
        /// RFC 8707: absolute URIs without fragment, at most 8.
        #[serde(default, rename = "resource", deserialize_with = "one_or_many::deserialize")]
        "resources" resources: Vec<String>,
        /// Logical names of services (RFC 8693 section 2.1), at most 8.
        #[serde(default, rename = "audience", deserialize_with = "one_or_many::deserialize")]
        "audiences" audiences: Vec<String>,
        /// Default: the issuer's choice.
        #[serde(default)]
        "scopes" scopes: Vec<String>,
        /// A token type URI. Default: the issuer's choice, usually an access token.
        "requested-token-type" requested_token_type: Option<String>,
    }

    /// A token with its type.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub struct TypedToken {
        /// The token.
        "token" token: Secret,
        /// A token type URI (RFC 8693 section 3). Default:
        /// `urn:ietf:params:oauth:token-type:access_token`.
        "token-type" token_type: Option<String>,
    }
}

variants! {
    /// The grant of a token request that bypasses the cache.
    #[derive(Clone, Debug, Eq, PartialEq)]
    pub enum Grant {
        /// RFC 8693: the subject token, and the actor token if another party than this application
        /// acts for the subject. The subject token is not verified. See [`Grant::token_exchange`].
        "token-exchange" TokenExchange((TypedToken, Option<TypedToken>)),
        /// RFC 6749 section 4.4.
        "client-credentials" ClientCredentials,
        /// RFC 6749 section 6.
        "refresh-token" RefreshToken(Secret),
    }
}

impl TokenTarget {
    /// A token for this resource.
    #[must_use]
    pub fn resource(resource: impl Into<String>) -> Self {
        Self {
            resources: vec![resource.into()],
            ..Self::default()
        }
    }

    /// A token for the service of this logical name.
    #[must_use]
    pub fn audience(audience: impl Into<String>) -> Self {
        Self {
            audiences: vec![audience.into()],
            ..Self::default()
        }
    }

    /// Requests these scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// One resource.
impl From<&str> for TokenTarget {
    fn from(resource: &str) -> Self {
        Self::resource(resource)
    }
}

/// One resource.
impl From<String> for TokenTarget {
    fn from(resource: String) -> Self {
        Self::resource(resource)
    }
}

/// An access token.
impl<S: Into<Secret>> From<S> for TypedToken {
    fn from(token: S) -> Self {
        Self {
            token: token.into(),
            token_type: None,
        }
    }
}

impl Grant {
    /// RFC 8693: the subject token, and the actor token if another party than this application acts
    /// for the subject.
    #[must_use]
    pub fn token_exchange(subject: impl Into<TypedToken>, actor: Option<TypedToken>) -> Self {
        Self::TokenExchange((subject.into(), actor))
    }
}

/// The target of a token exchange.
///
/// ```
/// use tollgate_config::{ExchangeTarget, TokenTarget};
///
/// let one_resource = ExchangeTarget::from("https://cars.example.com");
/// let with_scopes =
///     ExchangeTarget::from(TokenTarget::resource("https://cars.example.com").scopes(["cars:read"]));
/// # assert_eq!(one_resource.target.resources, with_scopes.target.resources);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExchangeTarget {
    /// What for.
    pub target: TokenTarget,
    /// Who acts for the user, where that is not this application (RFC 8693 section 1.1).
    pub actor: Option<TypedToken>,
    /// What the user's token is, as a token type URI. Default:
    /// `urn:ietf:params:oauth:token-type:access_token`.
    pub subject_token_type: Option<String>,
}

impl ExchangeTarget {
    /// Says who acts for the user.
    #[must_use]
    pub fn actor(mut self, actor: TypedToken) -> Self {
        self.actor = Some(actor);
        self
    }
}

impl<T: Into<TokenTarget>> From<T> for ExchangeTarget {
    fn from(target: T) -> Self {
        Self {
            target: target.into(),
            actor: None,
            subject_token_type: None,
        }
    }
}
