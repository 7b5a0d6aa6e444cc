//! Runs signature vectors through the built component, with its own signatures and with those that
//! each host lends. All must give the same result.

mod check;
mod examples;
mod javascript;
pub(crate) mod jws_file;
mod set;
mod thumbprint;
mod ways;
mod wycheproof_sets;

pub(crate) use check::{Answer, Check, Kind};
pub(crate) use set::VectorSet;
pub(crate) use ways::Ways;

/// A check, with its expected result.
pub(crate) struct Vector {
    /// Its name in messages.
    name: String,
    check: Check,
    expected: Expected,
    /// The payload of a JWS that is valid.
    payload: Vec<u8>,
}

/// The expected result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Valid,
    Invalid,
    /// Refused by a rule of Tollgate although the signature may be valid, for this reason if one is
    /// given.
    Refused {
        rule: String,
        code: Option<String>,
    },
    /// The source allows both results.
    Either,
}

/// Vectors of one source.
pub(crate) struct Group {
    /// Its id in requirements.
    id: String,
    /// The source of the vectors.
    source: String,
    /// Hosts may refuse these for different reasons: the key here, the signature there.
    reasons_differ: bool,
    vectors: Vec<Vector>,
}

/// Runs every selected group. There are some thousand checks per variant, so it prints its
/// progress.
pub(crate) async fn run_all(
    ways: &mut Ways,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<VectorSet>, String> {
    let mut groups = wycheproof_sets::groups()?;
    groups.extend(examples::groups());
    let mut sets = Vec::new();
    for group in groups.into_iter().filter(|group| wanted(&group.id)) {
        let checks: Vec<&Check> = group.vectors.iter().map(|vector| &vector.check).collect();
        let answers = ways.answers(&checks).await?;
        sets.push(print(VectorSet::judge(&group, &answers)));
    }
    if wanted(thumbprint::ID) {
        sets.push(print(thumbprint::run()));
    }
    Ok(sets)
}

fn print(set: VectorSet) -> VectorSet {
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
    set
}

/// The ids, for requirements to be checked against before anything runs.
pub(crate) fn ids() -> Vec<String> {
    let mut ids = wycheproof_sets::ids();
    ids.extend(examples::ids());
    ids.push(thumbprint::ID.to_owned());
    ids
}
