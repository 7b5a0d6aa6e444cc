//! Signature vectors, through the built component.

mod examples;
pub(crate) mod jws_file;
mod thumbprint;
mod wycheproof_sets;

use serde::Serialize;

use crate::component::RawSignatures;

/// One set of vectors and how it went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct VectorSet {
    /// What requirements name it by.
    pub(crate) id: String,
    /// Where the vectors come from.
    pub(crate) source: String,
    /// How many there are.
    pub(crate) total: usize,
    /// How many came out as their source says.
    pub(crate) agree: usize,
    /// Valid by the mathematics, refused by a rule of Tollgate's: the rule and how many.
    pub(crate) refused_by_policy: Vec<(String, usize)>,
    /// Vectors that may go either way, and how many of them were accepted.
    pub(crate) acceptable: usize,
    pub(crate) acceptable_accepted: usize,
    /// Every disagreement.
    pub(crate) wrong: Vec<String>,
}

impl VectorSet {
    fn new(id: &str, source: &str) -> Self {
        Self {
            id: id.to_owned(),
            source: source.to_owned(),
            total: 0,
            agree: 0,
            refused_by_policy: Vec::new(),
            acceptable: 0,
            acceptable_accepted: 0,
            wrong: Vec::new(),
        }
    }

    /// Counts one vector that must come out as expected.
    fn count(&mut self, name: &str, expected: bool, got: Result<(), &str>) {
        self.total += 1;
        if got.is_ok() == expected {
            self.agree += 1;
            return;
        }
        let expected = if expected { "valid" } else { "invalid" };
        let got = got.err().unwrap_or("valid");
        self.wrong
            .push(format!("{name}: expected {expected}, got {got}"));
    }

    /// Counts one vector that must be refused, whatever its mathematics say.
    fn count_policy(&mut self, name: &str, rule: &str, got: Result<(), &str>) {
        self.total += 1;
        if got.is_ok() {
            self.wrong
                .push(format!("{name}: accepted against the rule: {rule}"));
            return;
        }
        self.agree += 1;
        match self.refused_by_policy.iter_mut().find(|(r, _)| r == rule) {
            Some((_, count)) => *count += 1,
            None => self.refused_by_policy.push((rule.to_owned(), 1)),
        }
    }

    /// Counts one vector that may go either way.
    fn count_acceptable(&mut self, got: Result<(), &str>) {
        self.total += 1;
        self.agree += 1;
        self.acceptable += 1;
        self.acceptable_accepted += usize::from(got.is_ok());
    }

    /// Whether all is as it should be.
    pub(crate) fn holds(&self) -> bool {
        self.wrong.is_empty() && self.total > 0
    }
}

/// Runs all that there is. Some thousand checks: says where it is.
pub(crate) fn run_all(raw: &mut RawSignatures) -> wasmtime::Result<Vec<VectorSet>> {
    let mut sets = wycheproof_sets::run(raw)?;
    sets.extend(examples::run(raw)?);
    sets.push(thumbprint::run());
    for set in &sets {
        println!(
            "  {} {:<34} {:>5} of {:>5} agree",
            if set.holds() { "ok  " } else { "FAIL" },
            set.id,
            set.agree,
            set.total
        );
        for wrong in &set.wrong {
            println!("         {wrong}");
        }
    }
    Ok(sets)
}

/// The ids, for requirements to be checked against before anything runs.
pub(crate) fn ids() -> Vec<String> {
    let mut ids = wycheproof_sets::ids();
    ids.extend(examples::ids());
    ids.push(thumbprint::ID.to_owned());
    ids
}
