//! Member names in the spelling of JavaScript.

use serde_json::{Map, Value};

/// Members whose value is a map with the user's own names, or a foreign document. Names in it are
/// not converted.
const OPAQUE: &[&str] = &["scope_hierarchy", "env", "inline", "key", "claims"];

/// Converts a value to the names of the npm package: `clock_tolerance` to `clockTolerance`. Members
/// that are null, as serde writes those that are left out, are removed.
///
/// ```
/// let config = tollgate_config::Config { realm: Some("api".into()), ..Default::default() };
/// let value = serde_json::to_value(config).expect("JSON");
/// assert_eq!(tollgate_config::camel_case(value).to_string(), r#"{"realm":"api"}"#);
/// ```
#[must_use]
pub fn camel_case(value: Value) -> Value {
    converted(value, &|name| (camel(name), OPAQUE.contains(&name)))
}

/// Converts a value of the npm package to the names that serde knows: `clockTolerance` to
/// `clock_tolerance`. Members that are null are removed.
#[must_use]
pub fn snake_case(value: Value) -> Value {
    converted(value, &|name| {
        let name = snake(name);
        let is_opaque = OPAQUE.contains(&name.as_str());
        (name, is_opaque)
    })
}

/// `spelled` returns the new name of a member, and whether its value is not converted.
fn converted(value: Value, spelled: &impl Fn(&str) -> (String, bool)) -> Value {
    match value {
        Value::Array(values) => values
            .into_iter()
            .map(|value| converted(value, spelled))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match spelled(&name) {
                (name, true) => (name, value),
                (name, false) => (name, converted(value, spelled)),
            })
            .collect::<Map<_, _>>()
            .into(),
        value => value,
    }
}

fn camel(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len());
    let mut starts_word = false;
    for letter in name.chars() {
        if letter == '_' {
            starts_word = true;
        } else if std::mem::take(&mut starts_word) {
            spelled.push(letter.to_ascii_uppercase());
        } else {
            spelled.push(letter);
        }
    }
    spelled
}

fn snake(name: &str) -> String {
    let mut spelled = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(letter.to_ascii_lowercase());
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, ClientKey, Config, Issuer, KeyLocation, KeyPolicy, Metadata, Route};
    use serde_json::json;

    #[test]
    fn a_configuration_has_the_names_of_the_package_and_back() {
        let mut issuer =
            Issuer::new("https://auth.example.com").audience("https://api.example.com");
        issuer.keys = Some(KeyLocation::Uri("https://auth.example.com/jwks".into()));
        issuer.clock_tolerance = Some(10);
        let mut config = Config::new("https://api.example.com")
            .issuer(issuer)
            .route(Route::public("/health"))
            .implied_scopes("cars_all", ["cars_read"])
            .client(Client::new("app").key(ClientKey::from("pem")));
        config.metadata = Some(Metadata {
            serve_issuer_metadata: Some(false),
            ..Metadata::default()
        });
        config.keys = Some(KeyPolicy {
            timeout_ms: Some(2000),
            ..KeyPolicy::default()
        });
        let written = camel_case(serde_json::to_value(&config).expect("JSON"));
        assert_eq!(
            written,
            json!({
                "resource": "https://api.example.com",
                "issuers": [{
                    "issuer": "https://auth.example.com",
                    "audiences": ["https://api.example.com"],
                    "keys": { "uri": "https://auth.example.com/jwks" },
                    "clockTolerance": 10,
                }],
                "routes": [{ "path": "/health", "public": true }],
                "scopeHierarchy": { "cars_all": ["cars_read"] },
                "metadata": { "serveIssuerMetadata": false },
                "keys": { "timeoutMs": 2000 },
                "client": { "id": "app", "keys": [{ "key": "pem" }] },
            })
        );
        let read: Config = serde_json::from_value(snake_case(written)).expect("the same");
        assert_eq!(read, config);
    }

    #[test]
    fn foreign_documents_are_not_converted() {
        let keys =
            json!({ "keys": { "inline": { "keys": [{ "x5t#S256": "a", "key_ops": [] }] } } });
        assert_eq!(snake_case(keys.clone()), keys);
        assert_eq!(camel_case(keys.clone()), keys);
        let client = json!({ "key": { "key_ops": ["sign"], "x5T": null } });
        assert_eq!(camel_case(client.clone()), client);
    }
}
