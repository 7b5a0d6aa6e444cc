//! Runs the list of requirements against every host of the component: `cargo xtask conformance`.
//!
//! | folder | what |
//! |---|---|
//! | `requirements/` | what each specification demands, and the checks that show it |
//! | `checks/` | requests and what must come of them, with a broken twin each |
//! | `keys/` | private keys of the checks' clients, which are nobody's |
//! | `vectors/` | the specifications' signed examples |
//! | `workers/` | the two Workers that are checked |
//! | `report/` | what came out |

mod check;
mod client;
mod component;
mod expectation;
mod gate_options;
mod issuer;
mod mcp;
mod report;
mod requirement;
mod run;
mod sent;
mod signature_host;
mod signing;
mod target;
mod token;
mod token_endpoint;
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use clap::Parser;

use check::Check;
use issuer::Issuers;
use report::Report;
use target::{Kind, Target};
use vectors::Ways;

/// Runs the requirements against every host.
#[derive(Parser)]
struct Arguments {
    /// Only these targets. Default: all.
    #[arg(long, value_enum)]
    target: Vec<Kind>,
    /// Only checks, vectors or requirements whose id contains this. No report is written.
    #[arg(long)]
    only: Option<String>,
    /// Only a file of Wycheproof's JSON Web Signature, Key or Crypto schema, through the built
    /// component.
    #[arg(long, value_name = "FILE")]
    jws: Option<PathBuf>,
    /// Without the broken twins.
    #[arg(long)]
    no_twins: bool,
    /// Without the scenarios of @modelcontextprotocol/conformance.
    #[arg(long)]
    no_mcp: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            runtime.block_on(async {
                match &arguments.jws {
                    Some(file) => jws_file(file, &arguments.kinds()).await,
                    None => requirements(&arguments).await,
                }
            })
        });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    /// The selected targets.
    fn kinds(&self) -> Vec<Kind> {
        if self.target.is_empty() {
            Kind::ALL.to_vec()
        } else {
            self.target.clone()
        }
    }
}

async fn jws_file(file: &Path, kinds: &[Kind]) -> Result<bool, String> {
    let mut ways = Ways::start(kinds).await?;
    let summary = vectors::jws_file::run(&mut ways, file).await?;
    Ok(summary.disagree == 0 && summary.total > 0)
}

async fn requirements(arguments: &Arguments) -> Result<bool, String> {
    let home = workspace().join("conformance");
    let checks = check::load(&home.join("checks"))?;
    let vector_ids = vectors::ids();
    let known = checks
        .iter()
        .map(|check| check.id.clone())
        .chain(vector_ids.iter().cloned());
    let known: BTreeSet<String> = known.collect();
    let mut specifications = requirement::load(&home.join("requirements"), &known)?;

    let only = arguments.only.as_deref();
    let wanted = wanted(&specifications, &known, only);
    if wanted.is_empty() {
        return Err("No check, vector or requirement has this in its id.".to_owned());
    }
    for specification in &mut specifications {
        let is_wanted = |check: &String| wanted.contains(check);
        specification.requirements.retain(|requirement| {
            only.is_none()
                || requirement.checks.iter().all(is_wanted) && requirement.excluded.is_none()
        });
    }
    let checks: Vec<Arc<Check>> = checks
        .into_iter()
        .filter(|check| wanted.contains(&check.id))
        .map(Arc::new)
        .collect();

    let mut report = Report {
        specifications,
        targets: BTreeMap::new(),
        not_run_on: checks
            .iter()
            .flat_map(|check| {
                Kind::ALL.into_iter().filter_map(|kind| {
                    let why = check.why_not_on(kind)?.to_owned();
                    Some(((check.id.clone(), kind.name()), why))
                })
            })
            .collect(),
        twins: BTreeMap::new(),
        without_twin: Vec::new(),
        vectors: Vec::new(),
        mcp: None,
    };
    if vector_ids.iter().any(|id| wanted.contains(id)) {
        println!("vectors, through the built component: its own signatures and lent ones");
        let mut ways = Ways::start(&arguments.kinds()).await?;
        report.vectors = vectors::run_all(&mut ways, |id| wanted.contains(id)).await?;
    }
    let issuers = Issuers::start().await.map_err(|error| error.to_string())?;
    for kind in arguments.kinds().into_iter().filter(|_| !checks.is_empty()) {
        println!("{}", kind.name());
        let target = Arc::new(Target::start(kind).await?);
        let results = run::run_checks(&checks, &target, &issuers, false).await;
        print_results(&results);
        report.targets.insert(target.kind.name(), results);
    }
    if !arguments.no_twins && !checks.is_empty() {
        twins(&checks, &issuers, &mut report).await?;
    }
    if !arguments.no_mcp && only.is_none() {
        println!("scenarios of @modelcontextprotocol/conformance");
        let scenarios = mcp::run().await?;
        let applying = scenarios.iter().filter(|scenario| scenario.applies);
        let passing = applying
            .clone()
            .filter(|scenario| scenario.problems.is_empty());
        println!(
            "  {} of {} that apply pass",
            passing.count(),
            applying.count()
        );
        report.mcp = Some(scenarios);
    }
    let complete =
        only.is_none() && arguments.target.is_empty() && !arguments.no_twins && !arguments.no_mcp;
    if complete {
        report
            .write(&home.join("report"))
            .map_err(|error| error.to_string())?;
    }
    println!();
    for line in report.failures() {
        println!("FAIL {line}");
    }
    summarise(&report)?;
    Ok(report.passes())
}

/// Ids of the selected checks and vectors.
fn wanted(
    specifications: &[requirement::Specification],
    known: &BTreeSet<String>,
    only: Option<&str>,
) -> BTreeSet<String> {
    let Some(only) = only else {
        return known.clone();
    };
    let mut wanted: BTreeSet<String> = known
        .iter()
        .filter(|id| id.contains(only))
        .cloned()
        .collect();
    let requirements = specifications
        .iter()
        .flat_map(|specification| &specification.requirements);
    for requirement in requirements.filter(|requirement| requirement.id.contains(only)) {
        wanted.extend(requirement.checks.iter().cloned());
    }
    wanted
}

/// Each check with a twin runs against it, and must fail.
async fn twins(
    checks: &[Arc<Check>],
    issuers: &Issuers,
    report: &mut Report,
) -> Result<(), String> {
    println!("twins");
    let (with, without): (Vec<_>, Vec<_>) = checks
        .iter()
        .cloned()
        .partition(|check| check.twin.is_some());
    report.without_twin = without.iter().map(|check| check.id.clone()).collect();
    // On the host that starts fastest. Features that it lacks are tested in JavaScript.
    let mut results = run::Results::new();
    for kind in [Kind::Native, Kind::Js] {
        let here = |check: &&Arc<Check>| check.runs_on(kind) && !results.contains_key(&check.id);
        let here: Vec<_> = with.iter().filter(here).cloned().collect();
        if !here.is_empty() {
            let target = Arc::new(Target::start(kind).await?);
            results.extend(run::run_checks(&here, &target, issuers, true).await);
        }
    }
    for check in &with {
        let found = results
            .get(&check.id)
            .is_some_and(|wrong| !wrong.is_empty());
        let fault = check
            .twin
            .as_ref()
            .map_or_else(String::new, |twin| twin.fault.clone());
        if !found {
            println!("  FAIL {} does not notice a gate that {fault}", check.id);
        }
        report.twins.insert(check.id.clone(), (fault, found));
    }
    let noticed = report.twins.values().filter(|(_, found)| *found).count();
    println!("  {noticed} of {} are noticed", with.len());
    Ok(())
}

fn print_results(results: &run::Results) {
    for (id, wrong) in results {
        println!("  {} {id}", if wrong.is_empty() { "ok  " } else { "FAIL" });
        for problem in wrong {
            println!("         {problem}");
        }
    }
}

fn summarise(report: &Report) -> Result<(), String> {
    for (target, results) in &report.targets {
        let passed = results.values().filter(|wrong| wrong.is_empty()).count();
        println!("{target}: {passed} of {} checks pass", results.len());
    }
    let agree: usize = report.vectors.iter().map(|set| set.agree).sum();
    let total: usize = report.vectors.iter().map(|set| set.total).sum();
    println!("vectors: {agree} of {total} agree");
    for check in &report.without_twin {
        println!("without a twin: {check}");
    }
    let (passed, failed) = report.counts();
    println!("{passed} passed, {failed} failed");
    write_counts(passed, failed)
}

/// For the parent process, if it requests it.
fn write_counts(passed: usize, failed: usize) -> Result<(), String> {
    let Some(path) = std::env::var_os("TOLLGATE_COUNTS") else {
        return Ok(());
    };
    let counts = serde_json::json!({ "passed": passed, "failed": failed });
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{counts}"))
        .map_err(|error| format!("cannot write {}: {error}", Path::new(&path).display()))
}

/// The root of the workspace.
fn workspace() -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    home.parent().unwrap_or(home).to_owned()
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
