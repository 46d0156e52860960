//! What a module may have of the store: pages, reads and records are bounded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::path::Path;

use futures_util::future::join_all;
use placeos_slot::host::storage::{Change, CommitError, Storage};
use placeos_slot::host::store::{Store, VALUE_LIMIT};
use redb::{Database, ReadableDatabase, TableDefinition};

/// Where the store says how many bytes it holds.
const FACTS: TableDefinition<'static, &str, u64> = TableDefinition::new("facts");
/// The most that keys and values may have.
const MOST: u64 = 4 << 30;

#[tokio::test]
async fn a_page_that_is_too_large_is_refused_and_a_smaller_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..6 {
        let key = number.to_string();
        store.commit(vec![put(&key, 3 << 20)]).await.unwrap();
    }
    let page = store.scan(String::new(), None, 100).await;
    let said = "the page is too large; ask for fewer records";
    assert_eq!(page, Err(said.to_owned()));
    let page = store.scan(String::new(), None, 5).await.unwrap();
    assert_eq!(page.len(), 5);
}

#[tokio::test]
async fn what_is_read_and_not_taken_is_bounded_and_nothing_is_lost_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.commit(vec![put("key", VALUE_LIMIT)]).await.unwrap();
    let reads: Vec<_> = (0..40).map(|_| store.get("key".to_owned())).collect();
    // It is answered after them, and so they have all been read.
    store.commit(vec![put("other", 1)]).await.unwrap();
    let read = join_all(reads).await;
    let refused = read.iter().filter(|read| read.is_err()).count();
    assert_eq!(refused, 40 - (64 << 20) / VALUE_LIMIT);
    let again = store.get("key".to_owned()).await.unwrap();
    assert_eq!(again.map(|value| value.len()), Some(VALUE_LIMIT));
}

#[tokio::test]
async fn a_store_that_is_full_takes_only_what_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.commit(vec![put("a", 1000)]).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    pretend(folder.path(), MOST - 100);

    let store = Store::open(folder.path()).unwrap();
    let full = store.commit(vec![put("b", 1000), delete("a")]).await;
    let said = "the module's store is full; it takes only what deletes";
    assert_eq!(full, Err(CommitError::Failed(said.to_owned())));
    assert_eq!(store.get("b".to_owned()).await, Ok(None));
    store.commit(vec![delete("a")]).await.unwrap();
    store.commit(vec![put("b", 1000)]).await.unwrap();
}

#[tokio::test]
async fn what_the_store_counts_is_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let changes = [
        vec![put("a", 10), put("bb", 20), put("ccc", 0)],
        vec![put("a", 30), delete("bb"), delete("nothing")],
        vec![put_if_absent("d", 40), put("d", 5)],
        vec![put("e", 50), put_if_absent("a", 60)],
    ];
    let made = join_all(changes.map(|changes| store.commit(changes))).await;
    assert!(made[..3].iter().all(Result::is_ok));
    assert_eq!(made[3], Err(CommitError::Exists("a".to_owned())));
    store.close().await.unwrap();
    drop(store);
    assert_eq!(counted(folder.path()), 1 + 30 + 3 + 1 + 5);
}

fn put(key: &str, bytes: usize) -> Change {
    Change::Put {
        key: key.to_owned(),
        value: vec![7; bytes],
    }
}

fn put_if_absent(key: &str, bytes: usize) -> Change {
    Change::PutIfAbsent {
        key: key.to_owned(),
        value: vec![7; bytes],
    }
}

fn delete(key: &str) -> Change {
    Change::Delete {
        key: key.to_owned(),
    }
}

fn counted(folder: &Path) -> u64 {
    let database = Database::open(folder.join("store.redb")).unwrap();
    let facts = database.begin_read().unwrap().open_table(FACTS).unwrap();
    facts.get("bytes").unwrap().unwrap().value()
}

fn pretend(folder: &Path, bytes: u64) {
    let database = Database::open(folder.join("store.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut facts = transaction.open_table(FACTS).unwrap();
    facts.insert("bytes", bytes).unwrap();
    drop(facts);
    transaction.commit().unwrap();
}
