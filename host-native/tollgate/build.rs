//! Puts the components where the library can embed them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

/// In the repository, `cargo xtask build` leaves them here.
const BUILT: &str = "../../target/dist";
/// A published crate has them here.
const PACKAGED: &str = "component";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    embed("gate", "TOLLGATE_GATE_WASM");
    if env::var_os("CARGO_FEATURE_ISSUER").is_some() {
        embed("issuer", "TOLLGATE_ISSUER_WASM");
    }
}

fn embed(name: &str, variable: &str) {
    println!("cargo::rerun-if-env-changed={variable}");
    let component = component(name, variable);
    println!("cargo::rerun-if-changed={}", component.display());
    let out_dir = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .expect("cargo sets OUT_DIR");
    if let Err(error) = fs::copy(&component, out_dir.join(format!("{name}.wasm"))) {
        println!(
            "cargo::error=There is no component at {} ({error}). Run `cargo xtask build` first, \
             or set {variable} to one.",
            component.display()
        );
        exit(1);
    }
}

fn component(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return PathBuf::from(path);
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_repository = here.join("../../wit").is_dir();
    let folder = here.join(if in_repository { BUILT } else { PACKAGED });
    folder.join(format!("tollgate-{name}.wasm"))
}
