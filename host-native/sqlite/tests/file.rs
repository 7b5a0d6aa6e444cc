//! The file: what is opened, what is refused, permissions, backups.

mod support;

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::Connection;
use support::{Folder, commit, put, wait};
use tollgate_core::store::Committed;
use tollgate_sqlite::{BackupError, OpenError, Settings, SqliteStore};

fn number(path: &Path, pragma: &str) -> i64 {
    let connection = Connection::open(path).expect("a connection");
    let value = connection.pragma_query_value(None, pragma, |row| row.get(0));
    value.expect("a number")
}

fn execute(path: &Path, sql: &str) {
    let connection = Connection::open(path).expect("a connection");
    connection.execute_batch(sql).expect("statements");
}

#[test]
fn a_new_file_has_its_schema_version_and_application() {
    let folder = Folder::new();
    drop(folder.open());
    assert_eq!(number(&folder.file(), "user_version"), 1);
    assert_eq!(number(&folder.file(), "application_id"), 0x546f_6c6c);
}

#[test]
fn an_empty_file_gets_the_schema() {
    let folder = Folder::new();
    fs::write(folder.file(), b"").expect("a file");
    drop(folder.open());
    assert_eq!(number(&folder.file(), "user_version"), 1);
    // As a program leaves it that was stopped before the schema was written.
    let folder = Folder::new();
    execute(&folder.file(), "PRAGMA journal_mode = WAL; VACUUM");
    let store = folder.open();
    assert_eq!(
        wait(store.commit("p", put("k", "v"), 1)),
        Ok(Committed::Done)
    );
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.open());
    execute(&folder.file(), "PRAGMA user_version = 2");
    let error = SqliteStore::open(folder.file()).expect_err("it is newer");
    assert!(
        matches!(
            error,
            OpenError::NewerSchema {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("schema version 2"), "{error}");
    assert_eq!(number(&folder.file(), "user_version"), 2);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    for sql in [
        "CREATE TABLE t (x)",
        "PRAGMA application_id = 1; VACUUM",
        "PRAGMA user_version = 1; VACUUM",
        "PRAGMA application_id = 0x546f6c6c; CREATE TABLE t (x)",
    ] {
        let folder = Folder::new();
        execute(&folder.file(), sql);
        let before = fs::read(folder.file()).expect("a file");
        let error = SqliteStore::open(folder.file()).expect_err("it is foreign");
        assert!(
            matches!(error, OpenError::Foreign { .. }),
            "{sql}: {error:?}"
        );
        assert_eq!(fs::read(folder.file()).expect("a file"), before, "{sql}");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = Folder::new();
    fs::write(
        folder.file(),
        "not a database, and longer than a header ".repeat(200),
    )
    .expect("a file");
    let error = SqliteStore::open(folder.file()).expect_err("it is text");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    let error = SqliteStore::open(folder.path("no/folder.db")).expect_err("no folder");
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    let error = SqliteStore::open(folder.path("")).expect_err("a folder");
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    for number in 0..200 {
        let change = commit(&format!("k{number}"), "v", &[7; 900]);
        wait(store.commit("p", change, 1)).expect("a commit");
    }
    // A backup is one whole file: what is in it is in no log beside it.
    let file_path = folder.path("backup.db");
    store.backup_to(&file_path).expect("a backup");
    drop(store);
    let length = fs::metadata(&file_path).expect("a file").len();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(&file_path)
        .expect("a file");
    // The second page and later ones: the header and the schema are whole.
    for page in (1..length / 4096).step_by(3) {
        file.seek(SeekFrom::Start(page * 4096)).expect("a page");
        file.write_all(&[0xff; 512]).expect("damage");
    }
    drop(file);
    let error = SqliteStore::open(&file_path).expect_err("it is damaged");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    // Without the check, reads fail when they come to the damage.
    let mut settings = Settings::default();
    settings.check_pages = false;
    let store = SqliteStore::open_with(&file_path, settings).expect("a store");
    let page = wait(store.list("p", "", None, 1000, 1));
    assert_eq!(page, Err(tollgate_core::store::StoreError::Failed));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path(name)).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    let store = folder.open();
    assert_eq!(
        wait(store.commit("p", put("k", "v"), 1)),
        Ok(Committed::Done)
    );
    for name in ["issuer.db", "issuer.db-wal", "issuer.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    store.backup_to(folder.path("backup.db")).expect("a backup");
    assert_eq!(mode("backup.db"), 0o600);
    drop(store);
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).expect("permissions");
    let store = folder.open();
    assert_eq!(
        wait(store.commit("p", put("k", "v2"), 1)),
        Ok(Committed::Done)
    );
    for name in ["issuer.db", "issuer.db-wal", "issuer.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let folder = Folder::new();
    let store = folder.open();
    let value = vec![1; 20_000];
    let old: Vec<_> = (0..400)
        .map(|number| store.commit("p", commit(&format!("old{number:03}"), "v", &value), 1))
        .collect();
    for operation in old {
        assert_eq!(wait(operation), Ok(Committed::Done));
    }
    // Each commit writes both halves of a pair.
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..300 {
                let mut change =
                    commit("left", &format!("l{number}"), number.to_string().as_bytes());
                change.puts.extend(
                    commit(
                        "right",
                        &format!("r{number}"),
                        number.to_string().as_bytes(),
                    )
                    .puts,
                );
                assert_eq!(wait(store.commit("p", change, 1)), Ok(Committed::Done));
            }
        });
        for number in 0..3 {
            let path = folder.path(&format!("backup{number}.db"));
            store.backup_to(&path).expect("a backup");
            let backup = SqliteStore::open(&path).expect("a store");
            let pair = wait(backup.read("p", &["left", "right"], 1)).expect("records");
            let values = pair
                .iter()
                .map(|found| found.as_ref().map(|record| record.value.clone()));
            let values: Vec<_> = values.collect();
            assert_eq!(values[0], values[1]);
            let old = wait(backup.list("p", "old", None, 1000, 1)).expect("a page");
            assert_eq!(old.records.len(), 400);
        }
        writer.join().expect("the writer");
    });
    let names: Vec<_> = fs::read_dir(folder.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().contains("partial"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

/// What a loss of power leaves: a log whose end was not written, or not as it should have been.
#[test]
fn a_log_with_a_torn_end_loses_only_its_end() {
    const COMMITS: usize = 40;
    let folder = Folder::new();
    let store = folder.open();
    for number in 1..=COMMITS {
        let text = number.to_string();
        let mut change = commit("left", &format!("l{number}"), text.as_bytes());
        let right = commit("right", &format!("r{number}"), text.as_bytes());
        change.puts.extend(right.puts);
        assert_eq!(wait(store.commit("p", change, 1)), Ok(Committed::Done));
    }
    let database = fs::read(folder.file()).expect("the database");
    let log = fs::read(folder.path("issuer.db-wal")).expect("its log");
    let mut found = std::collections::BTreeSet::new();
    for step in 0..=24 {
        let end = log.len() * step / 24;
        for damage in [false, true] {
            let mut torn = log[..end].to_vec();
            if damage && let Some(byte) = torn.last_mut() {
                *byte ^= 0xff;
            }
            let copy = Folder::new();
            fs::write(copy.file(), &database).expect("a copy");
            fs::write(copy.path("issuer.db-wal"), torn).expect("a copy");
            let pair = wait(copy.open().read("p", &["left", "right"], 1)).expect("records");
            let number = |at: usize| {
                let record = pair[at].as_ref()?;
                let text = std::str::from_utf8(&record.value).expect("a number");
                Some(text.parse::<usize>().expect("a number"))
            };
            assert_eq!(number(0), number(1), "a commit is whole");
            if end == log.len() && !damage {
                assert_eq!(number(0), Some(COMMITS));
            }
            found.insert(number(0));
        }
    }
    assert!(
        found.len() > 10,
        "it was torn at several commits: {found:?}"
    );
}

#[test]
fn a_backup_replaces_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    fs::write(folder.path("backup.db"), "kept").expect("a file");
    let error = store
        .backup_to(folder.path("backup.db"))
        .expect_err("it is there");
    assert!(matches!(error, BackupError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(folder.path("backup.db")).expect("a file"), b"kept");
}
