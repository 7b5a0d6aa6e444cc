//! What is known about the rules of each file, kept between runs.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::{Value, json};

use super::equivalent::EQUIVALENT;
use crate::{failure::Failure, stamp::Inputs, workspace::Workspace};

/// Where the results of all files are kept.
pub(super) const REPORT: &str = "conformance/report/mutants";

/// What came of one file's mutants: how many a test noticed, and those that none did.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) noticed: u64,
    pub(super) missed: Vec<String>,
    /// Missed, and listed as [`EQUIVALENT`].
    pub(super) equivalent: Vec<String>,
}

pub(super) type Outcomes = BTreeMap<String, Outcome>;

/// The outcomes of `files`. A mutant that does not compile is none.
///
/// # Errors
/// When the tests fail on core as it is: then nothing is known about any mutant.
pub(super) fn examined(
    text: &str,
    files: &[String],
    ended: Result<(), Failure>,
) -> Result<Outcomes, Failure> {
    let document: Value = serde_json::from_str(text).map_err(|error| unexpected(&error))?;
    let mut outcomes = none(files);
    let mut baseline = false;
    for outcome in document["outcomes"].as_array().into_iter().flatten() {
        let summary = outcome["summary"].as_str();
        if outcome["scenario"] == "Baseline" {
            baseline = summary == Some("Success");
        }
        let mutant = &outcome["scenario"]["Mutant"];
        let (Some(file), Some(name)) = (mutant["file"].as_str(), mutant["name"].as_str()) else {
            continue;
        };
        let file = outcomes.entry(file.to_owned()).or_default();
        match summary {
            // A test that never ends is noticed, too.
            Some("CaughtMutant" | "Timeout") => file.noticed += 1,
            Some("MissedMutant") => file.missed.push(without_place(name)),
            _ => {}
        }
    }
    if !baseline {
        return ended.and(Err(Failure::Unexpected {
            what: "the tests of core as it is".to_owned(),
            found: "they do not pass".to_owned(),
        }));
    }
    Ok(outcomes)
}

/// The outcomes of files without mutants.
pub(super) fn none(files: &[String]) -> Outcomes {
    let none = |file: &String| (file.clone(), Outcome::default());
    files.iter().map(none).collect()
}

fn unexpected(error: &serde_json::Error) -> Failure {
    Failure::Unexpected {
        what: "the outcomes of mutants".to_owned(),
        found: error.to_string(),
    }
}

/// Without `file:line:column: `, which changes with every edit.
fn without_place(name: &str) -> String {
    name.split_once(": ")
        .map_or(name, |(_, rest)| rest)
        .to_owned()
}

/// The outcomes of all files, each with a hash of the source that was examined.
pub(super) struct Report {
    files: BTreeMap<String, Value>,
    /// The hashes of the files as they are.
    sources: BTreeMap<String, String>,
    /// What this run found to be wrong.
    faults: Vec<String>,
}

impl Report {
    /// Reads what earlier runs found about the files that are still there.
    pub(super) fn read(work: &Workspace) -> Result<Self, Failure> {
        let path = work.root.join(format!("{REPORT}.json"));
        let mut files: BTreeMap<String, Value> = match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| unexpected(&error))?,
            Err(_) => BTreeMap::new(),
        };
        let mut sources = BTreeMap::new();
        for file in super::fields::files(work)?
            .into_iter()
            .flat_map(|(_, files)| files)
        {
            let source = Inputs::new("mutants").path(&work.root, &file)?.finish();
            sources.insert(file, source);
        }
        files.retain(|file, _| sources.contains_key(file));
        Ok(Self {
            files,
            sources,
            faults: Vec::new(),
        })
    }

    /// Whether a file is as it was when it was examined.
    pub(super) fn is_current(&self, file: &str) -> bool {
        let examined = self.files.get(file).map(|outcome| &outcome["source"]);
        examined.and_then(Value::as_str) == self.sources.get(file).map(String::as_str)
    }

    /// Takes the outcome of a file over, without the mutants that are known to be equivalent.
    pub(super) fn take(&mut self, file: &str, mut outcome: Outcome) -> Outcome {
        for (_, mutant, _) in EQUIVALENT.iter().filter(|(of, ..)| *of == file) {
            match outcome.missed.iter().position(|missed| missed == mutant) {
                Some(place) => outcome.equivalent.push(outcome.missed.remove(place)),
                None => self.faults.push(format!(
                    "{file}: listed as equivalent, but gone or noticed: {mutant}"
                )),
            }
        }
        let missed = outcome.missed.iter();
        self.faults
            .extend(missed.map(|missed| format!("{file}: no test notices: {missed}")));
        let entry = json!({
            "noticed": outcome.noticed,
            "missed": outcome.missed,
            "equivalent": outcome.equivalent,
            "source": self.sources.get(file),
        });
        self.files.insert(file.to_owned(), entry);
        outcome
    }

    /// Writes the report for programs and the one for readers.
    pub(super) fn write(&self, work: &Workspace) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(&self.files).map_err(|error| unexpected(&error))?;
        for (ending, text) in [("json", json + "\n"), ("md", self.markdown())] {
            let path = work.root.join(format!("{REPORT}.{ending}"));
            fs::write(path, text).map_err(Failure::io("write the report"))?;
        }
        Ok(())
    }

    /// # Errors
    /// When a rule that this run tried can be removed unseen.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Failure::Unexpected {
            what: "removed rules".to_owned(),
            found: self.faults.join("\n"),
        })
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# Removed rules\n\nWritten by `cargo xtask mutants`: each rule of core is removed or \
             changed, and a test has to notice. Files without rules are left out.\n\n\
             | file | noticed | equivalent | not noticed |\n|---|---|---|---|\n",
        );
        // Writing to a string does not fail.
        for (file, outcome) in &self.files {
            let missed: Vec<_> = names(&outcome["missed"]).collect();
            let equivalent = names(&outcome["equivalent"]).count();
            if outcome["noticed"] == 0 && missed.is_empty() && equivalent == 0 {
                continue;
            }
            let missed = cell(&missed.join("; "));
            let noticed = &outcome["noticed"];
            let _ = writeln!(text, "| {file} | {noticed} | {equivalent} | {missed} |");
        }
        let all = || self.sources.keys().map(String::as_str);
        let examined = |file: &&str| self.files.contains_key(*file);
        let changed = all().filter(|file| examined(file) && !self.is_current(file));
        list(&mut text, "Changed since they were examined", changed);
        list(
            &mut text,
            "Not examined",
            all().filter(|file| !examined(file)),
        );
        let mut first = true;
        for (file, mutant, reason) in EQUIVALENT {
            if names(&self.files.get(file).unwrap_or(&Value::Null)["equivalent"])
                .all(|known| known != mutant)
            {
                continue;
            }
            if first {
                text.push_str(
                    "\n## Equivalent\n\nNothing behaves differently, so that no test can notice.\
                     \n\n| file | mutant | reason |\n|---|---|---|\n",
                );
                first = false;
            }
            let _ = writeln!(text, "| {file} | {} | {} |", cell(mutant), cell(reason));
        }
        text
    }
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A `|` would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn list<'a>(text: &mut String, title: &str, files: impl Iterator<Item = &'a str>) {
    let files: Vec<_> = files.map(|file| format!("- {file}\n")).collect();
    if !files.is_empty() {
        let _ = write!(text, "\n{title}:\n\n{}", files.concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(baseline: &str) -> Result<Outcomes, Failure> {
        let mutant = |name: &str, summary: &str| {
            let mutant = json!({ "file": "a.rs", "name": name });
            json!({ "scenario": { "Mutant": mutant }, "summary": summary })
        };
        let document = json!({ "outcomes": [
            { "scenario": "Baseline", "summary": baseline },
            mutant("a.rs:1:2: replace f with true", "CaughtMutant"),
            mutant("a.rs:3:4: replace || with && in g", "MissedMutant"),
            mutant("a.rs:5:6: delete ! in h", "Unviable"),
        ] });
        let files = ["a.rs".to_owned(), "b.rs".to_owned()];
        examined(&document.to_string(), &files, Ok(()))
    }

    #[test]
    fn outcomes_are_read_by_file() -> Result<(), Failure> {
        let outcomes = outcomes("Success")?;
        assert_eq!(outcomes["a.rs"].noticed, 1);
        assert_eq!(outcomes["a.rs"].missed, ["replace || with && in g"]);
        assert_eq!(outcomes["b.rs"].noticed, 0);
        Ok(())
    }

    #[test]
    fn nothing_is_known_where_the_tests_fail_without_a_mutant() {
        assert!(outcomes("Failure").is_err());
    }

    #[test]
    fn the_report_says_what_is_missed_changed_and_not_examined() -> Result<(), Failure> {
        let source = |file: &str| (file.to_owned(), "1".to_owned());
        let mut report = Report {
            files: BTreeMap::new(),
            sources: BTreeMap::from(["a.rs", "b.rs", "c.rs"].map(source)),
            faults: Vec::new(),
        };
        for (file, outcome) in outcomes("Success")? {
            report.take(&file, outcome);
        }
        report.sources.insert("b.rs".to_owned(), "2".to_owned());
        let text = report.markdown();
        assert!(text.contains("| a.rs | 1 | 0 | replace \\|\\| with && in g |\n"));
        assert!(!text.contains("| b.rs |"));
        assert!(text.contains("Changed since they were examined:\n\n- b.rs\n"));
        assert!(text.ends_with("Not examined:\n\n- c.rs\n"));
        assert!(report.is_current("a.rs") && !report.is_current("b.rs"));
        assert!(report.verdict().is_err());
        Ok(())
    }
}
