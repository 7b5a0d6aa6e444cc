//! Mutants that no test can notice, because nothing behaves differently.

/// The file, the mutant as cargo-mutants names it, and why nothing differs. One entry stands for one
/// mutant: a second of the same name in the same function is still to be noticed.
pub(super) const EQUIVALENT: [(&str, &str, &str); 0] = [];
