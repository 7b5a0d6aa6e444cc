//! Settings of the deployment, `TOLLGATE_ISSUER` and so on: they fill in what code left out.

use std::fmt;

use super::config::{Config, IssuerConfig, KeyLocationConfig};
use crate::config_error::{ConfigError, Origin, Origins};
use crate::token_client::{ClientConfig, ClientKeyConfig, ClientKeySource, Secret};

/// A value as the host found it. See the variant `setting` in WIT.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum Setting {
    Text(String),
    Texts(Vec<String>),
    Unusable(ValueKind),
}

/// What a value is that is no text. See the enum `value-kind` in WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum ValueKind {
    Null,
    Boolean,
    Number,
    MixedList,
    Object,
    Binding,
    Function,
    NotUtf8,
    Other,
}

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Without the values, some of which are secrets.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Texts(_) => f.write_str("Texts(…)"),
            Self::Unusable(kind) => f.debug_tuple("Unusable").field(kind).finish(),
        }
    }
}

const PREFIX: &str = "TOLLGATE_";
const ISSUER: &str = "TOLLGATE_ISSUER";
const AUDIENCE: &str = "TOLLGATE_AUDIENCE";
const RESOURCE: &str = "TOLLGATE_RESOURCE";
const SCOPES: &str = "TOLLGATE_SCOPES";
const JWKS_URI: &str = "TOLLGATE_JWKS_URI";
const JWKS: &str = "TOLLGATE_JWKS";
const CLIENT_ID: &str = "TOLLGATE_CLIENT_ID";
const CLIENT_SECRET: &str = "TOLLGATE_CLIENT_SECRET";
const PRIVATE_KEY: &str = "TOLLGATE_PRIVATE_KEY";
const PRIVATE_KEY_NEXT: &str = "TOLLGATE_PRIVATE_KEY_NEXT";
const PRIVATE_KEY_RETIRED: &str = "TOLLGATE_PRIVATE_KEY_RETIRED";
const TOKEN_ENDPOINT: &str = "TOLLGATE_TOKEN_ENDPOINT";

const NAMES: [&str; 12] = [
    ISSUER,
    AUDIENCE,
    RESOURCE,
    SCOPES,
    JWKS_URI,
    JWKS,
    CLIENT_ID,
    CLIENT_SECRET,
    PRIVATE_KEY,
    PRIVATE_KEY_NEXT,
    PRIVATE_KEY_RETIRED,
    TOKEN_ENDPOINT,
];

/// What a typing error changes: a letter or two. With three, `SCOPES` would be near to `ISSUER`.
const TYPING_ERROR: usize = 2;

#[derive(Default)]
struct Environment {
    issuer: Option<String>,
    audience: Option<Vec<String>>,
    resource: Option<String>,
    scopes: Option<Vec<String>>,
    jwks_uri: Option<String>,
    jwks: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    private_key: Option<String>,
    private_key_next: Option<String>,
    private_key_retired: Option<String>,
    token_endpoint: Option<String>,
}

/// Fills in what code left out, and notes in `origins` what it was.
///
/// # Errors
/// A setting that is not known, or whose value cannot be used: to ignore it could open the gate
/// wider than its operator meant.
#[inline(never)]
pub(super) fn apply(
    env: Vec<(String, Setting)>,
    config: &mut Config,
    origins: &mut Origins,
) -> Result<(), ConfigError> {
    let env = read(env)?;
    if env.jwks_uri.is_some() && env.jwks.is_some() {
        let message = "TOLLGATE_JWKS is set as well: give one of the two";
        return Err(ConfigError::new(JWKS_URI, message));
    }
    let mut fill = |option: &'static str, name: &'static str| {
        origins.note(option, Origin::Setting(name));
    };
    if config.resource.is_none() && env.resource.is_some() {
        config.resource = env.resource;
        fill("resource", RESOURCE);
    }
    if config.scopes.is_none() && env.scopes.is_some() {
        config.scopes = env.scopes;
        fill("scopes", SCOPES);
    }
    if let (None, Some(issuer)) = (&config.issuers, env.issuer) {
        config.issuers = Some(vec![IssuerConfig {
            issuer,
            ..IssuerConfig::default()
        }]);
        fill("issuers[0].issuer", ISSUER);
    }
    // With several issuers it would not be clear whose these are.
    if let Some([only]) = config.issuers.as_deref_mut() {
        if only.audiences.is_none() && env.audience.is_some() {
            only.audiences = env.audience;
            fill("issuers[0].audiences", AUDIENCE);
        }
        if only.keys.is_none() {
            if let Some(uri) = env.jwks_uri {
                only.keys = Some(KeyLocationConfig::Uri(uri));
                fill("issuers[0].keys", JWKS_URI);
            } else if let Some(json) = env.jwks {
                only.keys = Some(KeyLocationConfig::Inline(json));
                fill("issuers[0].keys", JWKS);
            }
        }
    }
    let keys = [
        (env.private_key, PRIVATE_KEY),
        (env.private_key_next, PRIVATE_KEY_NEXT),
        (env.private_key_retired, PRIVATE_KEY_RETIRED),
    ];
    let client = Client {
        id: env.client_id,
        secret: env.client_secret,
        token_endpoint: env.token_endpoint,
        keys,
    };
    apply_client(client, &mut config.client, fill)
}

struct Client {
    id: Option<String>,
    secret: Option<String>,
    token_endpoint: Option<String>,
    /// The first signs.
    keys: [(Option<String>, &'static str); 3],
}

fn apply_client(
    env: Client,
    config: &mut Option<ClientConfig>,
    mut fill: impl FnMut(&'static str, &'static str),
) -> Result<(), ConfigError> {
    let any = env.id.is_some()
        || env.secret.is_some()
        || env.token_endpoint.is_some()
        || env.keys.iter().any(|(key, _)| key.is_some());
    if !any {
        return Ok(());
    }
    let client = config.get_or_insert_default();
    if client.id.is_none() && env.id.is_some() {
        client.id = env.id;
        fill("client.id", CLIENT_ID);
    }
    if client.secret.is_none() && env.secret.is_some() {
        client.secret = env.secret.map(Secret::new);
        fill("client.secret", CLIENT_SECRET);
    }
    if client.token_endpoint.is_none() && env.token_endpoint.is_some() {
        client.token_endpoint = env.token_endpoint;
        fill("client.token-endpoint", TOKEN_ENDPOINT);
    }
    if client.keys.is_some() {
        return Ok(());
    }
    if let [(None, _), rest @ ..] = &env.keys
        && let Some((_, name)) = rest.iter().find(|(key, _)| key.is_some())
    {
        let message = "it is published beside the key that signs: set TOLLGATE_PRIVATE_KEY too";
        return Err(ConfigError::new(name, message));
    }
    const PLACES: [&str; 3] = ["client.keys[0]", "client.keys[1]", "client.keys[2]"];
    let given = env.keys.into_iter();
    let given = given.filter_map(|(key, name)| Some((Secret::new(key?), name)));
    let keys: Vec<_> = PLACES
        .into_iter()
        .zip(given)
        .map(|(place, (key, name))| {
            fill(place, name);
            ClientKeyConfig {
                key: ClientKeySource::Text(key),
                kid: None,
                algorithm: None,
            }
        })
        .collect();
    client.keys = Some(keys).filter(|keys| !keys.is_empty());
    Ok(())
}

fn read(env: Vec<(String, Setting)>) -> Result<Environment, ConfigError> {
    let mut read = Environment::default();
    for (name, value) in env {
        if !name.starts_with(PREFIX) {
            continue;
        }
        match &*name {
            ISSUER => read.issuer = text(&name, value)?,
            AUDIENCE => read.audience = texts(&name, value)?,
            RESOURCE => read.resource = text(&name, value)?,
            SCOPES => read.scopes = texts(&name, value)?,
            JWKS_URI => read.jwks_uri = text(&name, value)?,
            JWKS => read.jwks = text(&name, value)?,
            CLIENT_ID => read.client_id = text(&name, value)?,
            CLIENT_SECRET => read.client_secret = text(&name, value)?,
            PRIVATE_KEY => read.private_key = text(&name, value)?,
            PRIVATE_KEY_NEXT => read.private_key_next = text(&name, value)?,
            PRIVATE_KEY_RETIRED => read.private_key_retired = text(&name, value)?,
            TOKEN_ENDPOINT => read.token_endpoint = text(&name, value)?,
            _ => return Err(unknown(&name)),
        }
    }
    Ok(read)
}

/// An empty setting is one that somebody meant to leave out.
fn text(name: &str, value: Setting) -> Result<Option<String>, ConfigError> {
    match value {
        Setting::Text(text) => {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        Setting::Texts(_) => Err(unusable(name, "a list", "text")),
        Setting::Unusable(kind) => Err(unusable_kind(name, kind, "text")),
    }
}

/// A list, or a text with its entries.
fn texts(name: &str, value: Setting) -> Result<Option<Vec<String>>, ConfigError> {
    match value {
        Setting::Text(text) => {
            let entries = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
            let entries = entries.filter(|entry| !entry.is_empty());
            let entries: Vec<_> = entries.map(str::to_owned).collect();
            Ok(Some(entries).filter(|entries| !entries.is_empty()))
        }
        Setting::Texts(entries) => Ok(Some(entries)),
        Setting::Unusable(kind) => Err(unusable_kind(name, kind, "text or a list of texts")),
    }
}

#[cold]
fn unusable_kind(name: &str, kind: ValueKind, wanted: &str) -> ConfigError {
    let got = match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::MixedList => "a list with entries that are no text",
        ValueKind::Object => "an object",
        ValueKind::Function => "a function",
        ValueKind::NotUtf8 => "not UTF-8",
        ValueKind::Other => "no text",
        ValueKind::Binding => {
            let message = "the value is a binding, not text: if it is a secret of a secrets store, \
                           read it first (`await binding.get()`) and pass on its text";
            return ConfigError::new(name, message);
        }
    };
    unusable(name, got, wanted)
}

#[cold]
fn unusable(name: &str, got: &str, wanted: &str) -> ConfigError {
    ConfigError::new(name, format!("the value is {got}: give it as {wanted}"))
}

#[cold]
fn unknown(name: &str) -> ConfigError {
    let near = NAMES
        .into_iter()
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|&(distance, _)| distance <= TYPING_ERROR)
        .min_by_key(|&(distance, _)| distance);
    let message = match near {
        Some((_, known)) => format!("there is no such setting: did you mean {known}?"),
        None => format!(
            "there is no such setting: the names are {}",
            NAMES.join(", ")
        ),
    };
    // An environment may hold any name.
    ConfigError::new(name.escape_debug().to_string(), message)
}
