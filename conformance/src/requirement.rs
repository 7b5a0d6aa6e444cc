//! The list of requirements of the specifications: `requirements/*.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::check::toml_files;

/// One specification.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Specification {
    /// `RFC 6750`.
    pub(crate) specification: String,
    pub(crate) title: String,
    /// The page of the report. Default: the report about specifications.
    pub(crate) page: Option<String>,
    #[serde(rename = "requirement")]
    pub(crate) requirements: Vec<Requirement>,
}

/// One requirement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    /// Specification, section, number: `RFC6750-3.1-2`. Never reused.
    pub(crate) id: String,
    pub(crate) section: String,
    pub(crate) level: Level,
    /// In our words.
    pub(crate) text: String,
    /// The checks or vectors that test it.
    #[serde(default)]
    pub(crate) checks: Vec<String>,
    /// Why there is no check.
    pub(crate) excluded: Option<String>,
}

/// The level (RFC 2119).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// Whether a failure fails the run; others are warnings.
    pub(crate) fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
        }
    }
}

/// All specifications. `known` are the ids of checks and vectors.
///
/// # Errors
///
/// An id is repeated, a requirement has neither checks nor a reason or names an unknown check, or a
/// check belongs to no requirement.
pub(crate) fn load(folder: &Path, known: &BTreeSet<String>) -> Result<Vec<Specification>, String> {
    let mut specifications = Vec::new();
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut problems = Vec::new();
    for (name, text) in toml_files(folder)? {
        let read: Specification =
            toml::from_str(&text).map_err(|error| format!("requirements/{name}: {error}"))?;
        for requirement in &read.requirements {
            let id = &requirement.id;
            if !ids.insert(id.clone()) {
                problems.push(format!("{id} stands twice"));
            }
            if requirement.checks.is_empty() == requirement.excluded.is_none() {
                problems.push(format!(
                    "{id} needs either checks or a reason why it has none"
                ));
            }
            for check in &requirement.checks {
                if !known.contains(check) {
                    problems.push(format!("{id} names {check}, which there is not"));
                }
                used.insert(check.clone());
            }
        }
        specifications.push(read);
    }
    let unused = known.difference(&used);
    problems.extend(unused.map(|check| format!("{check} serves no requirement")));
    if problems.is_empty() {
        Ok(specifications)
    } else {
        Err(problems.join("\n"))
    }
}
