//! The store in memory, and the faults of the store that fails on command.

use tollgate_core::store::{Commit, Committed, MemoryStore, Put, Store, StoreError};
use tollgate_store_suite::{Fault, FaultyStore, answer, run};

fn never() {
    panic!("the store in memory answers at once");
}

#[test]
fn memory_keeps_the_contract() {
    run(&MemoryStore::new(), &never).expect("the contract");
}

#[test]
fn a_sweep_deletes_what_has_expired_and_nothing_else() {
    let store = MemoryStore::new();
    for (key, expires_at) in [("a", Some(2000)), ("b", Some(2001)), ("c", None)] {
        assert_eq!(
            answer(store.commit("p", put(key, expires_at), 1000), &never),
            Ok(Committed::Done)
        );
    }
    store.sweep(2000);
    let page = answer(store.list("p", "", None, 10, 1000), &never).expect("a page");
    let keys: Vec<_> = page
        .records
        .iter()
        .map(|record| record.key.as_str())
        .collect();
    assert_eq!(keys, ["b", "c"]);
}

fn put(key: &str, expires_at: Option<u64>) -> Commit {
    Commit {
        puts: vec![Put {
            key: key.to_owned(),
            version: "v".to_owned(),
            value: Vec::new(),
            expires_at,
        }],
        ..Commit::default()
    }
}

#[test]
fn only_the_chosen_operation_fails() {
    for fault in Fault::ALL {
        let store = FaultyStore::new(MemoryStore::new());
        store.fail_at(1, fault);
        let mut results = ["a", "b", "c"].map(|key| store.commit("p", put(key, None), 1000));
        let [a, b, c] = results.each_mut().map(|pending| pending.poll());
        assert_eq!(
            (a, c),
            (Some(Ok(Committed::Done)), Some(Ok(Committed::Done)))
        );
        let (result, is_carried_out) = match fault {
            Fault::Refused(error) => (Some(Err(error)), false),
            Fault::ResultLost => (Some(Err(StoreError::Unavailable)), true),
            Fault::Unanswered => (None, false),
            Fault::UnansweredAfter => (None, true),
        };
        assert_eq!(b, result, "{fault:?}");
        assert_eq!(store.started(), 3);
        let found = answer(store.inner().read("p", &["b"], 1000), &never).expect("a record");
        assert_eq!(found[0].is_some(), is_carried_out, "{fault:?}");
    }
}
