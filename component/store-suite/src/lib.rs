//! Tests of the contract of storage, for every store.
//!
//! `cases.json` has the cases: steps with the results that the contract demands. This crate carries
//! them out on a [`Store`], `runner.mjs` on a store in JavaScript. What `cases.json` cannot say, such
//! as a crash, each host tests by itself.
//!
//! A case without `partition` uses one of its own name; a step without `now` is at second 1000. `$`
//! in a race stands for the number of the commit. Texts that are long are written as
//! `{"repeat": "x", "times": 256}`, bytes that are not text as `{"hex": "00ff"}`.

mod case;
mod fault;
mod run;

pub use case::{Case, cases};
pub use fault::{Fault, FaultyStore};
pub use run::{Mismatch, answer, run};

#[cfg(doc)]
use tollgate_core::store::Store;
