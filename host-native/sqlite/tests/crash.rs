//! A process that is killed under load loses no commit that it has answered.

mod support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{env, io};

use support::{Folder, wait};
use tollgate_core::store::{Commit, Committed, Condition, Put};
use tollgate_sqlite::SqliteStore;

const FILE: &str = "TOLLGATE_TEST_DATABASE";
const ROUND: &str = "TOLLGATE_TEST_ROUND";
const THREADS: usize = 8;

/// The process that is killed: this file's tests, with these variables.
#[test]
#[ignore = "other tests start it"]
fn child() {
    let (Some(file), Ok(round)) = (env::var_os(FILE), env::var(ROUND)) else {
        return;
    };
    let store = SqliteStore::open(file).expect("a store");
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, round) = (&store, &round);
            scope.spawn(move || write_on(store, round, thread));
        }
    });
}

/// Each thread has a partition, and in it a chain: every commit writes two records, deletes an older
/// one, and depends on the version before.
fn write_on(store: &SqliteStore, round: &str, thread: usize) {
    let partition = format!("p{thread}");
    let found = wait(store.read(&partition, &["head"], 1)).expect("a record");
    let mut before = found[0].as_ref().map(|record| record.version.clone());
    for number in 0.. {
        let version = format!("{round}-{number}");
        let put = |key: &str| Put {
            key: key.to_owned(),
            version: version.clone(),
            value: vec![b'x'; 400],
            expires_at: None,
        };
        let condition = before.take().map_or(Condition::Absent, Condition::Version);
        let commit = Commit {
            conditions: vec![("head".to_owned(), condition)],
            puts: vec![put("head"), put(&format!("entry-{}", number % 50))],
            deletes: vec![format!("entry-{}", (number + 25) % 50)],
        };
        assert_eq!(
            wait(store.commit(&partition, commit, 1)),
            Ok(Committed::Done)
        );
        // One write: a line is whole, or it is not there.
        let line = format!("done {partition} {version}\n");
        io::stdout()
            .lock()
            .write_all(line.as_bytes())
            .expect("the pipe");
        before = Some(version);
    }
}

/// Starts the child, kills it after this time, and says which version each partition had when it was
/// answered last.
fn killed(file: &Path, round: usize, after: Duration) -> HashMap<String, String> {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FILE, file)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let output = child.stdout.take().expect("its output");
    let reader = thread::spawn(move || {
        let mut last = HashMap::new();
        for line in BufReader::new(output).lines() {
            let line = line.expect("a line");
            let words: Vec<_> = line.split(' ').collect();
            if let ["done", partition, version] = words[..] {
                last.insert(partition.to_owned(), version.to_owned());
            }
        }
        last
    });
    thread::sleep(after);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    reader.join().expect("its output")
}

/// The number of a version within its round.
fn position(version: &str) -> (usize, usize) {
    let (round, number) = version.split_once('-').expect("a version");
    let parse = |text: &str| text.parse().expect("a number");
    (parse(round), parse(number))
}

fn rounds(count: usize) {
    let folder = Folder::new();
    let mut answered = 0;
    for round in 0..count {
        let after = Duration::from_millis(150 + (round as u64 * 37) % 150);
        let last = killed(&folder.file(), round, after);
        answered += last.len();
        let store = folder.open();
        for (partition, version) in last {
            let keys = wait(store.list(&partition, "", None, 1000, 1)).expect("records");
            let head = keys.records.iter().find(|record| record.key == "head");
            let head = head.expect("a head");
            // At most one commit more than was answered: the one that was being written.
            let (found, wanted) = (position(&head.version), position(&version));
            assert!(
                found == wanted || found == (wanted.0, wanted.1 + 1),
                "round {round}: {partition} has {found:?}, and {wanted:?} was answered"
            );
            // The commit is whole.
            let entry = format!("entry-{}", found.1 % 50);
            let entry = keys.records.iter().find(|record| record.key == entry);
            assert_eq!(entry.map(|record| &record.version), Some(&head.version));
            let deleted = format!("entry-{}", (found.1 + 25) % 50);
            assert!(keys.records.iter().all(|record| record.key != deleted));
        }
    }
    assert!(
        answered > count,
        "the children answered too little: {answered}"
    );
}

#[test]
fn a_killed_process_loses_no_answered_commit() {
    rounds(10);
}

#[test]
#[ignore = "takes about two minutes"]
fn a_process_that_is_killed_200_times_loses_no_answered_commit() {
    rounds(200);
}
