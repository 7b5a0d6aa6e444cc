//! Authorization server metadata (RFC 8414, OpenID Connect Discovery, RFC 9207, RFC 9728 section 4).
//! It is written once, and names nothing that is off.

use super::client::{AuthenticationMethod, GrantType};
use super::compile::Settings;
use super::config::AccessTokenFormat;
use super::issuer::Request;
use super::rejection::Rejection;
use super::server::Server;
use crate::answer::Answer;
use crate::jose::Algorithm;
use crate::json::{Json, Object};

const RFC_8414: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
/// Clients fetch it once for each connection. A change should be visible soon.
const CACHE: &str = "public, max-age=300";

/// How clients may authenticate.
const METHODS: [AuthenticationMethod; 4] = [
    AuthenticationMethod::ClientSecretBasic,
    AuthenticationMethod::ClientSecretPost,
    AuthenticationMethod::None,
    AuthenticationMethod::PrivateKeyJwt,
];

/// Whether a path is that of the metadata of the issuer with this path (which has no slash at its
/// end). RFC 8414 section 3.1 puts the well-known part before it, OpenID Connect Discovery behind
/// it; clients of MCP try both.
pub(super) fn is_metadata(path: &str, issuer_path: &str) -> bool {
    let inserted = path
        .strip_prefix(RFC_8414)
        .or_else(|| path.strip_prefix(OPENID));
    let appended = path.strip_suffix(OPENID);
    inserted == Some(issuer_path) || appended == Some(issuer_path)
}

impl Settings {
    /// The grant types that the server has.
    pub(super) fn grant_types(&self) -> Vec<GrantType> {
        let refresh = self.refresh_token_lifetime.map(|_| GrantType::RefreshToken);
        let mut grant_types = vec![GrantType::AuthorizationCode];
        grant_types.extend(refresh);
        grant_types.extend([GrantType::ClientCredentials, GrantType::TokenExchange]);
        grant_types
    }
}

/// The document.
pub(super) fn document(settings: &Settings, verifying: &[Algorithm]) -> String {
    let mut document = Object::default();
    let text = |text: &str| Json::from(text.to_owned());
    let list = |names: &[&str]| Json::Array(names.iter().map(|name| text(name)).collect());
    let lists = |names: &[String]| Json::Array(names.iter().map(|name| text(name)).collect());
    let endpoints = &settings.endpoints;
    document.insert("issuer", text(&settings.issuer));
    let mut insert_url = |name: &'static str, path: &str| {
        document.insert(name, Json::from(settings.url(path)));
    };
    insert_url("authorization_endpoint", &endpoints.authorization);
    insert_url("token_endpoint", &endpoints.token);
    if settings.access_token == AccessTokenFormat::Jwt {
        insert_url("jwks_uri", &endpoints.keys);
    }
    if settings.registration.is_some() {
        insert_url("registration_endpoint", &endpoints.registration);
    }
    insert_url("revocation_endpoint", &endpoints.revocation);
    insert_url("introspection_endpoint", &endpoints.introspection);
    // RFC 8414 section 3.2: members without a value are omitted.
    if let Some(scopes) = settings.scopes.as_ref().filter(|list| !list.is_empty()) {
        document.insert("scopes_supported", lists(scopes));
    }
    document.insert("response_types_supported", list(&["code"]));
    document.insert("response_modes_supported", list(&["query"]));
    let grant_types = settings.grant_types();
    let names: Vec<_> = grant_types.iter().map(|own| own.name()).collect();
    document.insert("grant_types_supported", list(&names));
    // Of a host that verifies nothing, no assertion can be accepted.
    let can_verify = !verifying.is_empty();
    let methods = METHODS
        .iter()
        .filter(|own| can_verify || **own != AuthenticationMethod::PrivateKeyJwt);
    let all: Vec<_> = methods.map(|own| own.name()).collect();
    // Introspection is for resource servers, which authenticate (RFC 7662 section 2.1).
    let confidential: Vec<_> = all.iter().copied().filter(|name| *name != "none").collect();
    let algorithms = algorithm_names(verifying);
    for (endpoint, methods) in [
        ("token", &all),
        ("revocation", &all),
        ("introspection", &confidential),
    ] {
        document.insert(
            format!("{endpoint}_endpoint_auth_methods_supported"),
            list(methods),
        );
        if can_verify {
            document.insert(
                format!("{endpoint}_endpoint_auth_signing_alg_values_supported"),
                list(&algorithms),
            );
        }
    }
    document.insert("code_challenge_methods_supported", list(&["S256"]));
    let yes = Json::Bool(true);
    document.insert(
        "authorization_response_iss_parameter_supported",
        yes.clone(),
    );
    if settings.metadata_documents.is_some() {
        document.insert("client_id_metadata_document_supported", yes);
    }
    document.insert("protected_resources", lists(&settings.resources));
    document.to_string()
}

/// Hosts know Ed25519 by one of its two names.
fn algorithm_names(verifying: &[Algorithm]) -> Vec<&'static str> {
    let known = |own: &&Algorithm| verifying.contains(&own.by_one_name());
    let all = Algorithm::ALL.iter().filter(known);
    all.map(|own| own.name()).collect()
}

impl Server {
    /// The metadata.
    pub(super) fn metadata_endpoint(&self, request: &Request) -> Result<Answer, Rejection> {
        let mut answer = Answer::json(200, self.metadata.clone(), CACHE);
        match request.method.as_str() {
            "GET" => Ok(answer),
            "HEAD" => {
                answer.body = None;
                Ok(answer)
            }
            _ => Err(Rejection::Method("GET, HEAD, OPTIONS")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_comes_before_or_behind_the_path() {
        for path in [
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ] {
            assert!(is_metadata(path, ""), "{path}");
            assert!(!is_metadata(path, "/tenant"), "{path}");
        }
        for path in [
            "/.well-known/oauth-authorization-server/tenant",
            "/.well-known/openid-configuration/tenant",
            "/tenant/.well-known/openid-configuration",
        ] {
            assert!(is_metadata(path, "/tenant"), "{path}");
            assert!(!is_metadata(path, ""), "{path}");
        }
        for path in [
            "/tenant/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/tenant/",
            "/.well-known/oauth-authorization-server/",
            "/.well-known/oauth-protected-resource/tenant",
        ] {
            assert!(!is_metadata(path, "/tenant"), "{path}");
            assert!(!is_metadata(path, ""), "{path}");
        }
    }

    #[test]
    fn ed25519_is_named_by_both_names() {
        let names = algorithm_names(&[Algorithm::Es256, Algorithm::Ed25519]);
        assert_eq!(names, ["ES256", "EdDSA", "Ed25519"]);
    }
}
