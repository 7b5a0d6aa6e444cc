//! Secrets of the configuration: the file has only where they are.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::config_file::ConfigFileError;

/// The longest file with a secret, in bytes: a key set with private keys is shorter.
const FILE_BYTES: u64 = 64 * 1024;

/// Options that are secrets, or lists of secrets.
const SECRETS: [&str; 4] = [
    "client-secret",
    "initial-access-tokens",
    "secret",
    "secrets",
];

/// Replaces the references to secrets in a configuration by what they refer to: `env:NAME` and
/// `file:PATH`. Paths are relative to `folder`.
pub(super) fn resolve(config: &mut Value, folder: &Path) -> Result<(), ConfigFileError> {
    walk(config, "", folder)
}

fn walk(value: &mut Value, field: &str, folder: &Path) -> Result<(), ConfigFileError> {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let field = match field {
                    "" => name.clone(),
                    _ => format!("{field}.{name}"),
                };
                if SECRETS.contains(&name.as_str()) {
                    replace(member, &field, folder)?;
                } else {
                    walk(member, &field, folder)?;
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &format!("{field}[{index}]"), folder)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn replace(value: &mut Value, field: &str, folder: &Path) -> Result<(), ConfigFileError> {
    match value {
        Value::String(reference) => *reference = read(reference, field, folder)?,
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                replace(item, &format!("{field}[{index}]"), folder)?;
            }
        }
        // The component refuses it.
        _ => {}
    }
    Ok(())
}

fn read(reference: &str, field: &str, folder: &Path) -> Result<String, ConfigFileError> {
    let error = |message: String| ConfigFileError::Option {
        field: field.to_owned(),
        message,
    };
    if let Some(name) = reference.strip_prefix("env:") {
        return match env::var(name) {
            Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().to_owned()),
            Ok(_) => Err(error(format!(
                "the environment variable {name:?} is empty: give it the secret"
            ))),
            Err(env::VarError::NotPresent) => Err(error(format!(
                "the environment variable {name:?} is not set: give it the secret"
            ))),
            Err(env::VarError::NotUnicode(_)) => Err(error(format!(
                "the environment variable {name:?} is not UTF-8: encode the secret, for example in \
                 base64"
            ))),
        };
    }
    if let Some(path) = reference.strip_prefix("file:") {
        let path = folder.join(path);
        let shown = path.display();
        return match read_file(&path) {
            Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().to_owned()),
            Ok(_) => Err(error(format!("{shown} is empty: write the secret into it"))),
            Err(cause) => Err(error(format!(
                "{shown} cannot be read ({cause}): write the secret into it as UTF-8, at most 64 \
                 KiB, and let this user read it"
            ))),
        };
    }
    // The text is not shown: it may be a secret.
    Err(error(
        "a configuration file contains no secrets: write \"env:NAME\" for an environment variable, \
         or \"file:PATH\""
            .to_owned(),
    ))
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too long"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolved(mut config: Value, folder: &Path) -> Result<Value, String> {
        resolve(&mut config, folder)
            .map(|()| config)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn secrets_come_from_files_and_variables() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "s3cr3t\n").expect("written");
        let config = json!({
            "issuer": "env:PATH",
            "secrets": ["file:secret", "env:CARGO_PKG_NAME"],
            "clients": [{ "id": "a", "secrets": ["file:secret"] }],
        });
        let path = env::var("CARGO_PKG_NAME").expect("cargo sets it");
        assert_eq!(
            resolved(config, folder.path()),
            Ok(json!({
                "issuer": "env:PATH",
                "secrets": ["s3cr3t", path],
                "clients": [{ "id": "a", "secrets": ["s3cr3t"] }],
            }))
        );
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused_and_not_shown() {
        let config = json!({ "sign-in": { "providers": [{ "client-secret": "hunter2" }] } });
        let error = resolved(config, Path::new(".")).expect_err("a secret");
        assert!(
            error.contains("sign-in.providers[0].client-secret"),
            "{error}"
        );
        assert!(error.contains("env:NAME"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_missing_secret_says_where_it_should_be() {
        for (reference, word) in [
            ("env:TOLLGATE_TEST_NOT_SET", "is not set"),
            ("file:not-there", "cannot be read"),
        ] {
            let error = resolved(json!({ "secrets": [reference] }), Path::new("."));
            let error = error.expect_err("missing");
            assert!(error.starts_with("secrets[0]: "), "{error}");
            assert!(error.contains(word), "{error}");
        }
    }
}
