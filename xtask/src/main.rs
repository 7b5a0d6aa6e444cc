//! The developer entry point: `cargo xtask build|demo|test|bench|conformance|fuzz|mutants|fmt`.
//!
//! It needs Rust and Node, and sets up the rest: the wasm32 target and the packages from npm.

mod child;
mod counts;
mod demo;
mod dependencies;
mod dispatch;
mod dist;
mod failure;
mod formatting;
mod fuzz;
mod log;
mod mutants;
mod node;
mod npm_package;
mod paths;
mod progress;
mod readme;
mod rust_worker;
mod stamp;
mod suite;
mod summary;
mod wasm32;
mod workspace;

use std::{env, process::ExitCode};

use failure::Failure;
use workspace::Workspace;

/// The commands, for the check that the README names no others.
const COMMANDS: [&str; 8] = [
    "build",
    "demo",
    "test",
    "bench",
    "conformance",
    "fuzz",
    "mutants",
    "fmt",
];

const HELP: &str = "\
cargo xtask <command>

  build          builds target/dist: the component and the npm package
  demo           starts an issuer and an MCP server in workerd, and walks through them
                   --once   exits after the walk
  test           runs every check; `test <word>…` runs those whose name has a word in it
  bench          measures against jose, and checks the bars
  conformance    runs the requirements against every host
  fuzz           runs the fuzz targets
  mutants        removes the rules of core one by one, and sees whether a test fails;
                   `mutants <word>…` only in files with a word in their path;
                   `mutants --changed` in those that have changed since they were examined
  fmt            formats Rust, JavaScript and TypeScript
";

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == child::GUARD) {
        arguments.next();
        return child::guard(arguments);
    }
    let arguments: Vec<String> = arguments
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let work = Workspace::open();
    let result = match command {
        "build" => build(&work),
        "demo" => demo::run(&work, rest),
        "test" => suite::run(&work, rest),
        "bench" => dispatch::bench(&work, rest),
        "conformance" => dispatch::conformance(&work, rest),
        "fuzz" => fuzz::command(&work, rest),
        "mutants" => mutants::command(&work, rest),
        "fmt" => formatting::command(&work),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => {
            eprint!("There is no command `{other}`.\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // The step has already printed the reason.
        Err(_) => ExitCode::FAILURE,
    }
}

fn build(work: &Workspace) -> Result<(), Failure> {
    let tools = dist::set_up(work)?;
    dist::build(work, &tools)
}
