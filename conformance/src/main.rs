//! Runs the requirements.
fn main() {}
