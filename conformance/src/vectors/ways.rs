//! The variants in which a vector is checked: with the component's own signatures, and with those
//! that hosts lend.

use super::javascript::JavaScript;
use super::{Answer, Check};
use crate::component::RawSignatures;
use crate::target;
use crate::workspace;

/// All variants.
pub(crate) struct Ways {
    own: RawSignatures,
    lent: RawSignatures,
    /// Node and workerd; none where no target is in JavaScript.
    javascript: Option<JavaScript>,
}

impl Ways {
    /// Loads the components, for these targets. The native ones are always among them. The Rust
    /// Worker adds none: it hosts the npm package, which lends what it lends to JavaScript.
    pub(crate) async fn start(targets: &[target::Kind]) -> Result<Self, String> {
        let own = load("tollgate-conformance-standalone.wasm")?;
        let lent = load("tollgate-conformance.wasm")?;
        let in_javascript = [target::Kind::Js, target::Kind::Rust];
        let javascript = if targets.iter().any(|kind| in_javascript.contains(kind)) {
            Some(JavaScript::start().await?)
        } else {
            None
        };
        Ok(Self {
            own,
            lent,
            javascript,
        })
    }

    /// The result of each variant for each check.
    pub(crate) async fn answers(&mut self, checks: &[&Check]) -> Result<Answers, String> {
        let mut ways = Vec::new();
        for (name, component) in [
            ("native, own", &mut self.own),
            ("native, lent", &mut self.lent),
        ] {
            let answers = checks.iter().map(|check| component.answer(check));
            let answers: wasmtime::Result<Vec<Answer>> = answers.collect();
            ways.push((name, answers.map_err(|error| format!("{name}: {error:#}"))?));
        }
        if let Some(javascript) = &mut self.javascript {
            ways.extend(javascript.answers(checks).await?);
        }
        Ok(Answers::new(ways))
    }
}

fn load(name: &str) -> Result<RawSignatures, String> {
    let file = workspace().join("target/dist").join(name);
    RawSignatures::load(&file).map_err(|error| {
        format!(
            "{} cannot be used; run `cargo xtask build`: {error:#}",
            file.display()
        )
    })
}

/// The results of each variant for some checks.
pub(crate) struct Answers(Vec<(&'static str, Vec<Answer>)>);

impl Answers {
    /// The results of at least one variant, with one for every check.
    pub(super) fn new(ways: Vec<(&'static str, Vec<Answer>)>) -> Self {
        Self(ways)
    }

    /// The names of the variants.
    pub(super) fn ways(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(way, _)| *way)
    }

    /// The results of all variants for one check.
    pub(super) fn of(&self, check: usize) -> impl Iterator<Item = (&'static str, &Answer)> {
        self.0
            .iter()
            .map(move |(way, answers)| (*way, &answers[check]))
    }

    /// The result of the first variant.
    pub(super) fn first(&self, check: usize) -> &Answer {
        &self.0[0].1[check]
    }

    /// The results of all variants for one check, if they differ. Reasons of refusals are compared
    /// unless they may differ.
    pub(super) fn difference(&self, check: usize, reasons_differ: bool) -> Option<String> {
        let first = self.first(check);
        let is_same = |answer: &Answer| {
            answer == first || reasons_differ && !answer.is_valid() && !first.is_valid()
        };
        if self.of(check).all(|(_, answer)| is_same(answer)) {
            return None;
        }
        let said = self
            .of(check)
            .map(|(way, answer)| format!("{way} says {answer}"));
        Some(said.collect::<Vec<_>>().join(", "))
    }
}
