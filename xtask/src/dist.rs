//! What ships: the component and the npm package, in `target/dist`.

use std::{fs, path::Path, process::Command};

use crate::{
    failure::Failure,
    node::{self, Node},
    progress::Step,
    stamp::{self, Inputs},
    wasm32::{self, TARGET, Toolchain},
    workspace::{Workspace, require},
};

/// Code generation for the component, beside the profile `component` in `Cargo.toml`.
///
/// As measured with V8: limbs of 32 bits, since products of 64-bit ones are emulated there, halve
/// the time of RS256 and ES512, take a quarter from ES256 and 48 KB gzip from the component; SIMD
/// changes no time beyond the noise and takes 5 KB. Without the threshold the subtraction in
/// P-256's field, which `p256` asks to be inlined, becomes a call that passes its words through
/// memory, and ES256 takes a third longer.
const RUSTFLAGS: &str =
    "--cfg cpubits=\"32\" -Ctarget-feature=+simd128 -Cllvm-args=-inlinehint-threshold=800";

/// What Binaryen does: small, with functions of one name side by side, which compresses better; so
/// the names go last. It may use what the compiler uses, and every host has, and no more.
///
/// A function with one caller stays one unless it is tiny: an engine compiles what is called, and
/// so what a first request does not need stays out of its way. It saves 2 KB of what is sent, too.
const OPTIMIZE: [&str; 14] = [
    "--one-caller-inline-max-function-size=30",
    "-Oz",
    "--converge",
    "--reorder-functions-by-name",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Sources of the component.
const COMPONENT_SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "component/core",
    "component/guest",
    "wit",
    "xtask/js",
];
/// Packages of npm that the component is made with: Binaryen, and jco with its parts.
const COMPONENT_TOOLS: [&str; 2] = ["binaryen", "@bytecodealliance/"];
/// Sources of the npm package, beside the component. The lock file has the versions of the packages
/// that it is made with.
const PACKAGE_SOURCES: [&str; 4] = ["host-worker/js", "package-lock.json", "wit", "README.md"];

/// A component that is built.
#[derive(Clone, Copy)]
pub(crate) enum Flavour {
    /// What ships.
    Gate,
    /// With raw signature checks beside it, for test vectors.
    Conformance,
}

impl Flavour {
    /// Its name in `target/dist`.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Gate => "tollgate-gate.wasm",
            Self::Conformance => "tollgate-conformance.wasm",
        }
    }

    fn step(self) -> &'static str {
        match self {
            Self::Gate => "component",
            Self::Conformance => "component-conformance",
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Self::Gate => &[],
            Self::Conformance => &["--features", "conformance"],
        }
    }
}

/// The tools that builds need.
#[derive(Clone)]
pub(crate) struct Tools {
    /// How wasm32 is compiled.
    pub wasm32: Toolchain,
    /// Node and its packages.
    pub node: Node,
}

/// Sets up what builds need.
///
/// # Errors
/// When something cannot be set up.
pub(crate) fn set_up(work: &Workspace) -> Result<Tools, Failure> {
    let wasm32 = work
        .progress
        .step("wasm32", |step| wasm32::ensure(work, step))?;
    let node = work.progress.step("npm", |step| node::ensure(work, step))?;
    Ok(Tools { wasm32, node })
}

/// Builds everything that ships, and the component for conformance.
///
/// # Errors
/// When a step fails.
pub(crate) fn build(work: &Workspace, tools: &Tools) -> Result<(), Failure> {
    component(work, tools, Flavour::Gate)?;
    package(work, tools)?;
    component(work, tools, Flavour::Conformance)
}

/// Builds one component, unless its sources are those of the one that is there.
///
/// # Errors
/// When it does not compile.
pub(crate) fn component(work: &Workspace, tools: &Tools, flavour: Flavour) -> Result<(), Failure> {
    work.progress.step(flavour.step(), |step| {
        let _alone = work.alone()?;
        let output = work.dist().join(flavour.file());
        let mut inputs = Inputs::new("2")
            .text(RUSTFLAGS)
            .text(&OPTIMIZE.join(" "))
            .text(&wasm32::versions(work, tools.wasm32)?)
            .text(tools.node.version())
            .text(&node::versions(work, &COMPONENT_TOOLS)?);
        for path in COMPONENT_SOURCES {
            inputs = inputs.path(&work.root, path)?;
        }
        let inputs = inputs.finish();
        if stamp::fresh(&output, &inputs) {
            step.note(format!("up to date, {}", size(&output)));
            return Ok(());
        }
        stamp::forget(&output);
        let module = module(work, step, tools, flavour)?;
        // Takes 8 % from the module and 4 KB from what is sent; no slower as measured.
        let small = work.own().join(flavour.file());
        let wasm_opt = work.root.join("node_modules/binaryen/bin/wasm-opt");
        let mut optimize = tools.node.script(work, wasm_opt);
        optimize.args(OPTIMIZE).arg(&module).arg("-o").arg(&small);
        step.run(&optimize)?;
        fs::create_dir_all(work.dist()).map_err(Failure::io("create target/dist"))?;
        let mut componentize = tools
            .node
            .script(work, work.root.join("xtask/js/componentize.mjs"));
        componentize.arg(small).arg(&output);
        step.run(&componentize)?;
        step.note(size(&output));
        stamp::keep(&output, &inputs)
    })
}

/// Compiles the guest to a core module.
fn module(
    work: &Workspace,
    step: &Step<'_>,
    tools: &Tools,
    flavour: Flavour,
) -> Result<std::path::PathBuf, Failure> {
    let folder = work.root.join("target").join(TARGET).join("component");
    let module = folder.join("tollgate_component.wasm");
    // Both flavours have this one name, and cargo would take the other's for this one's.
    for stale in [folder.join("deps/tollgate_component.wasm"), module.clone()] {
        let _ = fs::remove_file(stale);
    }
    let mut cargo = work.cargo(&[
        "build",
        "-p",
        "tollgate-component",
        "--profile",
        "component",
    ]);
    cargo.args(["--target", TARGET]).args(flavour.features());
    if !RUSTFLAGS.is_empty() {
        cargo.env("RUSTFLAGS", RUSTFLAGS);
    }
    tools.wasm32.apply(&mut cargo);
    step.run(&cargo)?;
    require(
        &module,
        "The compiler said that it made it; run `cargo clean` and try again.",
    )?;
    Ok(module)
}

/// Builds the npm package exactly as it would be published.
///
/// # Errors
/// When a step of it fails.
pub(crate) fn package(work: &Workspace, tools: &Tools) -> Result<(), Failure> {
    work.progress.step("npm-package", |step| {
        let script = work.root.join("host-worker/js/build.mjs");
        require(&script, "This part of the project is not there yet.")?;
        let _alone = work.alone()?;
        let component = work.dist().join(Flavour::Gate.file());
        let output = work.dist().join("npm/tollgate");
        let mut inputs = Inputs::new("2")
            .text(tools.node.version())
            .path(&work.root, "target/dist/tollgate-gate.wasm")?;
        for path in PACKAGE_SOURCES {
            inputs = inputs.path(&work.root, path)?;
        }
        let inputs = inputs.finish();
        if stamp::fresh(&output, &inputs) {
            step.note("up to date");
            return Ok(());
        }
        stamp::forget(&output);
        let mut build = tools.node.script(work, &script);
        build
            .arg("--component")
            .arg(&component)
            .arg("--out")
            .arg(&output);
        step.run(&build)?;
        require(
            &output.join("package.json"),
            "host-worker/js/build.mjs has to leave it there.",
        )?;
        stamp::keep(&output, &inputs)
    })
}

/// Tells a command where the artifacts are.
pub(crate) fn tell(work: &Workspace, command: &mut Command) {
    let dist = work.dist();
    command
        .env("TOLLGATE_NPM", dist.join("npm/tollgate"))
        .env("TOLLGATE_GATE_WASM", dist.join(Flavour::Gate.file()))
        .env(
            "TOLLGATE_CONFORMANCE_WASM",
            dist.join(Flavour::Conformance.file()),
        )
        .env("TOLLGATE_BIN", work.root.join("target/debug/tollgate"));
}

fn size(file: &Path) -> String {
    let bytes = fs::metadata(file).map_or(0, |metadata| metadata.len());
    format!("{} KB", bytes.div_ceil(1000))
}
