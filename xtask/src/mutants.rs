//! `cargo xtask mutants`: removes the rules of core one by one with cargo-mutants, and checks
//! whether a test fails.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use crate::{
    failure::Failure,
    progress::{Counts, Step},
    rust_worker::install,
    stamp::collect,
    workspace::Workspace,
};

const CARGO_MUTANTS: &str = "27.1.0";
/// The folders and files of core that contain rules.
const PLACES: [&str; 10] = [
    "access_token",
    "deployment",
    "issuers/compile.rs",
    "resource_server",
    "token_client",
    "trusted_url.rs",
    "jose/algorithm.rs",
    "jose/compact_jws.rs",
    "jose/jwk_set.rs",
    "jose/verify.rs",
];
/// The definition of a rule: a condition, or a function that returns a boolean. Arithmetic is left to
/// other tests.
const RULES: [&str; 5] = [
    r"with Ok\(\(\)\)",
    r"with (true|false|None)\b",
    "match guard",
    "delete (!|match arm)",
    r"replace (==|!=|<|<=|>|>=|&&|\|\|) with",
];
/// What logs show, and what an entry of a cache is reckoned to take: no rules.
const NO_RULES: [&str; 2] = ["impl (Debug|Display) ", r"\bweight\b"];
/// All of them, on two slow cores.
const LIMIT: Duration = Duration::from_secs(8 * 60 * 60);
/// Where the results of all files are kept.
const REPORT: &str = "conformance/report/mutants";

/// The results of one file's mutants: how many were caught, and which were missed.
#[derive(Default)]
struct Outcome {
    noticed: u64,
    missed: Vec<String>,
}

/// Tries every rule; with words, those of the files with a word in their path. Files that were not
/// examined keep their result in the report.
///
/// # Errors
/// A rule can be removed without a failing test, or a tool does not run.
pub(crate) fn command(work: &Workspace, words: &[String]) -> Result<(), Failure> {
    work.progress.step("mutants", |step| run(work, step, words))
}

fn run(work: &Workspace, step: &Step<'_>, words: &[String]) -> Result<(), Failure> {
    install(work, step, "cargo-mutants", CARGO_MUTANTS, &["--locked"])?;
    let output = work.own().join("mutants");
    fs::create_dir_all(&output).map_err(Failure::io("create target/xtask/mutants"))?;
    // An earlier run's outcomes must not be taken for this one's.
    let outcomes = output.join("mutants.out/outcomes.json");
    let _ = fs::remove_file(&outcomes);
    let mut mutants = work.command(work.root.join("target/tools/bin/cargo-mutants"));
    mutants.args([
        "mutants",
        "--package",
        "tollgate-rules",
        "--colors",
        "never",
        "-j1",
    ]);
    mutants.arg("--output").arg(&output);
    mutants.arg("--no-config");
    for file in files(work, words)? {
        mutants.args(["--file", &file]);
    }
    for rule in RULES {
        mutants.args(["--re", rule]);
    }
    for no_rule in NO_RULES {
        mutants.args(["--exclude-re", no_rule]);
    }
    // What is built lies beside the copy of the tree that is changed, and is kept for the next run.
    mutants.env("CARGO_TARGET_DIR", output.join("build"));
    mutants.env("CARGO_PROFILE_DEV_DEBUG", "0");
    // It fails when a mutant is missed, which the outcomes say by name.
    let ended = step.run_within(&mutants, LIMIT);
    let Ok(text) = fs::read_to_string(&outcomes) else {
        return ended.and(Err(Failure::Unexpected {
            what: outcomes.display().to_string(),
            found: "cargo-mutants has not written it".to_owned(),
        }));
    };
    let outcomes = parse(&text)?;
    let mut counts = Counts::default();
    for outcome in outcomes.values() {
        counts.passed += outcome.noticed;
        counts.failed += outcome.missed.len() as u64;
    }
    step.count(counts);
    write(work, outcomes)?;
    step.note(format!("{REPORT}.md"));
    ended
}

/// The files with rules, from the root on, whose path has one of `words` in it.
fn files(work: &Workspace, words: &[String]) -> Result<Vec<String>, Failure> {
    let mut files = Vec::new();
    for place in PLACES {
        collect(
            &work.root.join("component/core/src").join(place),
            &mut files,
        )?;
    }
    let from_root = |file: PathBuf| {
        let file = file.strip_prefix(&work.root).unwrap_or(&file);
        file.to_string_lossy().into_owned()
    };
    let mut files: Vec<String> = files.into_iter().map(from_root).collect();
    files.retain(|file| words.is_empty() || words.iter().any(|word| file.contains(word.as_str())));
    if files.is_empty() {
        return Err(Failure::Needs {
            what: format!(
                "No file with rules has `{}` in its path.",
                words.join("` or `")
            ),
            next: format!("They are in component/core/src: {}.", PLACES.join(", ")),
        });
    }
    Ok(files)
}

/// The outcomes by file. A mutant that does not compile is none.
fn parse(text: &str) -> Result<BTreeMap<String, Outcome>, Failure> {
    let document: Value = serde_json::from_str(text).map_err(|error| unexpected(&error))?;
    let mut files: BTreeMap<String, Outcome> = BTreeMap::new();
    for outcome in document["outcomes"].as_array().into_iter().flatten() {
        let mutant = &outcome["scenario"]["Mutant"];
        let (Some(file), Some(name)) = (mutant["file"].as_str(), mutant["name"].as_str()) else {
            continue;
        };
        let file = files.entry(file.to_owned()).or_default();
        match outcome["summary"].as_str() {
            // A test that never ends is noticed, too.
            Some("CaughtMutant" | "Timeout") => file.noticed += 1,
            Some("MissedMutant") => file.missed.push(without_place(name)),
            _ => {}
        }
    }
    Ok(files)
}

fn unexpected(error: &serde_json::Error) -> Failure {
    Failure::Unexpected {
        what: "the outcomes of cargo-mutants".to_owned(),
        found: error.to_string(),
    }
}

/// Without `file:line:column: `, which changes with every edit.
fn without_place(name: &str) -> String {
    name.split_once(": ")
        .map_or(name, |(_, rest)| rest)
        .to_owned()
}

fn write(work: &Workspace, outcomes: BTreeMap<String, Outcome>) -> Result<(), Failure> {
    let path = work.root.join(format!("{REPORT}.json"));
    let mut all: BTreeMap<String, Value> = match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| unexpected(&error))?,
        Err(_) => BTreeMap::new(),
    };
    for (file, Outcome { noticed, missed }) in outcomes {
        all.insert(file, json!({ "noticed": noticed, "missed": missed }));
    }
    all.retain(|file, _| work.root.join(file).exists());
    let json = serde_json::to_string_pretty(&all).map_err(|error| unexpected(&error))?;
    fs::write(&path, json + "\n").map_err(Failure::io("write the report"))?;
    let path = work.root.join(format!("{REPORT}.md"));
    fs::write(path, markdown(&all)).map_err(Failure::io("write the report"))
}

fn markdown(all: &BTreeMap<String, Value>) -> String {
    let mut text = String::from(
        "# Removed rules\n\nWritten by `cargo xtask mutants`: each rule of core is removed or changed, \
         and a test has to notice. A file that is not here has not been examined.\n\n\
         | file | noticed | not noticed |\n|---|---|---|\n",
    );
    for (file, outcome) in all {
        let missed = outcome["missed"].as_array().into_iter().flatten();
        let missed: Vec<_> = missed.filter_map(Value::as_str).collect();
        // A `|` would end the cell.
        let missed = missed.join("; ").replace('|', "\\|");
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {file} | {} | {missed} |", outcome["noticed"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_by_file() -> Result<(), Failure> {
        let mutant = |name: &str, summary: &str| {
            let mutant = json!({ "file": "a.rs", "name": name });
            json!({ "scenario": { "Mutant": mutant }, "summary": summary })
        };
        let document = json!({ "outcomes": [
            { "scenario": "Baseline", "summary": "Success" },
            mutant("a.rs:1:2: replace f with true", "CaughtMutant"),
            mutant("a.rs:3:4: replace || with && in g", "MissedMutant"),
            mutant("a.rs:5:6: delete ! in h", "Unviable"),
        ] });
        let files = parse(&document.to_string())?;
        assert_eq!(files["a.rs"].noticed, 1);
        assert_eq!(files["a.rs"].missed, ["replace || with && in g"]);
        let all = BTreeMap::from([(
            "a.rs".to_owned(),
            json!({ "noticed": 1, "missed": files["a.rs"].missed }),
        )]);
        assert!(markdown(&all).ends_with("| a.rs | 1 | replace \\|\\| with && in g |\n"));
        Ok(())
    }
}
