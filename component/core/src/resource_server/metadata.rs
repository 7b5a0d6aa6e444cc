//! Protected resource metadata (RFC 9728), the issuer's metadata (RFC 8414), and the keys of this
//! application as a client (RFC 7517 section 5).

use super::config::Metadata;
use crate::answer::Answer;
use crate::json::{Json, Object};

const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
#[cfg(feature = "token-client")]
const CLIENT_KEYS: &str = "/.well-known/jwks.json";
/// Clients fetch it once per connection. A change of scopes should be visible soon.
const CACHE: &str = "public, max-age=300";

/// The document that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WellKnown<'a> {
    /// The metadata of the resource at this path, which is empty or has a leading slash.
    ProtectedResource(&'a str),
    AuthorizationServer,
    #[cfg(feature = "token-client")]
    ClientKeys,
}

impl<'a> WellKnown<'a> {
    /// RFC 9728 section 3.1: the well-known part is between host and path.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let below = |prefix: &str| {
            path.strip_prefix(prefix)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(rest) = below(PROTECTED_RESOURCE) {
            return Some(Self::ProtectedResource(if rest == "/" { "" } else { rest }));
        }
        #[cfg(feature = "token-client")]
        if path == CLIENT_KEYS {
            return Some(Self::ClientKeys);
        }
        below(AUTHORIZATION_SERVER).map(|_| Self::AuthorizationServer)
    }
}

/// The URL of the metadata of the resource at `path` of `origin`.
///
/// The request's query is left out, because it does not name another resource: a client that
/// requested a token for a URL with a query would get an audience that is not accepted.
pub(super) fn location(origin: &str, path: &str) -> String {
    let path = if path == "/" { "" } else { path };
    format!("{origin}{PROTECTED_RESOURCE}{path}")
}

/// The content of the document besides `resource`.
#[derive(Debug, Clone)]
pub(super) struct MetadataTemplate {
    pub(super) issuers: Vec<String>,
    /// Every scope in the configuration: `scopes_supported` if `settings` has none.
    pub(super) named_scopes: Vec<String>,
    pub(super) settings: Metadata,
}

impl MetadataTemplate {
    /// The document of one resource. `resource` is the requested one (RFC 9728 section 3.3).
    pub(super) fn document(&self, resource: String) -> Answer {
        let Self {
            issuers,
            named_scopes,
            settings,
        } = self;
        let list = |values: &[String]| {
            Json::Array(
                values
                    .iter()
                    .map(|v| Json::String(v.clone().into()))
                    .collect(),
            )
        };
        let mut document = Object::default();
        document.insert("resource", Json::String(resource.into()));
        document.insert("authorization_servers", list(issuers));
        // RFC 9728 section 3.2: members without a value are omitted.
        let scopes = settings.scopes_supported.as_ref().unwrap_or(named_scopes);
        if !scopes.is_empty() {
            document.insert("scopes_supported", list(scopes));
        }
        document.insert("bearer_methods_supported", list(&["header".to_owned()]));
        for (name, value) in [
            ("resource_name", &settings.resource_name),
            ("resource_documentation", &settings.resource_documentation),
            ("resource_policy_uri", &settings.resource_policy_uri),
            ("resource_tos_uri", &settings.resource_tos_uri),
        ] {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                document.insert(name, Json::String(value.into()));
            }
        }
        published(document.to_string())
    }
}

/// A public document.
pub(super) fn published(body: String) -> Answer {
    Answer::json(200, body, CACHE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_path_follows_the_well_known_part() {
        use WellKnown::{AuthorizationServer, ProtectedResource};
        for (path, expected) in [
            (
                "/.well-known/oauth-protected-resource",
                Some(ProtectedResource("")),
            ),
            (
                "/.well-known/oauth-protected-resource/",
                Some(ProtectedResource("")),
            ),
            (
                "/.well-known/oauth-protected-resource/mcp",
                Some(ProtectedResource("/mcp")),
            ),
            (
                "/.well-known/oauth-protected-resource/mcp/",
                Some(ProtectedResource("/mcp/")),
            ),
            ("/.well-known/oauth-protected-resource-x", None),
            (
                "/.well-known/oauth-authorization-server/t",
                Some(AuthorizationServer),
            ),
            ("/.well-known/openid-configuration", None),
            ("/mcp", None),
            #[cfg(feature = "token-client")]
            ("/.well-known/jwks.json", Some(WellKnown::ClientKeys)),
            #[cfg(not(feature = "token-client"))]
            ("/.well-known/jwks.json", None),
            ("/.well-known/jwks.json/", None),
        ] {
            assert_eq!(WellKnown::of(path), expected, "{path}");
        }
    }

    #[test]
    fn empty_members_are_left_out() {
        let settings = Metadata {
            resource_name: Some(String::new()),
            ..Metadata::default()
        };
        let template = MetadataTemplate {
            issuers: vec!["https://i".into()],
            named_scopes: vec![],
            settings,
        };
        assert_eq!(
            template.document("https://h/mcp".into()).body.as_deref(),
            Some(
                "{\"resource\":\"https://h/mcp\",\"authorization_servers\":[\"https://i\"],\
                 \"bearer_methods_supported\":[\"header\"]}"
            )
        );
    }
}
