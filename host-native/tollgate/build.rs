//! Puts the component where the library can embed it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

/// In the repository, `cargo xtask build` leaves it here.
const BUILT: &str = "../../target/dist/tollgate-gate.wasm";
/// A published crate has it here.
const PACKAGED: &str = "component/tollgate-gate.wasm";

fn main() {
    println!("cargo::rerun-if-env-changed=TOLLGATE_GATE_WASM");
    println!("cargo::rerun-if-changed=build.rs");
    let component = component();
    println!("cargo::rerun-if-changed={}", component.display());
    let out_dir = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .expect("cargo sets OUT_DIR");
    if let Err(error) = fs::copy(&component, out_dir.join("gate.wasm")) {
        println!(
            "cargo::error=There is no component at {} ({error}). Run `cargo xtask build` first, \
             or set TOLLGATE_GATE_WASM to one.",
            component.display()
        );
        exit(1);
    }
}

fn component() -> PathBuf {
    if let Some(path) = env::var_os("TOLLGATE_GATE_WASM") {
        return PathBuf::from(path);
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_repository = here.join("../../wit").is_dir();
    here.join(if in_repository { BUILT } else { PACKAGED })
}
