//! Signed examples through `verify-jws`: those of RFC 7515, 7520 and 8037, and this project's own
//! for keys with other purposes. Each is also changed, and must then be refused.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, Expected, Group, Vector};

const FILES: [&str; 2] = [
    include_str!("../../vectors/rfc_examples.json"),
    include_str!("../../vectors/own_examples.json"),
];

#[derive(Deserialize)]
struct Example {
    id: String,
    source: String,
    key: Value,
    jws: String,
    expect: Expectation,
    /// Why it is refused.
    rule: Option<String>,
    /// The component's code for that, if there could be another reason.
    code: Option<String>,
    /// Why hosts may give different reasons.
    #[serde(rename = "reasons-differ")]
    reasons_differ: Option<String>,
    payload: String,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Expectation {
    Valid,
    /// Valid, but never accepted.
    Refused,
}

fn examples() -> Vec<Example> {
    let read = |text: &str| serde_json::from_str::<Vec<Example>>(text);
    let files = FILES
        .iter()
        .map(|text| read(text).expect("the file is part of this crate"));
    files.flatten().collect()
}

pub(super) fn ids() -> Vec<String> {
    examples().into_iter().map(|example| example.id).collect()
}

pub(super) fn groups() -> Vec<Group> {
    examples().into_iter().map(group).collect()
}

fn group(example: Example) -> Group {
    let keys = example.key.to_string();
    let expected = match example.expect {
        Expectation::Valid => Expected::Valid,
        Expectation::Refused => Expected::Refused {
            rule: example.rule.unwrap_or_default(),
            code: example.code,
        },
    };
    let vector = |name: &str, jws: &str, expected| Vector {
        name: name.to_owned(),
        check: Check::Jws {
            keys: keys.clone(),
            jws: jws.to_owned(),
        },
        expected,
        payload: example.payload.clone().into_bytes(),
    };
    let mut vectors = vec![vector("as printed", &example.jws, expected)];
    for (part, name) in ["header", "payload", "signature"].iter().enumerate() {
        let changed = with_a_bit_changed(&example.jws, part);
        vectors.push(vector(
            &format!("{name} changed"),
            &changed,
            Expected::Invalid,
        ));
    }
    Group {
        id: example.id,
        source: example.source,
        reasons_differ: example.reasons_differ.is_some(),
        vectors,
    }
}

/// A character in the middle of a part, replaced by its neighbour.
fn with_a_bit_changed(jws: &str, part: usize) -> String {
    let mut parts: Vec<String> = jws.split('.').map(str::to_owned).collect();
    let middle = parts[part].len() / 2;
    let old = parts[part].chars().nth(middle);
    let new = if old == Some('A') { "B" } else { "A" };
    if old.is_some() {
        parts[part].replace_range(middle..=middle, new);
    } else {
        parts[part].push_str("AAAA");
    }
    parts.join(".")
}
