//! Carries out the cases.

use std::fmt::{self, Debug};

use tollgate_core::store::{Committed, Page, PendingStore, Record, Store, StoreError};

use crate::case::{
    Case, CommitStep, ListResult, ListStep, Race, RaceResult, ReadResult, ReadStep, Step, Text,
    cases,
};

/// A store did not do what the contract demands.
pub struct Mismatch {
    case: String,
    step: usize,
    found: String,
}

impl Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, step, found } = self;
        write!(f, "{case}, step {step}: {found}")
    }
}

/// Carries out every case on a store whose partitions were never written. `wait` is called between
/// two polls while an operation is pending.
///
/// # Errors
/// What the store did not do: at most one step for each case.
pub fn run(store: &dyn Store, wait: &dyn Fn()) -> Result<(), Vec<Mismatch>> {
    let runner = Runner { store, wait };
    let mismatches: Vec<_> = cases()
        .iter()
        .filter_map(|case| runner.case(case).err())
        .collect();
    if mismatches.is_empty() {
        Ok(())
    } else {
        Err(mismatches)
    }
}

/// Polls an operation until there is a result.
///
/// # Errors
/// The operation's own.
///
/// # Panics
/// If the operation returns a second result.
pub fn answer<T>(mut pending: PendingStore<T>, wait: &dyn Fn()) -> Result<T, StoreError> {
    loop {
        if let Some(result) = pending.poll() {
            assert!(pending.poll().is_none(), "a result is returned once");
            return result;
        }
        wait();
    }
}

struct Runner<'a> {
    store: &'a dyn Store,
    wait: &'a dyn Fn(),
}

impl Runner<'_> {
    fn case(&self, case: &Case) -> Result<(), Mismatch> {
        for (step, what) in case.steps.iter().enumerate() {
            self.step(case, what).map_err(|found| Mismatch {
                case: case.name.clone(),
                step,
                found,
            })?;
        }
        Ok(())
    }

    fn step(&self, case: &Case, step: &Step) -> Result<(), String> {
        match step {
            Step::Commit { commit, expect } => equal(&self.commit(case, commit), expect),
            Step::Read { read, expect } => match expect {
                ReadResult::Records(records) => {
                    let records = records.iter();
                    let wanted: Vec<_> = records
                        .map(|record| record.as_ref().map(|record| record.record()))
                        .collect();
                    let found = self.read(case, read)?;
                    // Not by `Debug`: values are long.
                    if found == wanted {
                        return Ok(());
                    }
                    Err(format!(
                        "read {}, not {}",
                        described(&found),
                        described(&wanted)
                    ))
                }
                ReadResult::Error(error) => equal(&word(self.read(case, read).err()), error),
            },
            Step::List { list, expect } => {
                let page = self.list(case, list);
                let keys = |page: Page| -> Vec<_> {
                    let records = page.records.into_iter();
                    records.map(|record| record.key).collect()
                };
                match expect {
                    ListResult::Keys { keys: wanted, more } => {
                        let page = page?;
                        equal(&page.more, more)?;
                        equal(&keys(page), &wanted.iter().map(Text::text).collect())
                    }
                    ListResult::Count { count, more } => {
                        let page = page?;
                        equal(&page.more, more)?;
                        equal(&page.records.len(), count)
                    }
                    ListResult::Error(error) => equal(&word(page.err()), error),
                }
            }
            Step::Race { race, expect } => equal(&self.race(case, race)?, expect),
        }
    }

    fn commit(&self, case: &Case, step: &CommitStep) -> String {
        let partition = partition(case, step.partition.as_ref());
        let pending = self.store.commit(&partition, step.commit(), step.now);
        match answer(pending, self.wait) {
            Ok(Committed::Done) => "done".to_owned(),
            Ok(Committed::Conflict) => "conflict".to_owned(),
            Err(error) => word(Some(name(error))),
        }
    }

    fn read(&self, case: &Case, step: &ReadStep) -> Result<Vec<Option<Record>>, String> {
        let partition = partition(case, step.partition.as_ref());
        let keys: Vec<_> = step.keys.iter().map(Text::text).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        answer(self.store.read(&partition, &keys, step.now), self.wait).map_err(name)
    }

    fn list(&self, case: &Case, step: &ListStep) -> Result<Page, String> {
        let partition = partition(case, step.partition.as_ref());
        let after = step.after.as_ref().map(Text::text);
        let pending = self.store.list(
            &partition,
            &step.prefix.text(),
            after.as_deref(),
            step.limit,
            step.now,
        );
        answer(pending, self.wait).map_err(name)
    }

    fn race(&self, case: &Case, race: &Race) -> Result<RaceResult, String> {
        let step = &race.commit;
        let partition = partition(case, step.partition.as_ref());
        let start = |number| {
            self.store
                .commit(&partition, step.numbered(number), step.now)
        };
        // All are started before the first is polled.
        let running: Vec<_> = (0..race.times).map(start).collect();
        let mut result = RaceResult {
            done: 0,
            conflict: 0,
        };
        for pending in running {
            match answer(pending, self.wait).map_err(name)? {
                Committed::Done => result.done += 1,
                Committed::Conflict => result.conflict += 1,
            }
        }
        Ok(result)
    }
}

fn partition(case: &Case, own: Option<&Text>) -> String {
    own.map_or_else(|| case.name.clone(), Text::text)
}

fn name(error: StoreError) -> String {
    match error {
        StoreError::Unavailable => "unavailable".to_owned(),
        StoreError::Failed => "failed".to_owned(),
    }
}

fn word(error: Option<String>) -> String {
    error.unwrap_or_else(|| "a result".to_owned())
}

fn equal<T: PartialEq + Debug>(found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{found:?}, not {wanted:?}"))
}

fn described(records: &[Option<Record>]) -> String {
    let one = |record: &Option<Record>| match record {
        None => "nothing".to_owned(),
        Some(Record {
            key,
            version,
            value,
            expires_at,
        }) => format!("{key} at {version} ({} bytes, {expires_at:?})", value.len()),
    };
    records.iter().map(one).collect::<Vec<_>>().join(", ")
}
