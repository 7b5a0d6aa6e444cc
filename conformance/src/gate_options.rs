//! The gate's options for one check.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::check::{Check, Surface, Twin};
use crate::token::{AUDIENCE, replace_texts};

/// The value of the header with the gate's options: the default ones, the check's, the twin's.
pub(crate) fn gate_header(check: &Check, twin: Option<&Twin>, issuer: &str) -> String {
    let mut options = match check.surface {
        Surface::Gate => gate_options(check, issuer),
        Surface::Keycard => json!({
            "env": { "KEYCARD_ISSUER": issuer },
            "options": { "audiences": [AUDIENCE] },
        }),
    };
    put_over(&mut options, &check.gate, &check.without_gate, issuer);
    if let Some(twin) = twin {
        put_over(&mut options, &twin.gate, &twin.without_gate, issuer);
    }
    let options = match check.surface {
        Surface::Gate => options,
        Surface::Keycard => json!({ "keycard": options }),
    };
    ascii(&options.to_string())
}

fn gate_options(check: &Check, issuer: &str) -> Value {
    let mut options = json!({
        "resource": AUDIENCE,
        "issuers": [{ "issuer": issuer, "audiences": [AUDIENCE] }],
        "routes": [
            { "path": "/", "public": true },
            { "path": "/health", "public": true },
            { "path": "/reports", "scopes": ["reports:read"] },
            { "path": "/admin", "scopes": ["admin", "reports:read"] },
        ],
        "keys": { "timeoutMs": 2000 },
    });
    if check.has_client() {
        options["client"] = json!({ "id": "app", "secret": "s3cret", "timeoutMs": 5000 });
        // Many at once on a busy machine.
        options["keys"] = json!({ "timeoutMs": 5000 });
    }
    options
}

fn put_over(options: &mut Value, changes: &Map<String, Value>, without: &[String], issuer: &str) {
    let mut changes = Value::Object(changes.clone());
    replace_texts(&mut changes, issuer);
    for (name, value) in changes.as_object().into_iter().flatten() {
        // Options that are merged member by member.
        let part = match name.as_str() {
            "issuer" => &mut options["issuers"][0],
            "client" | "env" | "options" => &mut options[name.as_str()],
            _ => {
                options[name] = value.clone();
                continue;
            }
        };
        for (name, value) in value.as_object().into_iter().flatten() {
            if value == "-" {
                part.as_object_mut().map(|part| part.remove(name));
            } else {
                part[name] = value.clone();
            }
        }
    }
    for name in without {
        options.as_object_mut().map(|options| options.remove(name));
    }
}

/// JSON in the characters of a header.
fn ascii(json: &str) -> String {
    let mut text = String::new();
    for letter in json.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn json_in_a_header_is_the_same_json() {
        let json = "{\"id\":\"\u{e4}\u{1f600}\"}";
        assert_eq!(ascii(json), r#"{"id":"\u00e4\ud83d\ude00"}"#);
        let read: serde_json::Value = serde_json::from_str(&ascii(json)).expect("still JSON");
        assert_eq!(read["id"], "\u{e4}\u{1f600}");
    }
}
