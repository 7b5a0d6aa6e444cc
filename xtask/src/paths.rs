//! Compares the gate with real servers for unusual paths: `conformance/paths`.

use std::path::Path;

use crate::{counts, dist::Tools, failure::Failure, progress::Step, wasm32, workspace::Workspace};

/// The servers' package names in Debian.
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
/// When a server serves a protected place where the gate is open; [`Failure::NotRun`] where there
/// are no servers.
pub(crate) fn test(work: &Workspace, step: &Step<'_>, tools: &Tools) -> Result<(), Failure> {
    if !installed() && wasm32::is_root(work) {
        step.announce(&format!("installing {} with apt-get", PACKAGES.join(", ")));
        for arguments in [
            &["update"][..],
            &["install", "-y", "--no-install-recommends"],
        ] {
            let mut apt = work.command("apt-get");
            apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            if arguments.len() > 1 {
                apt.args(PACKAGES);
            }
            // What matters is whether they are there afterwards.
            let _ = step.run(&apt);
        }
    }
    if !installed() {
        return Err(Failure::NotRun {
            reason: "nginx, Apache httpd and Tomcat are not installed".to_owned(),
            next: format!("apt-get install {}", PACKAGES.join(" ")),
        });
    }
    let mut build = work.cargo(&["build", "-p", "tollgate-rules", "--example"]);
    build.arg("gate_decisions");
    step.run(&build)?;
    let mut build = work.cargo(&["build", "-p", "conformance", "--example"]);
    build.arg("axum_paths");
    crate::dist::tell(work, &mut build);
    step.run(&build)?;
    let node = tools.node.script(work, "--test");
    let mut test = counts::node_test(work, step, node);
    test.arg("conformance/paths/paths.test.mjs");
    step.run(&test)
}

fn installed() -> bool {
    FILES.iter().all(|file| Path::new(file).exists())
}
