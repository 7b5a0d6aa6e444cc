//! Real servers, and what they take odd paths for: `conformance/paths`.

use std::path::Path;

use crate::{dist::Tools, failure::Failure, progress::Step, workspace::Workspace};

/// What the servers are called in Debian and its relatives.
const PACKAGES: [&str; 3] = ["nginx-light", "apache2-bin", "tomcat10"];
/// A file of each.
const FILES: [&str; 3] = [
    "/usr/sbin/nginx",
    "/usr/sbin/apache2",
    "/usr/share/tomcat10/bin/bootstrap.jar",
];

/// Asks the gate and each server about the same request targets. Installs the servers where this
/// process may do so without being asked for a password.
///
/// # Errors
/// When a server serves a protected place where the gate is open; [`Failure::Skipped`] where there
/// are no servers.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    if !installed() && std::env::var_os("USER").is_none_or(|user| user == "root") {
        println!("      installing {}", PACKAGES.join(", "));
        let mut install = work.command("apt-get");
        install
            .args(["install", "-y", "--no-install-recommends"])
            .args(PACKAGES)
            .env("DEBIAN_FRONTEND", "noninteractive");
        // What matters is whether they are there afterwards.
        let _ = step.run(&install);
    }
    if !installed() {
        step.note(format!("install {} to run this", PACKAGES.join(", ")));
        return Err(Failure::Skipped {
            because: "finding nginx, Apache httpd and Tomcat",
        });
    }
    let mut build = work.cargo(&["build", "-p", "tollgate-core", "--example"]);
    build.arg("gate_decisions");
    step.run(&build)?;
    let mut build = work.cargo(&["build", "-p", "conformance", "--example"]);
    build.arg("axum_paths");
    crate::dist::tell(work, &mut build);
    step.run(&build)?;
    let mut test = tools.node.script(work, "--test");
    test.args(["--test-reporter=tap", "conformance/paths/paths.test.mjs"]);
    step.run(&test)
}

fn installed() -> bool {
    FILES.iter().all(|file| Path::new(file).exists())
}
