//! The contract of storage, on a file.

mod support;

use std::sync::Arc;
use std::thread;

use support::{Folder, commit, put, wait};
use tollgate_core::store::{Committed, Condition, StoreError};
use tollgate_sqlite::{Settings, SqliteStore};
use tollgate_store_suite::run;

#[test]
fn sqlite_keeps_the_contract() {
    let folder = Folder::new();
    let store = folder.open();
    run(&store, &thread::yield_now).expect("the contract");
    let counters = store.counters();
    assert!(
        counters.transactions < counters.commits + counters.conflicts,
        "commits that wait are written together: {counters:?}"
    );
}

#[test]
fn records_are_there_after_a_restart() {
    let folder = Folder::new();
    let first = folder.open();
    assert_eq!(
        wait(first.commit("p", put("k", "v1"), 1)),
        Ok(Committed::Done)
    );
    drop(first);
    let second = folder.open();
    let found = wait(second.read("p", &["k"], 1)).expect("a record");
    assert_eq!(found[0].as_ref().expect("k").version, "v1");
}

#[test]
fn what_was_started_is_finished_when_the_store_is_dropped() {
    let folder = Folder::new();
    let store = folder.open();
    let running: Vec<_> = (0..100)
        .map(|number| store.commit("p", put(&format!("k{number}"), "v"), 1))
        .collect();
    drop(store);
    for operation in running {
        assert_eq!(operation.take(), Some(Ok(Committed::Done)));
    }
}

/// Two processes would do the same: each store has its own connections.
#[test]
fn two_stores_on_one_file_have_one_order() {
    let folder = Folder::new();
    let stores = [folder.open(), folder.open()].map(Arc::new);
    assert_eq!(
        wait(stores[0].commit("p", put("k", "v0"), 1)),
        Ok(Committed::Done)
    );
    let contenders: Vec<_> = (0..50)
        .map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            thread::spawn(move || {
                let mut change = put("k", &format!("w{number}"));
                change.conditions = vec![("k".to_owned(), Condition::Version("v0".to_owned()))];
                let result = wait(store.commit("p", change, 1)).expect("a result");
                let found = wait(store.read("p", &["k"], 1)).expect("a record");
                // Whoever was answered sees the new record.
                assert_ne!(found[0].as_ref().expect("k").version, "v0");
                result
            })
        })
        .collect();
    let results: Vec<_> = contenders
        .into_iter()
        .map(|thread| thread.join().expect("a result"))
        .collect();
    let done = results.iter().filter(|result| **result == Committed::Done);
    assert_eq!(done.count(), 1);
}

/// A record that counts up: each of the threads must see every increment that was answered.
#[test]
fn no_increment_is_lost() {
    const THREADS: u64 = 8;
    const EACH: u64 = 25;
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(
        wait(store.commit("p", commit("n", "start", b"0"), 1)),
        Ok(Committed::Done)
    );
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = store.clone();
            scope.spawn(move || {
                let mut done = 0;
                let mut last = 0;
                for attempt in 0.. {
                    if done == EACH {
                        break;
                    }
                    let found = wait(store.read("p", &["n"], 1)).expect("a record");
                    let found = found[0].as_ref().expect("n");
                    let text = std::str::from_utf8(&found.value).expect("a number");
                    let number: u64 = text.parse().expect("a number");
                    assert!(number >= last, "a read does not go back");
                    let next = (number + 1).to_string();
                    let version = format!("{thread}-{attempt}");
                    let mut change = commit("n", &version, next.as_bytes());
                    let condition = Condition::Version(found.version.clone());
                    change.conditions = vec![("n".to_owned(), condition)];
                    if wait(store.commit("p", change, 1)) == Ok(Committed::Done) {
                        done += 1;
                        last = number + 1;
                    }
                }
            });
        }
    });
    let found = wait(store.read("p", &["n"], 1)).expect("a record");
    let total = (THREADS * EACH).to_string();
    assert_eq!(found[0].as_ref().expect("n").value, total.as_bytes());
}

#[test]
fn a_sweep_deletes_what_has_expired_and_nothing_else() {
    let folder = Folder::new();
    let store = folder.open();
    let write = |number: u64| {
        let mut change = put(&format!("k{number:04}"), "v");
        // Expired at 1000, at 1001, and never.
        change.puts[0].expires_at = (number % 3 != 2).then_some(1000 + number % 3);
        store.commit(&format!("p{}", number % 7), change, 1)
    };
    let running: Vec<_> = (0..2500).map(write).collect();
    for operation in running {
        assert_eq!(wait(operation), Ok(Committed::Done));
    }
    // `before` is exclusive.
    assert_eq!(store.sweep(1000), Ok(0));
    assert_eq!(store.sweep(1001), Ok(834));
    assert_eq!(store.sweep(1001), Ok(0));
    let left: usize = (0..7)
        .map(|number| {
            let page = wait(store.list(&format!("p{number}"), "", None, 1000, 1));
            page.expect("a page").records.len()
        })
        .sum();
    assert_eq!(left, 2500 - 834);
}

#[test]
fn a_locked_database_is_unavailable_and_changes_nothing() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    settings.busy_timeout = std::time::Duration::from_millis(50);
    let store = SqliteStore::open_with(folder.file(), settings).expect("a store");
    assert_eq!(
        wait(store.commit("p", put("k", "v1"), 1)),
        Ok(Committed::Done)
    );
    let other = rusqlite::Connection::open(folder.file()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let locked = wait(store.commit("p", put("k", "v2"), 1));
    assert_eq!(locked, Err(StoreError::Unavailable));
    // Reads go on.
    let found = wait(store.read("p", &["k"], 1)).expect("a record");
    assert_eq!(found[0].as_ref().expect("k").version, "v1");
    other
        .execute_batch("ROLLBACK")
        .expect("the lock is released");
    assert_eq!(
        wait(store.commit("p", put("k", "v3"), 1)),
        Ok(Committed::Done)
    );
}

#[test]
fn more_commits_than_can_wait_are_unavailable() {
    let folder = Folder::new();
    let store = folder.open();
    let other = rusqlite::Connection::open(folder.file()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let running: Vec<_> = (0..5000)
        .map(|number| store.commit("p", put(&format!("k{number}"), "v"), 1))
        .collect();
    other
        .execute_batch("ROLLBACK")
        .expect("the lock is released");
    let results: Vec<_> = running.into_iter().map(wait).collect();
    let done = results
        .iter()
        .filter(|r| **r == Ok(Committed::Done))
        .count();
    let refused = results
        .iter()
        .filter(|r| **r == Err(StoreError::Unavailable))
        .count();
    assert_eq!(done + refused, 5000);
    assert!(
        done >= 4096 && refused > 0,
        "{done} done, {refused} refused"
    );
}

#[test]
fn a_full_database_fails_and_keeps_what_it_has() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    settings.max_bytes = Some(256 * 1024);
    let store = SqliteStore::open_with(folder.file(), settings).expect("a store");
    let value = vec![7; 64 * 1024];
    let results: Vec<_> = (0..10)
        .map(|number| {
            let change = commit(&format!("k{number}"), "v", &value);
            wait(store.commit("p", change, 1))
        })
        .collect();
    let done = results
        .iter()
        .filter(|r| **r == Ok(Committed::Done))
        .count();
    assert!((1..10).contains(&done), "{results:?}");
    assert!(results.contains(&Err(StoreError::Failed)));
    let page = wait(store.list("p", "", None, 100, 1)).expect("a page");
    assert_eq!(page.records.len(), done);
    // A commit that frees space is carried out.
    let mut change = put("small", "v");
    change.deletes = vec!["k0".to_owned(), "k1".to_owned()];
    assert_eq!(wait(store.commit("p", change, 1)), Ok(Committed::Done));
}

/// Of a commit that fails in the middle nothing stays, and its neighbours in the transaction do.
#[test]
fn a_commit_that_fails_in_the_middle_leaves_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    let other = rusqlite::Connection::open(folder.file()).expect("a connection");
    let trigger = "CREATE TRIGGER fail BEFORE INSERT ON records WHEN NEW.key = 'bad'
        BEGIN SELECT RAISE(ABORT, 'a failure'); END";
    other.execute_batch(trigger).expect("a trigger");
    let running: Vec<_> = (0..20)
        .map(|number| {
            let mut change = put(&format!("k{number}"), "v");
            if number % 2 == 1 {
                change.puts.extend(put("bad", "v").puts);
            }
            store.commit("p", change, 1)
        })
        .collect();
    for (number, operation) in running.into_iter().enumerate() {
        let wanted = match number % 2 {
            0 => Ok(Committed::Done),
            _ => Err(StoreError::Failed),
        };
        assert_eq!(wait(operation), wanted, "{number}");
    }
    let page = wait(store.list("p", "", None, 100, 1)).expect("a page");
    assert_eq!(page.records.len(), 10);
}

/// Commits that are written together do not share their fate: one that does not fit fails alone.
#[test]
fn a_commit_that_fails_takes_no_other_with_it() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    settings.max_bytes = Some(256 * 1024);
    let store = SqliteStore::open_with(folder.file(), settings).expect("a store");
    let large = vec![7; 1024 * 1024];
    let running: Vec<_> = (0..40)
        .map(|number| {
            let mut change = put(&format!("small{number}"), "v");
            if number % 2 == 1 {
                change
                    .puts
                    .extend(commit(&format!("large{number}"), "v", &large).puts);
            }
            store.commit("p", change, 1)
        })
        .collect();
    for (number, operation) in running.into_iter().enumerate() {
        let wanted = match number % 2 {
            0 => Ok(Committed::Done),
            _ => Err(StoreError::Failed),
        };
        assert_eq!(wait(operation), wanted, "{number}");
    }
    let page = wait(store.list("p", "", None, 100, 1)).expect("a page");
    assert_eq!(page.records.len(), 20);
}
