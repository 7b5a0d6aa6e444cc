//! Client metadata (RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2): one
//! set of rules for registrations, for client ID metadata documents and for the application.

use super::client::{AuthenticationMethod, Client, ClientKeys, GrantType};
use super::client_metadata_failure::ClientMetadataFailure as Failure;
use super::redirect_uri;
use super::special_use::is_public_name;
use crate::access_token::is_scope_token;
use crate::http_url::HttpUrl;
use crate::jose::{JwkError, JwkSet};
use crate::json::{Json, Object};

/// Redirect URIs: applications for several systems register about ten.
const REDIRECT_URIS: usize = 32;
/// Scopes, and other lists: nobody can consent to more.
const LIST_ITEMS: usize = 256;
/// A URL: see [`redirect_uri`].
const URL_BYTES: usize = 2048;
/// A name or a version: more does not fit on a page.
const TEXT_BYTES: usize = 256;
/// Mail addresses have at most 254 characters (RFC 5321).
const CONTACTS: usize = 16;
/// Translations of all members together, and the longest language tag in use (RFC 5646 section 4.4.1).
const TRANSLATIONS: usize = 128;
const LANGUAGE_BYTES: usize = 35;

/// Members whose value is the URL of a page or an image. Each may have translations.
const URLS: [&str; 4] = ["client_uri", "logo_uri", "policy_uri", "tos_uri"];
/// Members with a text.
const TEXTS: [&str; 2] = ["software_id", "software_version"];

/// What the metadata may say.
pub(super) struct Rules<'a> {
    /// The grant types that the client may have.
    pub(super) grant_types: &'a [GrantType],
    /// The authentication methods that the client may have. The first is that of a client that does
    /// not choose, unless `client_secret_basic`, the default of RFC 7591, is among them.
    pub(super) methods: &'a [AuthenticationMethod],
    /// The scopes that the client may name. `None`: any.
    pub(super) scopes: Option<&'a [String]>,
    /// The scopes of a client that names none. `None`: all that the server has, those that it will
    /// have later included.
    pub(super) default_scopes: Option<&'a [String]>,
    /// See [`redirect_uri::check_registered`].
    pub(super) private_use: bool,
    /// Whether unsupported grant types, response types and scopes are left out (RFC 7591 section
    /// 3.2.1 allows that, and clients that know many servers ask for more than one has) or refused.
    pub(super) leaves_out: bool,
    /// Whether the metadata is a stranger's. Then its keys must be at a public host.
    pub(super) is_foreign: bool,
}

/// Metadata that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClientMetadata {
    pub(super) redirect_uris: Vec<String>,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) authentication: AuthenticationMethod,
    pub(super) keys: Option<ClientKeys>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) name: Option<String>,
    /// The other members that are kept.
    pub(super) other: Object<'static>,
}

impl ClientMetadata {
    /// Reads and checks metadata. Unknown members are ignored (RFC 7591 section 2); `null` and
    /// empty texts count as omitted.
    pub(super) fn read(metadata: &Object<'static>, rules: &Rules<'_>) -> Result<Self, Failure> {
        let authentication = authentication(metadata, rules)?;
        let grant_types = grant_types(metadata, rules)?;
        check_response_types(metadata, &grant_types, rules)?;
        if authentication == AuthenticationMethod::None
            && grant_types.contains(&GrantType::ClientCredentials)
        {
            return Err(Failure::PublicClient);
        }
        let redirect_uris = texts(metadata, "redirect_uris", REDIRECT_URIS)?.unwrap_or_default();
        for uri in &redirect_uris {
            redirect_uri::check_registered(uri, rules.private_use).map_err(Failure::RedirectUri)?;
        }
        if grant_types.contains(&GrantType::AuthorizationCode) && redirect_uris.is_empty() {
            return Err(Failure::Missing("redirect_uris"));
        }
        let scopes = scopes(metadata, rules)?;
        let keys = keys(metadata, rules)?;
        if authentication == AuthenticationMethod::PrivateKeyJwt && keys.is_none() {
            return Err(Failure::NoKeys);
        }
        let (name, other) = descriptive(metadata, &redirect_uris)?;
        Ok(Self {
            redirect_uris,
            grant_types,
            // Keys of a client that authenticates otherwise have no use here.
            keys: keys.filter(|_| authentication == AuthenticationMethod::PrivateKeyJwt),
            authentication,
            scopes,
            name,
            other,
        })
    }
}

impl Client {
    /// What is registered about the client, without its id and its secrets.
    pub(super) fn to_metadata(&self) -> Object<'static> {
        let list =
            |values: &[String]| Json::Array(values.iter().cloned().map(Json::from).collect());
        let mut metadata = Object::default();
        if !self.redirect_uris.is_empty() {
            metadata.insert("redirect_uris", list(&self.redirect_uris));
        }
        let names = self.grant_types.iter().map(|own| own.name().to_owned());
        metadata.insert("grant_types", list(&names.collect::<Vec<_>>()));
        let has_code = self.grant_types.contains(&GrantType::AuthorizationCode);
        let response_types = has_code.then(|| "code".to_owned());
        metadata.insert(
            "response_types",
            list(&response_types.into_iter().collect::<Vec<_>>()),
        );
        let method = Json::from(self.authentication.name().to_owned());
        metadata.insert("token_endpoint_auth_method", method);
        if let Some(scopes) = &self.scopes {
            metadata.insert("scope", Json::from(scopes.join(" ")));
        }
        if let Some(name) = &self.name {
            metadata.insert("client_name", Json::from(name.clone()));
        }
        match &self.keys {
            Some(ClientKeys::Uri(uri)) => {
                metadata.insert("jwks_uri", Json::from(uri.clone()));
            }
            Some(ClientKeys::Inline(json)) => {
                // Checked when it was registered.
                if let Ok(set) = Json::parse(json.as_bytes(), crate::jose::limits::KEY_SET_DEPTH) {
                    metadata.insert("jwks", set.into_owned());
                }
            }
            None => {}
        }
        let other = self.metadata.as_deref().unwrap_or("{}");
        if let Ok(other) = Object::parse(other.as_bytes(), 4) {
            for (name, value) in other.iter() {
                metadata.insert(name.to_owned(), value.clone().into_owned());
            }
        }
        metadata
    }
}

/// A member, unless it is omitted.
fn member<'a>(metadata: &'a Object<'static>, name: &str) -> Option<&'a Json<'static>> {
    metadata.get(name).filter(|value| match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        _ => true,
    })
}

/// A text without characters that could deceive the reader of a page or a log.
fn text<'a>(
    metadata: &'a Object<'static>,
    name: &'static str,
    max_bytes: usize,
) -> Result<Option<&'a str>, Failure> {
    let Some(value) = member(metadata, name) else {
        return Ok(None);
    };
    match value {
        Json::String(text) if is_plain(text, max_bytes) => Ok(Some(text)),
        _ => Err(Failure::Malformed(name)),
    }
}

fn is_plain(text: &str, max_bytes: usize) -> bool {
    // Marks that reverse the direction of what follows them, and characters without a width.
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.len() <= max_bytes && !text.chars().any(hides) && !text.trim().is_empty()
}

fn texts(
    metadata: &Object<'static>,
    name: &'static str,
    max: usize,
) -> Result<Option<Vec<String>>, Failure> {
    let Some(value) = member(metadata, name) else {
        return Ok(None);
    };
    let items = value.as_array().ok_or(Failure::Malformed(name))?;
    if items.len() > max {
        return Err(Failure::TooMany(name));
    }
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    texts.map(Some).ok_or(Failure::Malformed(name))
}

/// The method that the client prefers, or else the best of those that it can use too
/// (`token_endpoint_auth_methods_supported` of OpenID Connect Relying Party Metadata Choices, which
/// clients in use send).
fn authentication(
    metadata: &Object<'static>,
    rules: &Rules<'_>,
) -> Result<AuthenticationMethod, Failure> {
    const NAME: &str = "token_endpoint_auth_method";
    use AuthenticationMethod as Method;
    let choices = texts(
        metadata,
        "token_endpoint_auth_methods_supported",
        LIST_ITEMS,
    )?;
    match member(metadata, NAME) {
        Some(value) => {
            let name = value.as_str().ok_or(Failure::Malformed(NAME))?;
            let mut methods = rules.methods.iter().copied();
            if let Some(method) = methods.find(|method| method.name() == name) {
                return Ok(method);
            }
        }
        None if choices.is_none() => {
            let has_basic = rules.methods.contains(&Method::ClientSecretBasic);
            return match rules.methods.first() {
                // Clients that do not choose often send the secret in the body.
                Some(_) if has_basic => Ok(Method::ClientSecret),
                Some(first) => Ok(*first),
                None => Err(Failure::AuthenticationMethod),
            };
        }
        None => {}
    }
    let has_keys = ["jwks", "jwks_uri"].map(|name| member(metadata, name).is_some());
    let best_first = [
        Method::PrivateKeyJwt,
        Method::ClientSecretBasic,
        Method::ClientSecretPost,
        Method::None,
    ];
    let choices = choices.unwrap_or_default();
    let is_possible = |method: &Method| {
        rules.methods.contains(method)
            && choices.iter().any(|name| name == method.name())
            && (*method != Method::PrivateKeyJwt || has_keys.contains(&true))
    };
    let mut best_first = best_first.into_iter();
    best_first
        .find(is_possible)
        .ok_or(Failure::AuthenticationMethod)
}

fn grant_types(metadata: &Object<'static>, rules: &Rules<'_>) -> Result<Vec<GrantType>, Failure> {
    let Some(names) = texts(metadata, "grant_types", LIST_ITEMS)? else {
        let default = GrantType::AuthorizationCode;
        return if rules.grant_types.contains(&default) {
            Ok(vec![default])
        } else {
            Err(Failure::GrantTypes)
        };
    };
    let mut found = Vec::new();
    for name in &names {
        let known = GrantType::from_name(name).filter(|own| rules.grant_types.contains(own));
        match known {
            Some(grant_type) if !found.contains(&grant_type) => found.push(grant_type),
            None if !rules.leaves_out => return Err(Failure::GrantTypes),
            _ => {}
        }
    }
    // A refresh token comes with another grant only.
    if found.iter().all(|own| *own == GrantType::RefreshToken) {
        return Err(Failure::GrantTypes);
    }
    Ok(found)
}

/// The response type `code` and the grant type `authorization_code` come together (RFC 7591 section
/// 2.1).
fn check_response_types(
    metadata: &Object<'static>,
    grant_types: &[GrantType],
    rules: &Rules<'_>,
) -> Result<(), Failure> {
    let Some(names) = texts(metadata, "response_types", LIST_ITEMS)? else {
        return Ok(());
    };
    let has_code = names.iter().any(|name| name == "code");
    let is_left_out = rules.leaves_out || names.iter().all(|name| name == "code");
    if has_code == grant_types.contains(&GrantType::AuthorizationCode) && is_left_out {
        Ok(())
    } else {
        Err(Failure::ResponseTypes)
    }
}

fn scopes(metadata: &Object<'static>, rules: &Rules<'_>) -> Result<Option<Vec<String>>, Failure> {
    let allowed = |scope: &str| {
        let scopes = rules.scopes;
        scopes.is_none_or(|scopes| scopes.iter().any(|own| own == scope))
    };
    let Some(value) = member(metadata, "scope") else {
        return Ok(rules.default_scopes.map(<[String]>::to_vec));
    };
    let text = value.as_str().ok_or(Failure::Malformed("scope"))?;
    let mut found: Vec<String> = Vec::new();
    for (count, scope) in text
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .enumerate()
    {
        if count == LIST_ITEMS {
            return Err(Failure::TooMany("scope"));
        }
        if !is_scope_token(scope) {
            return Err(Failure::Malformed("scope"));
        }
        match allowed(scope) {
            true if !found.iter().any(|own| own == scope) => found.push(scope.to_owned()),
            false if !rules.leaves_out => return Err(Failure::Scope),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(Failure::Scope);
    }
    Ok(Some(found))
}

fn keys(metadata: &Object<'static>, rules: &Rules<'_>) -> Result<Option<ClientKeys>, Failure> {
    match (member(metadata, "jwks"), member(metadata, "jwks_uri")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Failure::TwoKeySources),
        (Some(set), None) => {
            let set = set.as_object().ok_or(Failure::Malformed("jwks"))?;
            check_key_set(set)?;
            Ok(Some(ClientKeys::Inline(set.to_string())))
        }
        (None, Some(uri)) => {
            let bad = Failure::Malformed("jwks_uri");
            let uri = uri
                .as_str()
                .filter(|uri| uri.len() <= URL_BYTES)
                .ok_or(bad)?;
            let url = HttpUrl::parse(uri).map_err(|_| bad)?;
            if url.is_trustworthy() && (!rules.is_foreign || is_public_name(url.host())) {
                Ok(Some(ClientKeys::Uri(uri.to_owned())))
            } else {
                Err(bad)
            }
        }
    }
}

/// A key set that authenticates its owner: public keys, and at least one that can be used.
pub(super) fn check_key_set(set: &Object<'_>) -> Result<(), Failure> {
    let set = JwkSet::from_json(set).map_err(|_| Failure::Malformed("jwks"))?;
    let is_secret = |reason| matches!(reason, JwkError::PrivateKey | JwkError::Symmetric);
    if set.skipped.iter().any(|key| is_secret(key.reason)) {
        return Err(Failure::PrivateKey);
    }
    if set.keys.is_empty() {
        return Err(Failure::NoUsableKey);
    }
    Ok(())
}

/// What people and logs see of a client, and what its developer said about it.
fn descriptive(
    metadata: &Object<'static>,
    redirect_uris: &[String],
) -> Result<(Option<String>, Object<'static>), Failure> {
    let mut other = Object::default();
    let name = text(metadata, "client_name", TEXT_BYTES)?.map(str::to_owned);
    for name in URLS {
        if let Some(url) = page(member(metadata, name), name)? {
            other.insert(name, Json::from(url));
        }
    }
    for name in TEXTS {
        if let Some(value) = text(metadata, name, TEXT_BYTES)? {
            other.insert(name, Json::from(value.to_owned()));
        }
    }
    if let Some(contacts) = texts(metadata, "contacts", CONTACTS)? {
        if !contacts.iter().all(|contact| is_plain(contact, TEXT_BYTES)) {
            return Err(Failure::Malformed("contacts"));
        }
        let contacts = contacts.into_iter().map(Json::from);
        other.insert("contacts", Json::Array(contacts.collect()));
    }
    if let Some(kind) = member(metadata, "application_type") {
        let is_private_use = |uri: &String| redirect_uri::private_use_scheme(uri).is_some();
        match kind.as_str() {
            Some("web") if redirect_uris.iter().any(is_private_use) => {
                return Err(Failure::NotForWeb);
            }
            Some("web" | "native") => other.insert("application_type", kind.clone()),
            _ => return Err(Failure::Malformed("application_type")),
        }
    }
    translations(metadata, &mut other)?;
    Ok((name, other))
}

/// A web page or an image: any host, because the server does not fetch it.
fn page(value: Option<&Json<'_>>, name: &'static str) -> Result<Option<String>, Failure> {
    let Some(value) = value else {
        return Ok(None);
    };
    let url = value.as_str().filter(|url| url.len() <= URL_BYTES);
    match url {
        Some(url) if HttpUrl::parse(url).is_ok() => Ok(Some(url.to_owned())),
        _ => Err(Failure::Malformed(name)),
    }
}

/// `client_name#ja`, and the like (RFC 7591 section 2.2).
fn translations(metadata: &Object<'static>, other: &mut Object<'static>) -> Result<(), Failure> {
    let mut count = 0;
    for (full, value) in metadata.iter() {
        let Some((base, language)) = full.split_once('#') else {
            continue;
        };
        let known = URLS.into_iter().chain(["client_name"]);
        let Some(name) = known.into_iter().find(|known| *known == base) else {
            continue;
        };
        let is_tag = (1..=LANGUAGE_BYTES).contains(&language.len())
            && language
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_tag {
            return Err(Failure::Malformed(name));
        }
        count += 1;
        if count > TRANSLATIONS {
            return Err(Failure::TooMany(name));
        }
        match member(metadata, full) {
            None => continue,
            Some(Json::String(text)) if name == "client_name" && is_plain(text, TEXT_BYTES) => {}
            value if name != "client_name" && page(value, name)?.is_some() => {}
            Some(_) => return Err(Failure::Malformed(name)),
        }
        other.insert(full.to_owned(), value.clone());
    }
    Ok(())
}

#[cfg(test)]
#[path = "client_metadata/tests.rs"]
mod tests;
