//! One page of the report: a part of the specifications, with the checks that serve only them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::Report;
use crate::mcp::ScenarioResult;
use crate::requirement::{Level, Requirement, Specification};
use crate::run::Results;
use crate::vectors::VectorSet;

/// A page of a report.
pub(super) struct Page<'a> {
    report: &'a Report,
    /// `None` for the report about specifications.
    name: Option<&'a str>,
    specifications: Vec<&'a Specification>,
    checks: BTreeSet<&'a str>,
    /// The targets that support the page's features.
    targets: Vec<&'a str>,
}

/// The result of a requirement on one target.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pass,
    /// A MUST is not fulfilled.
    Fail,
    /// A SHOULD is not fulfilled.
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
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    section: &'a str,
    pub(super) level: Level,
    requirement: &'a str,
    checks: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded: Option<&'a str>,
    /// By host, why one of these checks is not run there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    not_run: BTreeMap<&'a str, BTreeSet<&'a str>>,
    pub(super) results: BTreeMap<&'a str, Status>,
}

#[derive(Serialize)]
pub(super) struct SpecificationRows<'a> {
    specification: &'a str,
    title: &'a str,
    pub(super) requirements: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Document<'a> {
    specifications: Vec<SpecificationRows<'a>>,
    checks: BTreeMap<&'a str, BTreeMap<&'a str, &'a [String]>>,
    twins: BTreeMap<&'a str, TwinRow<'a>>,
    checks_without_twin: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vectors: &'a [VectorSet],
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_server_scenarios: Option<&'a [ScenarioResult]>,
}

#[derive(Serialize)]
struct TwinRow<'a> {
    fault: &'a str,
    found: bool,
}

impl<'a> Page<'a> {
    /// The page with that name. A check for two pages is counted on the report about
    /// specifications, if that is one of them.
    pub(super) fn of(report: &'a Report, name: Option<&'a str>) -> Self {
        let all = &report.specifications;
        let (specifications, others): (Vec<_>, Vec<_>) = all
            .iter()
            .partition(|specification| specification.page.as_deref() == name);
        let named = |specifications: &[&'a Specification]| -> BTreeSet<&'a str> {
            let requirements = specifications.iter().flat_map(|each| &each.requirements);
            let checks = requirements.flat_map(|requirement| &requirement.checks);
            checks.map(String::as_str).collect()
        };
        let mut checks = named(&specifications);
        if name.is_some() {
            let proper: Vec<_> = others.into_iter().filter(|it| it.page.is_none()).collect();
            let elsewhere = named(&proper);
            checks.retain(|check| !elsewhere.contains(check));
        }
        let has = |target: &&'static str| {
            let runs = |check: &&str| {
                let there = ((*check).to_owned(), *target);
                !report.not_run_on.contains_key(&there)
            };
            name.is_none() || checks.iter().any(runs)
        };
        let targets = report.targets.keys().filter(|target| has(target)).copied();
        Self {
            report,
            name,
            specifications,
            targets: targets.collect(),
            checks,
        }
    }

    /// Every specification of the page, with the results of its requirements.
    pub(super) fn rows(&self) -> Vec<SpecificationRows<'a>> {
        self.specifications
            .iter()
            .map(|specification| SpecificationRows {
                specification: &specification.specification,
                title: &specification.title,
                requirements: self.rows_of(specification),
            })
            .collect()
    }

    fn rows_of(&self, specification: &'a Specification) -> Vec<Row<'a>> {
        let row = |requirement: &'a Requirement| {
            let status = |target, results| {
                let is_there = |check: &String| {
                    !self
                        .report
                        .not_run_on
                        .contains_key(&(check.clone(), target))
                };
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
                    .targets()
                    .map(|(target, results)| (target, status(target, results)))
                    .collect(),
            }
        };
        specification.requirements.iter().map(row).collect()
    }

    fn reasons(&self, requirement: &Requirement) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((check, target), why) in &self.report.not_run_on {
            if requirement.checks.contains(check) && self.targets.contains(target) {
                reasons.entry(target).or_default().insert(why);
            }
        }
        reasons
    }

    fn status<'b>(
        &self,
        mut checks: impl Iterator<Item = &'b String>,
        level: Level,
        results: &Results,
    ) -> Status {
        let holds = checks.all(|check| match results.get(check) {
            Some(wrong) => wrong.is_empty(),
            None => self
                .report
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

    fn targets(&self) -> impl Iterator<Item = (&'a str, &'a Results)> {
        let targets = self
            .report
            .targets
            .iter()
            .map(|(name, results)| (*name, results));
        targets.filter(|(name, _)| self.targets.contains(name))
    }

    fn twins(&self) -> impl Iterator<Item = (&'a str, TwinRow<'a>)> {
        let twins = self.report.twins.iter();
        let ours = twins.filter(|(check, _)| self.checks.contains(check.as_str()));
        ours.map(|(check, (fault, found))| {
            let found = *found;
            (check.as_str(), TwinRow { fault, found })
        })
    }

    fn without_twin(&self) -> Vec<&'a str> {
        let all = self.report.without_twin.iter().map(String::as_str);
        all.filter(|check| self.checks.contains(check)).collect()
    }

    fn vectors(&self) -> &'a [VectorSet] {
        if self.name.is_none() {
            &self.report.vectors
        } else {
            &[]
        }
    }

    fn scenarios(&self) -> Option<&'a [ScenarioResult]> {
        self.report.mcp.as_deref().filter(|_| self.name.is_none())
    }

    /// Writes the page, for people and for programs.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let results = |results: &'a Results| {
            let each = results
                .iter()
                .map(|(check, wrong)| (check.as_str(), wrong.as_slice()));
            each.filter(|(check, _)| self.checks.contains(check))
                .collect()
        };
        let document = Document {
            specifications: self.rows(),
            checks: self
                .targets()
                .map(|(name, all)| (name, results(all)))
                .collect(),
            twins: self.twins().collect(),
            checks_without_twin: self.without_twin(),
            vectors: self.vectors(),
            mcp_server_scenarios: self.scenarios(),
        };
        let name = self.name.unwrap_or("report");
        let json = serde_json::to_string_pretty(&document)?;
        fs::write(folder.join(format!("{name}.json")), json + "\n")?;
        fs::write(folder.join(format!("{name}.md")), self.markdown())
    }

    pub(super) fn markdown(&self) -> String {
        let title = self
            .name
            .map(|_| self.specifications.iter().map(|each| &*each.title));
        let title = title.map(|titles| titles.collect::<Vec<_>>().join("; "));
        let mut text = format!(
            "# {}\n\nWritten by `cargo xtask conformance`. Requirements are in `requirements/`, \
             checks in `checks/`; a requirement without a check says why. A dash stands where a \
             host has not what is demanded.\n\n",
            title.as_deref().unwrap_or("Conformance")
        );
        let targets = &self.targets;
        self.summary(&mut text);
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
                for target in targets {
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

    fn summary(&self, text: &mut String) {
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
        for target in &self.targets {
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
        if !self.vectors().is_empty() {
            text.push_str(
                "\n## Vectors, through the built component\n\nEach is checked with the component's \
                 own signatures and with those that each host lends. All must agree with the source \
                 and with each other. A Rust Worker hosts the npm package, so what workerd lends is \
                 what it gets.\n\n",
            );
            text.push_str("| vectors | source | agree | of | in each way | valid but refused by a rule | may go either way (accepted) |\n");
            text.push_str("|---|---|---|---|---|---|---|\n");
            for set in self.vectors() {
                let policy: Vec<String> = set
                    .refused_by_policy
                    .iter()
                    .map(|(rule, count)| format!("{count}: {rule}"))
                    .collect();
                let ways = set.agree_by_way.iter();
                let ways: Vec<String> =
                    ways.map(|(way, agree)| format!("{way}: {agree}")).collect();
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} ({}) |",
                    set.id,
                    set.source,
                    set.agree,
                    set.total,
                    ways.join("; "),
                    policy.join("; "),
                    set.acceptable,
                    set.acceptable_accepted
                );
            }
        }
        let mut twins = self.twins().peekable();
        if twins.peek().is_some() {
            text.push_str("\n## Twins\n\nEach check must fail for a gate with one fault.\n\n");
            text.push_str("| check | a gate that | noticed |\n|---|---|---|\n");
            for (check, TwinRow { fault, found }) in twins {
                let found = if found { "yes" } else { "**no**" };
                let _ = writeln!(text, "| {check} | {fault} | {found} |");
            }
            let without = self.without_twin();
            if !without.is_empty() {
                let _ = writeln!(text, "\nWithout a twin: {}.", without.join(", "));
            }
        }
        if let Some(scenarios) = self.scenarios() {
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
