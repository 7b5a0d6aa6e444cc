//! Signed examples through `verify-jws`: those of RFC 7515, 7520 and 8037, and our own of keys that
//! are for something else. Each is also changed, and must then be refused.

use serde::Deserialize;
use serde_json::Value;

use super::VectorSet;
use crate::component::RawSignatures;

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
    payload: String,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Expectation {
    Valid,
    /// Sound, and never accepted.
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

pub(super) fn run(raw: &mut RawSignatures) -> wasmtime::Result<Vec<VectorSet>> {
    examples()
        .into_iter()
        .map(|example| run_one(raw, &example))
        .collect()
}

fn run_one(raw: &mut RawSignatures, example: &Example) -> wasmtime::Result<VectorSet> {
    let mut set = VectorSet::new(&example.id, &example.source);
    let keys = example.key.to_string();
    let got = raw.verify_jws(&keys, &example.jws)?;
    let verdict = match &got {
        Ok(payload) if *payload == example.payload.as_bytes() => Ok(()),
        Ok(_) => Err("another payload"),
        Err(failure) => Err(failure.code()),
    };
    match example.expect {
        Expectation::Valid => set.count("as printed", true, verdict),
        Expectation::Refused => set.count_policy(
            "as printed",
            example.rule.as_deref().unwrap_or_default(),
            verdict,
        ),
    }
    for (part, name) in ["header", "payload", "signature"].iter().enumerate() {
        let changed = with_a_bit_changed(&example.jws, part);
        let got = raw.verify_jws(&keys, &changed)?;
        let verdict = got.as_ref().map(|_| ()).map_err(|failure| failure.code());
        set.count(&format!("{name} changed"), false, verdict);
    }
    Ok(set)
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
