//! What a token is asked for, and by what right.

use super::bindings::exports::tollgate::auth::token_exchange as wit;
use super::decision::Credentials;
use super::secret::Secret;

/// What a token is asked for.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct TokenTarget {
    /// RFC 8707: absolute URIs without fragment, at most 8.
    pub resources: Vec<String>,
    /// Logical names of services (RFC 8693 section 2.1), at most 8.
    pub audiences: Vec<String>,
    /// Left out: the issuer's choice.
    pub scopes: Vec<String>,
    /// A token type URI. Left out: the issuer's choice, usually an access token.
    pub requested_token_type: Option<String>,
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

    /// Asks for these scopes.
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

/// What a user's token is exchanged for.
///
/// ```
/// use tollgate::{ExchangeTarget, TokenTarget};
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
    /// What the user's token is, as a token type URI. Left out:
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

/// A token of somebody, and what it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypedToken {
    /// The token.
    pub token: Secret,
    /// A token type URI (RFC 8693 section 3). Left out:
    /// `urn:ietf:params:oauth:token-type:access_token`.
    pub token_type: Option<String>,
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

/// How a token is asked for without the cache.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Grant {
    /// RFC 8693. Nothing of the subject's token was verified here.
    TokenExchange {
        /// Whose token.
        subject: TypedToken,
        /// Who acts for the subject, where that is not this application.
        actor: Option<TypedToken>,
    },
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 6.
    RefreshToken(Secret),
}

/// What became of a call with a token.
pub(super) struct CallReport<'a> {
    pub(super) delegation: &'a wit::Delegation,
    pub(super) access_token: &'a str,
    pub(super) status: u16,
    /// Counts from 1.
    pub(super) attempt: u32,
}

pub(super) fn delegation(
    caller: &Credentials,
    target: ExchangeTarget,
    destination: Option<String>,
) -> wit::Delegation {
    let identity = &caller.identity;
    wit::Delegation {
        subject: identity.subject().map(str::to_owned),
        subject_token: wit::TypedToken {
            token: caller.token.expose().to_owned(),
            token_type: target.subject_token_type,
        },
        subject_expires_at: Some(identity.expires_at()),
        actor_token: target.actor.map(Into::into),
        target: target.target.into(),
        destination,
    }
}

impl From<TokenTarget> for wit::Target {
    fn from(target: TokenTarget) -> Self {
        Self {
            resources: target.resources,
            audiences: target.audiences,
            scopes: target.scopes,
            requested_token_type: target.requested_token_type,
        }
    }
}

impl From<TypedToken> for wit::TypedToken {
    fn from(token: TypedToken) -> Self {
        Self {
            token: token.token.expose().to_owned(),
            token_type: token.token_type,
        }
    }
}

impl From<Grant> for wit::Grant {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::TokenExchange { subject, actor } => {
                Self::TokenExchange((subject.into(), actor.map(Into::into)))
            }
            Grant::ClientCredentials => Self::ClientCredentials,
            Grant::RefreshToken(token) => Self::RefreshToken(token.expose().to_owned()),
        }
    }
}
