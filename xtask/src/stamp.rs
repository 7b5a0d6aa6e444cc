//! Skips work that was already done: a step's inputs are hashed, and the hash is stored beside its
//! output.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// Folders that hold no sources.
const NOT_SOURCES: [&str; 5] = ["target", "node_modules", ".git", ".wrangler", "build"];

/// The inputs of a step.
pub(crate) struct Inputs {
    hash: Sha256,
}

impl Inputs {
    /// `version` changes when the step itself does.
    pub(crate) fn new(version: &str) -> Self {
        Self {
            hash: Sha256::new(),
        }
        .text(version)
    }

    /// A setting.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.hash.update((text.len() as u64).to_le_bytes());
        self.hash.update(text);
        self
    }

    /// A file, or every file in a folder, by path and content. What is not there counts as such.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn path(mut self, root: &Path, path: &str) -> Result<Self, Failure> {
        let mut files = Vec::new();
        collect(&root.join(path), &mut files)?;
        files.sort();
        for file in files {
            let content =
                fs::read(&file).map_err(Failure::io(format!("read {}", file.display())))?;
            let name = file.strip_prefix(root).unwrap_or(&file);
            self = self.text(&name.to_string_lossy());
            self.hash.update(Sha256::digest(&content));
        }
        Ok(self)
    }

    /// The hash of all of them.
    pub(crate) fn finish(self) -> String {
        self.hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Every source file in a folder, or the file itself.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() {
        let reading = || Failure::io(format!("read {}", path.display()));
        for entry in fs::read_dir(path).map_err(reading())? {
            let entry = entry.map_err(reading())?;
            let name = entry.file_name();
            if !NOT_SOURCES.iter().any(|not| name == *not) {
                collect(&entry.path(), files)?;
            }
        }
    }
    Ok(())
}

/// Where the hash of an output's inputs is kept.
fn stamp_of(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".inputs");
    output.with_file_name(name)
}

/// Whether `output` was made from exactly these inputs.
pub(crate) fn fresh(output: &Path, inputs: &str) -> bool {
    output.exists() && fs::read_to_string(stamp_of(output)).is_ok_and(|kept| kept == inputs)
}

/// Removes the stored hash before `output` is made again.
pub(crate) fn forget(output: &Path) {
    // The file may be missing.
    let _ = fs::remove_file(stamp_of(output));
}

/// Stores the hash of the inputs of `output`.
///
/// # Errors
/// When the note cannot be written.
pub(crate) fn keep(output: &Path, inputs: &str) -> Result<(), Failure> {
    fs::write(stamp_of(output), inputs)
        .map_err(Failure::io(format!("write {}", stamp_of(output).display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_differ_by_name_content_and_setting() -> Result<(), Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let of = |path: &str| Ok::<_, Failure>(Inputs::new("1").path(root, path)?.finish());
        assert_eq!(of("Cargo.toml")?, of("Cargo.toml")?);
        assert_ne!(of("Cargo.toml")?, of("src/main.rs")?);
        assert_ne!(of("src")?, of("src/main.rs")?);
        // Separates the texts.
        let ab = Inputs::new("1").text("a").text("b").finish();
        assert_ne!(ab, Inputs::new("1").text("ab").finish());
        Ok(())
    }
}
