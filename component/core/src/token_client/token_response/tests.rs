//! Filled in with the rules.
