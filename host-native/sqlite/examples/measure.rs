//! Measures a store on this machine's disk:
//! `cargo run --release -p tollgate-sqlite --example measure -- /path/on/the/disk 1000000`
//!
//! It writes that many records, and prints what a commit, a read, an opening and a backup take.

use std::env;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use tollgate_core::store::{Commit, Committed, Condition, Put, StoreError};
use tollgate_sqlite::{Operation, Settings, SqliteStore};

const VALUE: [u8; 400] = [b'x'; 400];

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder"));
    let records: u64 = arguments
        .next()
        .map_or(1000, |text| text.parse().expect("a number"));
    let path = folder.join("measure.db");
    let store = SqliteStore::open(&path).expect("a new file");

    let start = Instant::now();
    fill(&store, records);
    println!("{records} records written in {:?}", start.elapsed());

    for threads in [1, 64] {
        let (times, elapsed) = refresh(&store, records, threads);
        let count = times.len();
        println!(
            "{threads} at once: {:.0} refreshes/s, mean {:?}, p99 {:?}",
            count as f64 / elapsed.as_secs_f64(),
            times.iter().sum::<Duration>() / u32::try_from(count).expect("a number"),
            times[count * 99 / 100],
        );
    }
    let counters = store.counters();
    println!("{counters:?}");

    let start = Instant::now();
    let backup = folder.join("measure-backup.db");
    store.backup_to(&backup).expect("a backup");
    println!("backup in {:?}", start.elapsed());
    let start = Instant::now();
    store.sweep(1).expect("a sweep");
    println!("sweep in {:?}", start.elapsed());
    drop(store);

    for check_pages in [false, true] {
        let mut settings = Settings::default();
        settings.check_pages = check_pages;
        let start = Instant::now();
        let store = SqliteStore::open_with(&path, settings).expect("a store");
        println!("opened in {:?}, check_pages {check_pages}", start.elapsed());
        drop(store);
    }
    std::fs::remove_file(path).expect("the file");
    std::fs::remove_file(backup).expect("the backup");
}

fn wait<T>(operation: Operation<T>) -> Result<T, StoreError> {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    operation.set_waker(&std::sync::Arc::new(Unpark(thread::current())).into());
    loop {
        if let Some(result) = operation.take() {
            return result;
        }
        thread::park();
    }
}

fn put(number: u64, version: String) -> Put {
    Put {
        key: format!("grant/{number:08}"),
        version,
        value: VALUE.to_vec(),
        expires_at: Some(4_000_000_000),
    }
}

/// Ten records a partition, as a user's grants.
fn partition(number: u64) -> String {
    // Spread as hashes are.
    format!(
        "g{:016x}",
        (number / 10).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
}

fn fill(store: &SqliteStore, records: u64) {
    let mut running = Vec::new();
    for first in (0..records).step_by(10) {
        let commit = Commit {
            puts: (first..records.min(first + 10))
                .map(|number| put(number, "v0".to_owned()))
                .collect(),
            ..Commit::default()
        };
        running.push(store.commit(&partition(first), commit, 1));
        if running.len() == 1000 {
            for operation in running.drain(..) {
                assert_eq!(wait(operation), Ok(Committed::Done));
            }
        }
    }
    for operation in running {
        assert_eq!(wait(operation), Ok(Committed::Done));
    }
}

/// For some seconds: reads a record and writes it again, if it has not changed.
fn refresh(store: &SqliteStore, records: u64, threads: u64) -> (Vec<Duration>, Duration) {
    let start = Instant::now();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || refresh_alone(store, records, thread, threads)))
            .collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().expect("times"));
        results.flatten().collect()
    });
    let elapsed = start.elapsed();
    times.sort();
    (times, elapsed)
}

fn refresh_alone(store: &SqliteStore, records: u64, thread: u64, threads: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    let mut step = 0_u64;
    while Instant::now() < end {
        step += 1;
        // Each thread has records of its own, in no order.
        let own = step.wrapping_mul(7919) % (records / threads);
        let number = own * threads + thread;
        let begun = Instant::now();
        let key = format!("grant/{number:08}");
        let found = wait(store.read(&partition(number), &[&key], 1)).expect("a record");
        let before = found[0].as_ref().expect("a record").version.clone();
        let commit = Commit {
            conditions: vec![(key, Condition::Version(before))],
            puts: vec![put(number, format!("t{thread}-{threads}-{step}"))],
            ..Commit::default()
        };
        let result = wait(store.commit(&partition(number), commit, 1));
        assert_eq!(result, Ok(Committed::Done));
        times.push(begun.elapsed());
    }
    times
}
