//! The files of core, by the tests that have to notice when a rule in them is removed.

use std::path::PathBuf;

use crate::{failure::Failure, stamp::collect, workspace::Workspace};

/// Where core's sources are.
const CORE: &str = "component/core/src/";

/// Files whose rules have the same tests.
pub(super) struct Field {
    /// How their paths in core begin.
    files: &'static [&'static str],
    /// The test targets that run, besides core's unit tests. With those of all fields, a mutant
    /// would take four times as long.
    pub(super) tests: &'static [&'static str],
}

/// A file belongs to the first field that has it. What must not be wrong comes first.
const FIELDS: [Field; 11] = [
    Field {
        files: &["access_token/", "trusted_url"],
        tests: &[
            "gate_keys",
            "gate_requests",
            "gate_token_cache",
            "gate_tokens",
            "lent_signatures",
        ],
    },
    Field {
        files: &[
            "resource_server/path_",
            "resource_server/request_target",
            "resource_server/route",
        ],
        // `path_readings` has random paths, and takes ten seconds: none needs it.
        tests: &["gate_requests"],
    },
    Field {
        files: &["resource_server/"],
        tests: &[
            "client_keys",
            "gate_configuration",
            "gate_keys",
            "gate_requests",
            "gate_token_cache",
            "gate_tokens",
            "lent_signatures",
            "lent_signing",
        ],
    },
    Field {
        files: &["jose/pem", "jose/private_key", "jose/signing_key"],
        tests: &[
            "client_keys",
            "jose_signing",
            "jose_signing_der",
            "jose_signing_refusals",
            "lent_signing",
        ],
    },
    Field {
        files: &["jose/"],
        tests: &["jose_verify", "jose_weak_keys", "lent_signatures"],
    },
    Field {
        files: &["issuers/"],
        tests: &[
            "gate_configuration",
            "gate_key_outages",
            "gate_key_snapshots",
            "gate_keys",
        ],
    },
    Field {
        files: &["token_client/"],
        tests: &[
            "client_keys",
            "lent_signing",
            "token_client",
            "token_client_trouble",
        ],
    },
    Field {
        files: &["authorization_server/"],
        tests: &["authorization_server_clients"],
    },
    Field {
        files: &["deployment/"],
        tests: &["client_keys", "environment", "gate_configuration"],
    },
    Field {
        files: &["store"],
        tests: &["store"],
    },
    // What all of them stand on.
    Field {
        files: &[""],
        tests: &[
            "gate_keys",
            "gate_requests",
            "gate_tokens",
            "lent_signatures",
            "token_client",
        ],
    },
];

/// All files of core but those of tests, from the root on, by field.
///
/// # Errors
/// When a folder cannot be read.
pub(super) fn files(work: &Workspace) -> Result<Vec<(&'static Field, Vec<String>)>, Failure> {
    let mut found = Vec::new();
    collect(&work.root.join(CORE), &mut found)?;
    let from_root = |file: &PathBuf| {
        let file = file.strip_prefix(&work.root).unwrap_or(file);
        file.to_string_lossy().into_owned()
    };
    let mut found: Vec<String> = found.iter().map(from_root).collect();
    found.retain(|file| !file.ends_with("tests.rs"));
    found.sort();
    let mut by_field: Vec<_> = FIELDS.iter().map(|field| (field, Vec::new())).collect();
    for file in found {
        let in_core = file.strip_prefix(CORE).unwrap_or(&file);
        let place = by_field
            .iter()
            .position(|(field, _)| field.files.iter().any(|start| in_core.starts_with(start)));
        if let Some(place) = place {
            by_field[place].1.push(file);
        }
    }
    Ok(by_field)
}
