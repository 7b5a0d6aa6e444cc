//! What ships: the component and the npm package, in `target/dist`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::Failure,
    node::{self, Node},
    progress::Step,
    stamp::{self, Inputs},
    wasm32::{self, TARGET, Toolchain},
    workspace::{Workspace, require},
};

/// Code generation for the components, beside the profile `component` in `Cargo.toml`.
///
/// Limbs of 32 bits: products of 64-bit ones are emulated in WebAssembly, and RSA takes twice as
/// long with them. They concern the signatures component only.
const RUSTFLAGS: [&str; 3] = ["--cfg", "cpubits=\"32\"", "-Ctarget-feature=+simd128"];

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
const COMPONENT_SOURCES: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "component/core",
    "component/guest",
    "component/signatures",
    "component/compose",
    "wit",
    "xtask/js/componentize.mjs",
];
/// Packages of npm that the component is made with: Binaryen, and jco with its parts.
const COMPONENT_TOOLS: [&str; 2] = ["binaryen", "@bytecodealliance/"];
/// Sources of the npm package, beside the component. The lock file has the versions of the packages
/// that it is made with, `Cargo.toml` the package's own.
const PACKAGE_SOURCES: [&str; 4] = ["host-worker/js", "package-lock.json", "wit", "Cargo.toml"];
/// The components in the npm package, by the options of `build.mjs`.
const PACKAGE_COMPONENTS: [(&str, Component); 4] = [
    ("--component", Component::Gate),
    ("--verifier", Component::Verifier),
    ("--issuer", Component::Issuer),
    ("--signatures", Component::Signatures),
];

/// A component that is built.
#[derive(Clone, Copy)]
pub(crate) enum Component {
    /// Needs a host that lends signatures.
    Gate,
    /// The gate without its token client.
    Verifier,
    /// The authorization server. Needs a host that lends signatures and a store.
    Issuer,
    /// Lends signatures.
    Signatures,
    /// The two composed, for hosts that lend none.
    Standalone,
    /// The gate with raw signature checks beside it, for test vectors.
    Conformance,
    /// The same, with signatures of its own.
    ConformanceStandalone,
}

/// How a component is made.
enum Made {
    /// From a crate, with these features.
    Compiled(&'static str, &'static [&'static str]),
    /// From another one, with signatures.
    Composed(Component),
}

impl Component {
    /// What ships.
    const SHIPPED: [Self; 5] = [
        Self::Gate,
        Self::Verifier,
        Self::Issuer,
        Self::Signatures,
        Self::Standalone,
    ];

    /// Its name in `target/dist`.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Gate => "tollgate-gate.wasm",
            Self::Verifier => "tollgate-verifier.wasm",
            Self::Issuer => "tollgate-issuer.wasm",
            Self::Signatures => "tollgate-signatures.wasm",
            Self::Standalone => "tollgate-gate-standalone.wasm",
            Self::Conformance => "tollgate-conformance.wasm",
            Self::ConformanceStandalone => "tollgate-conformance-standalone.wasm",
        }
    }

    fn step(self) -> &'static str {
        match self {
            Self::Gate => "component",
            Self::Verifier => "component-verifier",
            Self::Issuer => "component-issuer",
            Self::Signatures => "component-signatures",
            Self::Standalone => "component-standalone",
            Self::Conformance => "component-conformance",
            Self::ConformanceStandalone => "conformance-standalone",
        }
    }

    fn made(self) -> Made {
        match self {
            Self::Gate => Made::Compiled("tollgate-component", &[]),
            Self::Verifier => Made::Compiled("tollgate-component", &["--no-default-features"]),
            Self::Issuer => Made::Compiled(
                "tollgate-component",
                &["--no-default-features", "--features", "issuer"],
            ),
            Self::Signatures => Made::Compiled("tollgate-signatures", &[]),
            Self::Standalone => Made::Composed(Self::Gate),
            Self::Conformance => {
                Made::Compiled("tollgate-component", &["--features", "conformance"])
            }
            Self::ConformanceStandalone => Made::Composed(Self::Conformance),
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

/// Builds everything that ships, and the components for conformance.
///
/// # Errors
/// When a step fails.
pub(crate) fn build(work: &Workspace, tools: &Tools) -> Result<(), Failure> {
    shipped(work, tools)?;
    copy_into_crate(work)?;
    package(work, tools)?;
    conformance(work, tools)
}

/// Builds the components that ship.
///
/// # Errors
/// When one does not compile.
pub(crate) fn shipped(work: &Workspace, tools: &Tools) -> Result<(), Failure> {
    let mut components = Component::SHIPPED.into_iter();
    components.try_for_each(|which| component(work, tools, which))
}

/// Builds the components for conformance. Those that ship are there.
///
/// # Errors
/// When one does not compile.
pub(crate) fn conformance(work: &Workspace, tools: &Tools) -> Result<(), Failure> {
    component(work, tools, Component::Conformance)?;
    component(work, tools, Component::ConformanceStandalone)
}

/// Where the crate `tollgate` has its components when it is published. In the repository it is built
/// with those in `target/dist`.
const CRATE_COMPONENTS: &str = "host-native/tollgate/component";

fn copy_into_crate(work: &Workspace) -> Result<(), Failure> {
    let folder = work.root.join(CRATE_COMPONENTS);
    let copy = |which: Component| {
        let name = which.file();
        fs::copy(work.dist().join(name), folder.join(name)).map(drop)
    };
    fs::create_dir_all(&folder)
        .and_then(|()| {
            [Component::Gate, Component::Issuer]
                .into_iter()
                .try_for_each(copy)
        })
        .map_err(Failure::io(format!(
            "copy the components to {CRATE_COMPONENTS}"
        )))
}

/// Builds one component, unless its sources are those of the one that is there.
fn component(work: &Workspace, tools: &Tools, which: Component) -> Result<(), Failure> {
    work.progress.step(which.step(), |step| {
        let _alone = work.alone()?;
        let output = work.dist().join(which.file());
        let mut inputs = Inputs::new("3")
            .text(&RUSTFLAGS.join(" "))
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
        fs::create_dir_all(work.dist()).map_err(Failure::io("create target/dist"))?;
        match which.made() {
            Made::Compiled(package, features) => {
                let module = module(work, step, tools, package, features)?;
                componentize(work, step, tools, &module, &output)?;
            }
            Made::Composed(socket) => compose(work, step, socket, &output)?,
        }
        step.note(size(&output));
        stamp::keep(&output, &inputs)
    })
}

/// Makes a component of a core module.
fn componentize(
    work: &Workspace,
    step: &Step<'_>,
    tools: &Tools,
    module: &Path,
    output: &Path,
) -> Result<(), Failure> {
    // Takes 8 % from the module and 4 KB from what is sent; no slower as measured.
    let small = work.own().join(output.file_name().unwrap_or_default());
    let wasm_opt = work.root.join("node_modules/binaryen/bin/wasm-opt");
    let mut optimize = tools.node.script(work, wasm_opt);
    optimize.args(OPTIMIZE).arg(module).arg("-o").arg(&small);
    step.run(&optimize)?;
    let script = work.root.join("xtask/js/componentize.mjs");
    let mut componentize = tools.node.script(work, script);
    componentize.arg(small).arg(output);
    step.run(&componentize)
}

/// Gives a component the signatures that it imports.
fn compose(
    work: &Workspace,
    step: &Step<'_>,
    socket: Component,
    output: &Path,
) -> Result<(), Failure> {
    // The profile of xtask: it is a tool, and some of its dependencies are there already.
    let run = [
        "run",
        "--quiet",
        "-p",
        "tollgate-compose",
        "--profile",
        "xtask",
        "--",
    ];
    let mut compose = work.cargo(&run);
    let dist = work.dist();
    compose.arg(dist.join(socket.file()));
    compose
        .arg(dist.join(Component::Signatures.file()))
        .arg(output);
    step.run(&compose)
}

/// Where cargo keeps what it downloads.
fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

/// Compiles a crate to a core module.
fn module(
    work: &Workspace,
    step: &Step<'_>,
    tools: &Tools,
    package: &str,
    features: &[&str],
) -> Result<PathBuf, Failure> {
    let folder = work.root.join("target").join(TARGET).join("component");
    let name = format!("{}.wasm", package.replace('-', "_"));
    let module = folder.join(&name);
    // With and without features it has this one name, and cargo would take the other's for this
    // one's.
    for stale in [folder.join("deps").join(&name), module.clone()] {
        let _ = fs::remove_file(stale);
    }
    let mut cargo = work.cargo(&["build", "-p", package, "--lib", "--profile", "component"]);
    cargo.args(["--target", TARGET]).args(features);
    let mut flags: Vec<String> = RUSTFLAGS.map(str::to_owned).into();
    // Panics name the file they are in. Without the folder of whoever builds it, the component is
    // the same everywhere, and smaller.
    if let Some(home) = cargo_home() {
        let sources = home.join("registry/src");
        flags.push(format!("--remap-path-prefix={}=", sources.display()));
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
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
        let output = work.dist().join("npm/tollgate");
        let mut inputs = Inputs::new("3").text(tools.node.version());
        for (_, component) in PACKAGE_COMPONENTS {
            inputs = inputs.path(&work.root, &format!("target/dist/{}", component.file()))?;
        }
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
        for (option, component) in PACKAGE_COMPONENTS {
            build.arg(option).arg(work.dist().join(component.file()));
        }
        build.arg("--out").arg(&output);
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
        .env("TOLLGATE_GATE_WASM", dist.join(Component::Gate.file()))
        .env(
            "TOLLGATE_CONFORMANCE_WASM",
            dist.join(Component::Conformance.file()),
        )
        .env(
            "TOLLGATE_STANDALONE_WASM",
            dist.join(Component::Standalone.file()),
        )
        .env(
            "TOLLGATE_CONFORMANCE_STANDALONE_WASM",
            dist.join(Component::ConformanceStandalone.file()),
        )
        .env("TOLLGATE_BIN", work.root.join("target/debug/tollgate"));
}

fn size(file: &Path) -> String {
    let bytes = fs::metadata(file).map_or(0, |metadata| metadata.len());
    format!("{} KB", bytes.div_ceil(1000))
}
