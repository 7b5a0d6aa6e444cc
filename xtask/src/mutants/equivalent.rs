//! Mutants that no test can notice, because nothing behaves differently.

/// The file, the mutant as cargo-mutants names it, and why nothing differs. One entry stands for one
/// mutant: a second of the same name in the same function is still to be noticed.
pub(super) const EQUIVALENT: [(&str, &str, &str); 2] = [
    (
        "component/core/src/json/write.rs",
        "replace < with <= in write_double",
        "1 becomes 10 with an exponent that is one less, and the 16th digit takes both back",
    ),
    (
        "component/core/src/token_client/exchanged_tokens.rs",
        "delete match arm [] |[_] in Parts<'_>::set",
        "a shortcut: a list of one or none is in order, and has nothing twice",
    ),
];
