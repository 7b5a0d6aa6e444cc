//! What came out: `report/report.md` and `report/report.json`. The same run writes the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::mcp::ScenarioResult;
use crate::requirement::{Level, Requirement, Specification};
use crate::run::Results;
use crate::vectors::VectorSet;

/// Everything that was run.
pub(crate) struct Report {
    pub(crate) specifications: Vec<Specification>,
    /// By target.
    pub(crate) targets: BTreeMap<&'static str, Results>,
    /// Checks and targets that have not what is checked, and why.
    pub(crate) not_run_on: BTreeMap<(String, &'static str), String>,
    /// Check and fault; whether the check found it.
    pub(crate) twins: BTreeMap<String, (String, bool)>,
    /// Checks that no twin tests.
    pub(crate) without_twin: Vec<String>,
    pub(crate) vectors: Vec<VectorSet>,
    pub(crate) mcp: Option<Vec<ScenarioResult>>,
}

/// How a requirement stands on one target.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pass,
    /// A MUST does not hold.
    Fail,
    /// A SHOULD does not hold.
    Warning,
    Excluded,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "**FAIL**",
            Self::Warning => "warning",
            Self::Excluded => "—",
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    section: &'a str,
    level: Level,
    requirement: &'a str,
    checks: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<&'a str>,
    /// By host: why a check of these is not run there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    not_run: BTreeMap<&'a str, BTreeSet<&'a str>>,
    results: BTreeMap<&'a str, Status>,
}

#[derive(Serialize)]
struct SpecificationRows<'a> {
    specification: &'a str,
    title: &'a str,
    requirements: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Document<'a> {
    specifications: Vec<SpecificationRows<'a>>,
    checks: &'a BTreeMap<&'static str, Results>,
    twins: BTreeMap<&'a str, TwinRow<'a>>,
    checks_without_twin: &'a [String],
    vectors: &'a [VectorSet],
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_server_scenarios: Option<&'a [ScenarioResult]>,
}

#[derive(Serialize)]
struct TwinRow<'a> {
    fault: &'a str,
    found: bool,
}

impl Report {
    /// Whether the run as a whole passes: no MUST fails, every twin is found, vectors agree.
    pub(crate) fn passes(&self) -> bool {
        self.failures().is_empty()
    }

    /// One line for everything that makes the run fail.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for rows in self.rows() {
            for row in rows.requirements {
                let failed = row
                    .results
                    .iter()
                    .filter(|(_, status)| **status == Status::Fail);
                let failed: Vec<&str> = failed.map(|(target, _)| *target).collect();
                if !failed.is_empty() {
                    lines.push(format!(
                        "{} {}: {}",
                        row.id,
                        row.level.word(),
                        failed.join(", ")
                    ));
                }
            }
        }
        for (check, (fault, found)) in &self.twins {
            if !found {
                lines.push(format!("{check} does not notice a gate that {fault}"));
            }
        }
        for set in self.vectors.iter().filter(|set| !set.holds()) {
            lines.push(format!(
                "vectors {}: {} of {} agree",
                set.id, set.agree, set.total
            ));
        }
        for scenario in self.mcp.iter().flatten() {
            for problem in &scenario.problems {
                let (revision, name) = (&scenario.revision, &scenario.scenario);
                lines.push(format!("MCP {revision}, scenario {name}: {problem}"));
            }
        }
        lines
    }

    /// How many checks, twins, vectors and scenarios are as they should be, and how many not.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let checks = self.targets.values().flat_map(BTreeMap::values);
        let checks = checks.map(Vec::is_empty);
        let twins = self.twins.values().map(|(_, found)| *found);
        let scenarios = self.mcp.iter().flatten();
        let scenarios = scenarios.map(|scenario| scenario.problems.is_empty());
        let all: Vec<bool> = checks.chain(twins).chain(scenarios).collect();
        let agree: usize = self.vectors.iter().map(|set| set.agree).sum();
        let total: usize = self.vectors.iter().map(|set| set.total).sum();
        let passed = all.iter().filter(|holds| **holds).count();
        (passed + agree, all.len() - passed + total - agree)
    }

    fn rows(&self) -> Vec<SpecificationRows<'_>> {
        self.specifications
            .iter()
            .map(|specification| SpecificationRows {
                specification: &specification.specification,
                title: &specification.title,
                requirements: self.rows_of(specification),
            })
            .collect()
    }

    fn rows_of<'a>(&'a self, specification: &'a Specification) -> Vec<Row<'a>> {
        let row = |requirement: &'a Requirement| {
            let status = |target, results| {
                let is_there =
                    |check: &String| !self.not_run_on.contains_key(&(check.clone(), target));
                let checks: Vec<&String> = requirement.checks.iter().collect();
                if checks.iter().any(|check| is_there(check)) {
                    let checks = checks.into_iter().filter(|check| is_there(check));
                    self.status(checks, requirement.level, results)
                } else {
                    Status::Excluded
                }
            };
            Row {
                id: &requirement.id,
                section: &requirement.section,
                level: requirement.level,
                requirement: &requirement.text,
                checks: &requirement.checks,
                excluded: requirement.excluded.as_deref(),
                not_run: self.reasons(requirement),
                results: self
                    .targets
                    .iter()
                    .map(|(target, results)| (*target, status(*target, results)))
                    .collect(),
            }
        };
        specification.requirements.iter().map(row).collect()
    }

    fn reasons<'a>(&'a self, requirement: &Requirement) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((check, target), why) in &self.not_run_on {
            if requirement.checks.contains(check) {
                reasons.entry(target).or_default().insert(why);
            }
        }
        reasons
    }

    fn status<'a>(
        &self,
        mut checks: impl Iterator<Item = &'a String>,
        level: Level,
        results: &Results,
    ) -> Status {
        let holds = checks.all(|check| match results.get(check) {
            Some(wrong) => wrong.is_empty(),
            None => self
                .vectors
                .iter()
                .any(|set| set.id == *check && set.holds()),
        });
        match (holds, level.is_binding()) {
            (true, _) => Status::Pass,
            (false, true) => Status::Fail,
            (false, false) => Status::Warning,
        }
    }

    /// Writes both files.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let twins = self.twins.iter();
        let document = Document {
            specifications: self.rows(),
            checks: &self.targets,
            twins: twins
                .map(|(check, (fault, found))| {
                    (
                        check.as_str(),
                        TwinRow {
                            fault,
                            found: *found,
                        },
                    )
                })
                .collect(),
            checks_without_twin: &self.without_twin,
            vectors: &self.vectors,
            mcp_server_scenarios: self.mcp.as_deref(),
        };
        let json = serde_json::to_string_pretty(&document)?;
        fs::write(folder.join("report.json"), json + "\n")?;
        fs::write(folder.join("report.md"), self.markdown())
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# Conformance\n\nWritten by `cargo xtask conformance`. Requirements are in \
             `requirements/`, checks in `checks/`; a requirement without a check says why. A dash \
             stands where a host has not what is demanded.\n\n",
        );
        let targets: Vec<&str> = self.targets.keys().copied().collect();
        self.summary(&mut text, &targets);
        for rows in self.rows() {
            let _ = write!(text, "\n## {}: {}\n\n", rows.specification, rows.title);
            let _ = writeln!(
                text,
                "| requirement | level | what | {} | checks |",
                targets.join(" | ")
            );
            let _ = writeln!(text, "|---|---|---|{}---|", "---|".repeat(targets.len()));
            for row in &rows.requirements {
                let _ = write!(
                    text,
                    "| {} | {} | {} |",
                    row.id,
                    row.level.word(),
                    row.requirement
                );
                for target in &targets {
                    let status = row.results.get(target).copied().unwrap_or(Status::Excluded);
                    let _ = write!(text, " {} |", status.word());
                }
                let checks: Vec<String> = row
                    .checks
                    .iter()
                    .map(|check| format!("`{check}`"))
                    .collect();
                let _ = match row.excluded {
                    Some(reason) => writeln!(text, " not checked: {reason} |"),
                    None => {
                        let not_run = row.not_run.iter().flat_map(|(target, reasons)| {
                            reasons.iter().map(move |why| format!("; {target}: {why}"))
                        });
                        let not_run: String = not_run.collect();
                        writeln!(text, " {}{not_run} |", checks.join(", "))
                    }
                };
            }
        }
        self.vectors_and_twins(&mut text);
        text
    }

    fn summary(&self, text: &mut String, targets: &[&str]) {
        let rows = self.rows();
        let all = || rows.iter().flat_map(|rows| &rows.requirements);
        let excluded = all().filter(|row| row.excluded.is_some()).count();
        let _ = writeln!(
            text,
            "{} requirements, {} of them with a reason why they are not checked.\n",
            all().count(),
            excluded
        );
        let _ = writeln!(
            text,
            "| target | pass | fail | warning |\n|---|---|---|---|"
        );
        for target in targets {
            let count = |wanted| {
                all()
                    .filter(|row| row.results.get(target) == Some(&wanted))
                    .count()
            };
            let (pass, fail) = (count(Status::Pass), count(Status::Fail));
            let _ = writeln!(
                text,
                "| {target} | {pass} | {fail} | {} |",
                count(Status::Warning)
            );
        }
    }

    fn vectors_and_twins(&self, text: &mut String) {
        if !self.vectors.is_empty() {
            text.push_str("\n## Vectors, through the built component\n\n");
            text.push_str("| vectors | source | agree | of | valid but refused by a rule | may go either way (accepted) |\n");
            text.push_str("|---|---|---|---|---|---|\n");
            for set in &self.vectors {
                let policy: Vec<String> = set
                    .refused_by_policy
                    .iter()
                    .map(|(rule, count)| format!("{count}: {rule}"))
                    .collect();
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} ({}) |",
                    set.id,
                    set.source,
                    set.agree,
                    set.total,
                    policy.join("; "),
                    set.acceptable,
                    set.acceptable_accepted
                );
            }
        }
        if !self.twins.is_empty() {
            text.push_str("\n## Twins\n\nEach check must fail for a gate with one fault.\n\n");
            text.push_str("| check | a gate that | noticed |\n|---|---|---|\n");
            for (check, (fault, found)) in &self.twins {
                let found = if *found { "yes" } else { "**no**" };
                let _ = writeln!(text, "| {check} | {fault} | {found} |");
            }
            if !self.without_twin.is_empty() {
                let _ = writeln!(text, "\nWithout a twin: {}.", self.without_twin.join(", "));
            }
        }
        if let Some(scenarios) = &self.mcp {
            text.push_str("\n## Scenarios of @modelcontextprotocol/conformance\n\n");
            text.push_str("| revision | scenario | result | checks passed |\n|---|---|---|---|\n");
            for scenario in scenarios {
                let result = match (&scenario.problems[..], &scenario.reason) {
                    ([], None) => "pass".to_owned(),
                    ([], Some(reason)) => format!("does not apply: {reason}"),
                    (problems, _) => format!("**FAIL** {}", problems.join("; ")),
                };
                let (revision, name) = (&scenario.revision, &scenario.scenario);
                let _ = writeln!(
                    text,
                    "| {revision} | {name} | {result} | {} |",
                    scenario.passed
                );
            }
        }
    }
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
