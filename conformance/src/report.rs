//! Writes the results: `report/report.md` and `report/report.json`, and such a pair for each other
//! page. The same results give the same bytes.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::mcp::ScenarioResult;
use crate::requirement::Specification;
use crate::run::Results;
use crate::vectors::VectorSet;
use page::{Page, Status};

/// The results of a run.
pub(crate) struct Report {
    pub(crate) specifications: Vec<Specification>,
    /// By target.
    pub(crate) targets: BTreeMap<&'static str, Results>,
    /// Checks and the targets that do not support them, with the reason.
    pub(crate) not_run_on: BTreeMap<(String, &'static str), String>,
    /// Check and fault; whether the check found it.
    pub(crate) twins: BTreeMap<String, (String, bool)>,
    /// Checks without a twin.
    pub(crate) without_twin: Vec<String>,
    pub(crate) vectors: Vec<VectorSet>,
    pub(crate) mcp: Option<Vec<ScenarioResult>>,
}

impl Report {
    /// Whether the run as a whole passes: no MUST fails, every twin is found, vectors agree.
    pub(crate) fn passes(&self) -> bool {
        self.failures().is_empty()
    }

    /// One line for everything that makes the run fail.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for rows in self.pages().iter().flat_map(Page::rows) {
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

    /// How many checks, twins, vectors and scenarios passed and failed.
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

    /// Writes every page.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        self.pages().iter().try_for_each(|page| page.write(folder))
    }

    /// The report about specifications, then the pages that `requirements/` ask for.
    fn pages(&self) -> Vec<Page<'_>> {
        let names = self.specifications.iter();
        let names: BTreeSet<_> = names.filter_map(|each| each.page.as_deref()).collect();
        let own = names.into_iter().map(|name| Page::of(self, Some(name)));
        [Page::of(self, None)].into_iter().chain(own).collect()
    }
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
