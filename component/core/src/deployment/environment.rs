//! Settings of the environment, such as `TOLLGATE_ISSUER`, which fill in options that the code left
//! out.

use std::fmt;

use super::client;
use super::config::{Config, IssuerConfig, KeyLocationConfig};
use crate::config_error::{ConfigError, Origin, Origins};

/// A value as the host found it. See the variant `setting` in WIT.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented once, in WIT")]
pub enum Setting {
    Text(String),
    Texts(Vec<String>),
    Unusable(ValueKind),
}

/// The kind of a value that is not text. See the enum `value-kind` in WIT.
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

/// Shows no values, because some are secrets.
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
pub(super) const CLIENT_ID: &str = "TOLLGATE_CLIENT_ID";
pub(super) const CLIENT_SECRET: &str = "TOLLGATE_CLIENT_SECRET";
pub(super) const PRIVATE_KEY: &str = "TOLLGATE_PRIVATE_KEY";
pub(super) const PRIVATE_KEY_NEXT: &str = "TOLLGATE_PRIVATE_KEY_NEXT";
pub(super) const PRIVATE_KEY_RETIRED: &str = "TOLLGATE_PRIVATE_KEY_RETIRED";
pub(super) const TOKEN_ENDPOINT: &str = "TOLLGATE_TOKEN_ENDPOINT";

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

/// The settings of the client.
pub(super) const OF_CLIENT: [&str; 6] = [
    CLIENT_ID,
    CLIENT_SECRET,
    PRIVATE_KEY,
    PRIVATE_KEY_NEXT,
    PRIVATE_KEY_RETIRED,
    TOKEN_ENDPOINT,
];

/// How many letters a misspelled name may differ by. With three, `SCOPES` would match `ISSUER`.
const TYPING_ERROR: usize = 2;

/// Fills in options that the code left out, and records them in `origins`.
///
/// # Errors
/// A setting is unknown, or its value cannot be used. Ignoring it could accept more than the
/// operator intended.
#[inline(never)]
pub(super) fn apply(
    env: Vec<(String, Setting)>,
    config: &mut Config,
    origins: &mut Origins,
) -> Result<(), ConfigError> {
    let mut env = Environment::read(env, origins)?;
    if env.has(&[JWKS]) && env.has(&[JWKS_URI]) {
        let message = "TOLLGATE_JWKS is set as well: remove one of the two";
        return Err(ConfigError::new(JWKS_URI, message));
    }
    env.fill(&mut config.resource, "resource", RESOURCE);
    env.fill_list(&mut config.scopes, "scopes", SCOPES);
    if config.issuers.is_none() {
        let mut issuer = None;
        env.fill(&mut issuer, "issuers[0].issuer", ISSUER);
        config.issuers = issuer.map(|issuer| {
            vec![IssuerConfig {
                issuer,
                ..IssuerConfig::default()
            }]
        });
    }
    let issuers = config.issuers.as_deref_mut().unwrap_or_default();
    if let [only] = issuers {
        env.fill_list(&mut only.audiences, "issuers[0].audiences", AUDIENCE);
        if only.keys.is_none() {
            let (mut uri, mut json) = (None, None);
            env.fill(&mut uri, "issuers[0].keys", JWKS_URI);
            env.fill(&mut json, "issuers[0].keys", JWKS);
            let uri = uri.map(KeyLocationConfig::Uri);
            only.keys = uri.or(json.map(KeyLocationConfig::Inline));
        }
    } else {
        let without_audiences = issuers.iter().any(|issuer| issuer.audiences.is_none());
        let without_keys = issuers.iter().any(|issuer| issuer.keys.is_none());
        for (name, missing, option) in [
            (AUDIENCE, without_audiences, "audiences"),
            (JWKS_URI, without_keys, "keys"),
            (JWKS, without_keys, "keys"),
        ] {
            if missing && env.has(&[name]) {
                let message = format!(
                    "there are several issuers, and it does not say which one it is for: set \
                     `{option}` of each issuer instead"
                );
                return Err(ConfigError::new(name, message));
            }
        }
    }
    if env.has(&OF_CLIENT) {
        client::apply(&mut env, &mut config.client)?;
    }
    Ok(())
}

/// Settings whose values can be used, each as a list. Empty texts count as left out.
pub(super) struct Environment<'a> {
    values: Vec<(&'static str, Vec<String>)>,
    origins: &'a mut Origins,
}

impl<'a> Environment<'a> {
    fn read(env: Vec<(String, Setting)>, origins: &'a mut Origins) -> Result<Self, ConfigError> {
        let mut values = Vec::new();
        for (name, value) in env {
            if !name.starts_with(PREFIX) {
                continue;
            }
            let Some(&known) = NAMES.iter().find(|&&known| known == name) else {
                return Err(unknown(&name));
            };
            let is_list = known == AUDIENCE || known == SCOPES;
            let value = match value {
                Setting::Text(text) if is_list => {
                    let list = entries(&text);
                    if list.is_empty() && !text.trim_ascii().is_empty() {
                        let message = "the list has no entries: separate them by commas or spaces, or \
                                       remove the setting";
                        return Err(ConfigError::new(known, message));
                    }
                    list
                }
                Setting::Text(text) => vec![text.trim_ascii().to_owned()],
                Setting::Texts(list) if is_list => {
                    values.push((known, list));
                    continue;
                }
                Setting::Texts(_) => return Err(unusable(known, "a list", is_list)),
                Setting::Unusable(kind) => return Err(unusable_kind(known, kind, is_list)),
            };
            if value.iter().any(|text| !text.is_empty()) {
                values.push((known, value));
            }
        }
        Ok(Self { values, origins })
    }

    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.values.iter().any(|(given, _)| names.contains(given))
    }

    /// Fills in an option, unless the code set it.
    #[inline(never)]
    fn fill_list(
        &mut self,
        option: &mut Option<Vec<String>>,
        place: &'static str,
        name: &'static str,
    ) {
        if option.is_some() {
            return;
        }
        if let Some(at) = self.values.iter().position(|&(given, _)| given == name) {
            *option = Some(self.values.swap_remove(at).1);
            self.origins.note(place, Origin::Setting(name));
        }
    }

    #[inline(never)]
    pub(super) fn fill(
        &mut self,
        option: &mut Option<String>,
        place: &'static str,
        name: &'static str,
    ) {
        if option.is_none() {
            let mut list = None;
            self.fill_list(&mut list, place, name);
            *option = list.and_then(|mut list| list.pop());
        }
    }
}

/// The entries of a list that is written as one text.
#[inline(never)]
fn entries(text: &str) -> Vec<String> {
    let commas = text.replace(',', " ");
    commas.split_ascii_whitespace().map(str::to_owned).collect()
}

#[cold]
fn unusable_kind(name: &str, kind: ValueKind, is_list: bool) -> ConfigError {
    let got = match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::MixedList => "a list with entries that are not text",
        ValueKind::Object => "an object",
        ValueKind::Function => "a function",
        ValueKind::NotUtf8 => "not UTF-8",
        ValueKind::Other => "not text",
        ValueKind::Binding => {
            let message = "the value is a binding, not text: if it is a secret in a secrets store, \
                           read it first (`await binding.get()`) and pass its text";
            return ConfigError::new(name, message);
        }
    };
    unusable(name, got, is_list)
}

#[cold]
fn unusable(name: &str, got: &str, is_list: bool) -> ConfigError {
    let wanted = if is_list {
        "text or a list of texts"
    } else {
        "text"
    };
    ConfigError::new(name, format!("the value is {got}: give it as {wanted}"))
}

#[cold]
#[inline(never)]
fn unknown(name: &str) -> ConfigError {
    let near = NAMES
        .into_iter()
        .map(|known| (strsim::levenshtein(name, known), known))
        .filter(|&(distance, _)| distance <= TYPING_ERROR)
        .min_by_key(|&(distance, _)| distance);
    let (before, names) = match near {
        Some((_, known)) => ("did you mean ", format!("{known}?")),
        None => ("use one of ", NAMES.join(", ")),
    };
    let message = format!("there is no such setting: {before}{names}");
    // The environment may contain any name.
    ConfigError::new(name.escape_debug().to_string(), message)
}
