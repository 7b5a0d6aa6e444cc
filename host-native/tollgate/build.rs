//! Puts the component where the library can embed it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

fn main() {
    println!("cargo::rerun-if-env-changed=TOLLGATE_GATE_WASM");
    println!("cargo::rerun-if-changed=build.rs");
    let component = match env::var_os("TOLLGATE_GATE_WASM") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/dist/tollgate-gate.wasm"),
    };
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
