//! `cargo xtask test`: every check, ordered so that mistakes are found early.

use std::{process::Command, time::Instant};

use crate::{
    counts, demo, dependencies,
    dist::{self, Tools},
    failure::Failure,
    formatting, fuzz, node, npm_package, paths,
    progress::Step,
    readme, rust_worker, summary,
    workspace::{NATIVE, Workspace},
};

/// One check.
struct Check {
    name: &'static str,
    needs: Needs,
    run: fn(&Suite<'_>, &Step<'_>) -> Result<(), Failure>,
}

/// What has to be built before a check. Each includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Needs {
    Nothing,
    Tools,
    Component,
    Package,
    RustWorkerTools,
    ConformanceComponent,
}

const CHECKS: [Check; 18] = [
    Check {
        name: "format",
        needs: Needs::Nothing,
        run: |suite, step| formatting::rust(suite.work, step),
    },
    Check {
        name: "js-lint",
        needs: Needs::Tools,
        run: js_lint,
    },
    Check {
        name: "deny",
        needs: Needs::Nothing,
        run: |suite, step| dependencies::deny(suite.work, step),
    },
    Check {
        name: "advisories",
        needs: Needs::Nothing,
        run: |suite, step| dependencies::advisories(suite.work, step),
    },
    Check {
        name: "core",
        needs: Needs::Nothing,
        run: core,
    },
    Check {
        name: "xtask",
        needs: Needs::Nothing,
        run: xtask,
    },
    Check {
        name: "clippy",
        needs: Needs::Component,
        run: clippy,
    },
    Check {
        name: "doc",
        needs: Needs::Component,
        run: doc,
    },
    Check {
        name: "native",
        needs: Needs::Component,
        run: native,
    },
    Check {
        name: "paths",
        needs: Needs::Component,
        run: paths,
    },
    Check {
        name: "js",
        needs: Needs::Package,
        run: js,
    },
    Check {
        name: "package",
        needs: Needs::Package,
        run: package,
    },
    Check {
        name: "readme",
        needs: Needs::Package,
        run: readme,
    },
    Check {
        name: "demo",
        needs: Needs::Package,
        run: demo,
    },
    Check {
        name: "rust-worker",
        needs: Needs::RustWorkerTools,
        run: rust_worker,
    },
    Check {
        name: "examples",
        needs: Needs::RustWorkerTools,
        run: examples,
    },
    Check {
        name: "conformance",
        needs: Needs::ConformanceComponent,
        run: conformance,
    },
    Check {
        name: "fuzz",
        needs: Needs::Nothing,
        run: fuzz,
    },
];

/// Seconds per fuzz target inside the suite; `cargo xtask fuzz` goes on for longer.
const FUZZ_SECONDS: u32 = 10;

/// A run of the suite.
struct Suite<'a> {
    work: &'a Workspace,
    tools: Option<Tools>,
    /// The last completed build, and the failed one.
    built: Needs,
    broken: Option<Needs>,
}

/// Runs the checks whose name has one of `words` in it, all of them without words.
///
/// # Errors
/// When one failed.
pub(crate) fn run(work: &Workspace, words: &[String]) -> Result<(), Failure> {
    let started = Instant::now();
    let chosen = |check: &&Check| {
        words.is_empty() || words.iter().any(|word| check.name.contains(word.as_str()))
    };
    let chosen: Vec<_> = CHECKS.iter().filter(chosen).collect();
    if chosen.is_empty() {
        let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        let failure = Failure::Needs {
            what: format!("No check has `{}` in its name.", words.join("` or `")),
            next: format!("There are: {}.", names.join(", ")),
        };
        work.progress.complain(&failure);
        return Err(failure);
    }
    let mut suite = Suite {
        work,
        tools: None,
        built: Needs::Nothing,
        broken: None,
    };
    for check in chosen {
        suite.prepare(check.needs);
        // A failure is printed where it happens, and counted below.
        let _ = work.progress.step(check.name, |step| {
            if let Some(broken) = suite.broken.filter(|broken| *broken <= check.needs) {
                return Err(Failure::Skipped {
                    because: step_of(broken),
                });
            }
            let result = (check.run)(&suite, step);
            let counted = counts::read(step);
            if let Ok(Some(counts)) = counted {
                step.count(counts);
            }
            // The check's own failure is more informative.
            result.and(counted.map(|_| ()))
        });
    }
    summary::print(work, started)
}

impl Suite<'_> {
    /// Builds what is not built yet, up to `needs`.
    fn prepare(&mut self, needs: Needs) {
        while self.built < needs && self.broken.is_none() {
            let next = match self.built {
                Needs::Nothing => Needs::Tools,
                Needs::Tools => Needs::Component,
                Needs::Component => Needs::Package,
                Needs::Package => Needs::RustWorkerTools,
                Needs::RustWorkerTools | Needs::ConformanceComponent => Needs::ConformanceComponent,
            };
            match self.make(next) {
                Ok(()) => self.built = next,
                Err(_) => self.broken = Some(next),
            }
        }
    }

    fn make(&mut self, what: Needs) -> Result<(), Failure> {
        if what <= Needs::Tools {
            self.tools = Some(dist::set_up(self.work)?);
            return Ok(());
        }
        let tools = self.tools()?;
        match what {
            Needs::Nothing | Needs::Tools => Ok(()),
            Needs::Component => dist::shipped(self.work, tools),
            Needs::Package => dist::package(self.work, tools),
            Needs::RustWorkerTools => {
                let ensure = |step: &Step<'_>| rust_worker::ensure(self.work, step);
                self.work.progress.step("rust-worker-tools", ensure)
            }
            Needs::ConformanceComponent => dist::conformance(self.work, tools),
        }
    }

    fn tools(&self) -> Result<&Tools, Failure> {
        self.tools
            .as_ref()
            .ok_or(Failure::Skipped { because: "wasm32" })
    }

    /// A command of a check, told where the artifacts are.
    fn told(&self, mut command: Command) -> Command {
        dist::tell(self.work, &mut command);
        command
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        self.told(self.work.cargo(arguments))
    }
}

fn step_of(broken: Needs) -> &'static str {
    match broken {
        Needs::Nothing | Needs::Tools => "wasm32 or npm",
        Needs::Component => "component",
        Needs::Package => "npm-package",
        Needs::RustWorkerTools => "rust-worker-tools",
        Needs::ConformanceComponent => "component-conformance",
    }
}

// ---- the checks --------------------------------------------------------------------------------

fn js_lint(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    formatting::javascript(suite.work, step, &suite.tools()?.node)
}

fn core(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    step.run(&suite.cargo(&["test", "-p", "tollgate-rules", "-p", "tollgate-config"]))?;
    // The rules are the same ones; what is refused without the client is not.
    let test = ["test", "-p", "tollgate-rules", "--no-default-features"];
    step.run(&suite.cargo(&[&test[..], &["--test", "no_client"]].concat()))
}

fn xtask(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    step.run(&suite.cargo(&["test", "-p", "xtask"]))
}

fn clippy(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    step.run(&suite.cargo(&clippy))?;
    let mut verifier = suite.cargo(&["clippy", "-p", "tollgate-rules", "-p", "tollgate-component"]);
    verifier.args(["--no-default-features", "--all-targets"]);
    step.run(verifier.args(["--", "-D", "warnings"]))
}

fn doc(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    // After clippy, which has checked the dependencies with the same flags: only the crates of the
    // workspace are left to do.
    let mut doc = suite.cargo(&["doc", "--workspace", "--no-deps"]);
    step.run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn native(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    step.run(&suite.cargo(&[&["test"][..], &NATIVE].concat()))
}

fn paths(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    paths::test(suite.work, step, suite.tools()?)
}

fn js(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    // The package promises Node 20, so the system's own runs the tests where it can; they find a
    // newer one for workerd.
    let node = node::on_path(suite.work, (20, 0));
    let node = node.unwrap_or_else(|| suite.tools().map(|t| t.node.program()).unwrap_or_default());
    let mut run = suite.told(suite.work.command(node));
    run.arg("test/run.mjs")
        .current_dir(suite.work.root.join("host-worker/js"));
    step.run(&counts::node_script(suite.work, step, run))
}

fn package(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    npm_package::test(suite.work, step, suite.tools()?)
}

fn rust_worker(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    let manifest = ["--manifest-path", "host-worker/Cargo.toml"];
    let clippy = ["clippy", "--workspace", "--all-targets"];
    step.run(&suite.cargo(&[&clippy[..], &manifest, &["--", "-D", "warnings"]].concat()))?;
    step.run(&suite.cargo(&[&["test", "--workspace"][..], &manifest].concat()))
}

fn examples(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    let tools = suite.tools()?;
    // The issuer that the examples' tests run; the native tests have built it.
    step.run(&suite.cargo(&[&["build", "--bins"][..], &NATIVE].concat()))?;
    let tests = "host-worker/examples/test/*.test.mjs";
    let node = suite.told(tools.node.script(suite.work, "--test"));
    let mut node = counts::node_test(suite.work, step, node);
    node.args(["--test-concurrency=1", tests]);
    rust_worker::apply(suite.work, tools, &mut node);
    step.run(&node)
}

fn readme(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    readme::test(suite.work, step, suite.tools()?)
}

fn demo(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    demo::once(suite.work, step, suite.tools()?)
}

fn conformance(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    // Its own tests ran with the native ones.
    step.run(&suite.cargo(&[&["build", "--bins"][..], &NATIVE].concat()))?;
    let program = suite.work.root.join("target/debug/conformance");
    let mut conformance = suite.told(suite.work.command(program));
    rust_worker::apply(suite.work, suite.tools()?, &mut conformance);
    step.run(&counts::told(step, conformance))
}

fn fuzz(suite: &Suite<'_>, step: &Step<'_>) -> Result<(), Failure> {
    fuzz::run(suite.work, step, FUZZ_SECONDS, None)
}
