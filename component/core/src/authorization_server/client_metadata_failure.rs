//! Why client metadata is refused (RFC 7591 section 3.2.2).

use super::redirect_uri::RedirectUriError;
use super::rejection::Description;

/// Why client metadata is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientMetadataFailure {
    /// Not a JSON object, or one with duplicate members.
    NotJson,
    /// A required member is missing.
    Missing(&'static str),
    /// A member has the wrong type, or a value that its specification does not allow.
    Malformed(&'static str),
    /// A list has more entries than the limit.
    TooMany(&'static str),
    /// A redirect URI cannot be registered.
    RedirectUri(RedirectUriError),
    /// None of the grant types is available, or one is not.
    GrantTypes,
    /// `grant_types` and `response_types` contradict each other (RFC 7591 section 2.1).
    ResponseTypes,
    /// The server does not offer the authentication method to this client.
    AuthenticationMethod,
    /// `private_key_jwt` without keys.
    NoKeys,
    /// Both `jwks` and `jwks_uri`.
    TwoKeySources,
    /// A private or symmetric key among the public keys.
    PrivateKey,
    /// No key can be used.
    NoUsableKey,
    /// None of the scopes is available, or one is not.
    Scope,
    /// `client_credentials` for a client that does not authenticate (RFC 6749 section 4.4).
    PublicClient,
    /// `application_type` is `web`, and a redirect URI has a private-use scheme.
    NotForWeb,
}

impl ClientMetadataFailure {
    /// `error` (RFC 7591 section 3.2.2), a description, and a name for logs.
    pub(super) fn wire(self) -> (&'static str, Description, &'static str) {
        use Description::{About, Text};
        let (description, reason) = match self {
            Self::NotJson => (
                Text("the client metadata is not a JSON object"),
                "client-metadata-not-json",
            ),
            Self::Missing("redirect_uris") => {
                let description = About("redirect_uris", "is required");
                return ("invalid_redirect_uri", description, "redirect-uri-missing");
            }
            Self::Malformed("redirect_uris") => {
                let description = About("redirect_uris", "must be a list of URLs");
                return (
                    "invalid_redirect_uri",
                    description,
                    "redirect-uri-malformed",
                );
            }
            Self::TooMany("redirect_uris") => {
                let description = About("redirect_uris", "the list is too long");
                return ("invalid_redirect_uri", description, "redirect-uri-too-many");
            }
            Self::RedirectUri(error) => {
                let description = Text(error.sentence());
                return ("invalid_redirect_uri", description, "redirect-uri");
            }
            Self::NotForWeb => {
                let text =
                    "a client whose application_type is web cannot have a private-use scheme";
                return ("invalid_redirect_uri", Text(text), "redirect-uri-not-web");
            }
            Self::Missing(name) => (About(name, "is required"), "client-metadata-missing"),
            Self::Malformed(name) => (About(name, "is not valid"), "client-metadata-malformed"),
            Self::TooMany(name) => (
                About(name, "the list is too long"),
                "client-metadata-too-many",
            ),
            Self::GrantTypes => (
                About("grant_types", "the server does not have them"),
                "client-metadata-grant-types",
            ),
            Self::ResponseTypes => (
                Text("grant_types and response_types contradict each other"),
                "client-metadata-response-types",
            ),
            Self::AuthenticationMethod => (
                About("token_endpoint_auth_method", "the server does not have it"),
                "client-metadata-authentication",
            ),
            Self::NoKeys => (
                Text("private_key_jwt needs jwks or jwks_uri"),
                "client-metadata-no-keys",
            ),
            Self::TwoKeySources => (
                Text("only one of jwks and jwks_uri may be present"),
                "client-metadata-two-key-sources",
            ),
            Self::PrivateKey => (
                About("jwks", "must have public keys only"),
                "client-metadata-private-key",
            ),
            Self::NoUsableKey => (
                About("jwks", "has no key that the server can use"),
                "client-metadata-no-usable-key",
            ),
            Self::Scope => (
                About("scope", "the client may not have it"),
                "client-metadata-scope",
            ),
            Self::PublicClient => (
                Text("client_credentials needs a client that authenticates"),
                "client-metadata-public-client",
            ),
        };
        ("invalid_client_metadata", description, reason)
    }
}
