//! Checks the floors of core: each part uses only lower parts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, iter};

/// From below: the ground floor (all other modules), the issuers, the roles, the deployment. A new
/// role belongs in `ROLES`.
const ISSUERS: &str = "issuers";
const ROLES: [&str; 3] = ["authorization_server", "resource_server", "token_client"];
const DEPLOYMENT: &str = "deployment";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).expect("a folder");
    entries
        .flat_map(|entry| files(&entry.expect("an entry").path()))
        .collect()
}

/// The name of a file or folder, as a module.
fn module(path: &Path) -> String {
    let stem = path.file_stem().expect("a name");
    stem.to_str().expect("UTF-8").to_owned()
}

/// A file without its comments and without white space, so that `use` stands in one piece.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect()
}

/// The modules that are named behind `prefix`, alone or in braces.
fn named_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let mut depth = 0;
        let mut is_start = true;
        for (index, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => is_start = true,
                _ => {
                    if is_start {
                        let name = rest[index..].split(|c: char| !c.is_alphanumeric() && c != '_');
                        names.extend(name.take(1).map(str::to_owned));
                    }
                    is_start = false;
                }
            }
            if depth <= 0 && !is_start {
                break;
            }
        }
    }
    names
}

/// The floors that a part may not name.
fn forbidden_to(part: &str) -> Vec<&'static str> {
    let above_issuers = || ROLES.into_iter().chain([DEPLOYMENT]);
    if part == DEPLOYMENT || part == "lib" {
        Vec::new()
    } else if ROLES.contains(&part) {
        above_issuers().filter(|other| *other != part).collect()
    } else if part == ISSUERS {
        above_issuers().collect()
    } else {
        iter::once(ISSUERS).chain(above_issuers()).collect()
    }
}

#[test]
fn each_part_uses_only_lower_parts() {
    for entry in fs::read_dir(source()).expect("core's source") {
        let path = entry.expect("an entry").path();
        let part = module(&path);
        for file in files(&path) {
            let code = code(&file);
            let mut named = named_behind(&code, "crate::");
            named.extend(named_behind(&code, "super::"));
            for floor in forbidden_to(&part) {
                assert!(
                    !named.contains(floor),
                    "{} names `{floor}`: move what both need to a lower floor (what concerns issuers \
                     and keys to src/{ISSUERS}, anything else to a file in src), or let \
                     src/{DEPLOYMENT} hand it over; a new role is to be listed in this test",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn files_of_jose_do_not_import_each_other_in_a_cycle() {
    let folder = source().join("jose");
    let listing = code(&folder.join("mod.rs"));
    let mut imports = BTreeMap::new();
    for path in files(&folder) {
        // Tests in a folder belong to the file of the same name.
        if path.parent() == Some(&folder) && module(&path) != "mod" {
            let own = code(&path);
            let own = own.split("#[cfg(test)]").next().expect("one part");
            let prefixes = ["super::", "crate::jose::"].into_iter();
            let names = prefixes.flat_map(|prefix| named_behind(own, prefix));
            imports.insert(module(&path), names.collect::<BTreeSet<_>>());
        }
    }
    // A type that is named through `jose` stands for the file that defines it.
    let modules: Vec<String> = imports.keys().cloned().collect();
    let file_of = |name: &String| {
        let defines = |module: &&String| {
            *module == name || named_behind(&listing, &format!("use{module}::")).contains(name)
        };
        modules.iter().find(defines).cloned()
    };
    for names in imports.values_mut() {
        *names = names.iter().filter_map(file_of).collect();
    }
    // Files whose imports are all gone already can go: what is left then is in a cycle, or needs one.
    while let Some(free) = imports
        .iter()
        .find(|(_, names)| names.iter().all(|name| !imports.contains_key(name)))
        .map(|(file, _)| file.clone())
    {
        imports.remove(&free);
    }
    assert!(
        imports.is_empty(),
        "these files of src/jose import each other in a cycle, or a file that does: {imports:#?}; \
         move what two of them need to a file of its own"
    );
}
