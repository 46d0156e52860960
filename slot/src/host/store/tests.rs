//! What only shows from inside: how calls that wait are grouped, and a disk that fails.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use futures_util::future::join_all;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;

#[tokio::test]
async fn commits_that_wait_are_made_together() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    let before = disk.syncs();
    store.commit(vec![put("warm", 1)]).await.unwrap();
    let alone = disk.syncs() - before;

    let first = disk.hold_while_syncing(&store);
    let waiting: Vec<_> = (0..500)
        .map(|n| store.commit(vec![put(&format!("{n:03}"), 1)]))
        .collect();
    let before = disk.syncs();
    disk.release();
    first.await.unwrap();
    for answer in join_all(waiting).await {
        assert_eq!(answer, Ok(()));
    }
    let together = disk.syncs() - before;
    assert!(
        together <= 2 * alone,
        "501 commits took {together} syncs, one takes {alone}"
    );
    let all = store.scan(String::new(), None, u32::MAX).await.unwrap();
    assert_eq!(all.len(), 502);
}

#[tokio::test]
async fn a_group_is_bounded() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    let before = disk.syncs();
    store.commit(vec![put("warm", 1)]).await.unwrap();
    let alone = disk.syncs() - before;

    let first = disk.hold_while_syncing(&store);
    let waiting: Vec<_> = (0..12)
        .map(|n| store.commit(vec![put(&n.to_string(), VALUE_LIMIT)]))
        .collect();
    let before = disk.syncs();
    disk.release();
    first.await.unwrap();
    for answer in join_all(waiting).await {
        assert_eq!(answer, Ok(()));
    }
    assert!(
        disk.syncs() - before >= 4 * alone,
        "48 MiB in fewer than four groups"
    );
}

#[tokio::test]
async fn one_refused_commit_of_a_group_is_refused_alone() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    let first = disk.hold_while_syncing(&store);
    let waiting = [
        store.commit(vec![put("a", 1)]),
        store.commit(vec![put("x", 1), put_if_absent("a", 2), put("y", 1)]),
        store.commit(vec![put_if_absent("b", 3)]),
        store.commit(vec![put_if_absent("b", 4)]),
        store.commit(vec![Change::Delete {
            key: "a".to_owned(),
        }]),
        store.commit(vec![put_if_absent("a", 5)]),
    ];
    disk.release();
    first.await.unwrap();
    let exists = |key: &str| Err(CommitError::Exists(key.to_owned()));
    assert_eq!(
        join_all(waiting).await,
        [Ok(()), exists("a"), Ok(()), exists("b"), Ok(()), Ok(())]
    );
    let records = store.scan(String::new(), None, u32::MAX).await.unwrap();
    let sizes: Vec<_> = records
        .iter()
        .map(|(key, value)| (key.as_str(), value.len()))
        .collect();
    assert_eq!(sizes, [("a", 5), ("b", 3), ("held", 1)]);
}

#[tokio::test]
async fn a_read_sees_what_was_issued_before_it_and_nothing_later() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    let first = disk.hold_while_syncing(&store);
    let writes = [1, 2, 3].map(|size| {
        let write = store.commit(vec![put("key", size)]);
        (
            size,
            write,
            store.get("key".to_owned()),
            store.scan("k".to_owned(), None, 9),
        )
    });
    disk.release();
    first.await.unwrap();
    for (size, write, get, scan) in writes {
        assert_eq!(write.await, Ok(()));
        assert_eq!(get.await, Ok(Some(vec![0; size])));
        assert_eq!(scan.await, Ok(vec![("key".to_owned(), vec![0; size])]));
    }
}

#[tokio::test]
async fn after_an_error_of_the_disk_nothing_succeeds_until_the_store_is_opened_again() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    store.commit(vec![put("kept", 1)]).await.unwrap();

    let first = disk.hold_while_syncing(&store);
    let waiting: Vec<_> = (0..10)
        .map(|n| store.commit(vec![put(&n.to_string(), 1)]))
        .collect();
    disk.fill();
    disk.release();
    let answers = join_all(waiting.into_iter().chain([first])).await;
    disk.empty();
    let late = store.commit(vec![put("late", 1)]).await;
    let read = store.get("kept".to_owned()).await;
    for answer in answers.into_iter().chain([late]) {
        let Err(CommitError::Failed(reason)) = answer else {
            panic!("{answer:?} after the disk failed");
        };
        assert!(reason.contains("no space left"), "{reason}");
    }
    assert!(read.unwrap_err().contains("no space left"));
    assert!(store.broken().await.contains("no space left"));
    drop(store);

    let store = Store::over(disk).unwrap();
    assert_eq!(store.get("kept".to_owned()).await, Ok(Some(vec![0])));
    assert_eq!(store.get("late".to_owned()).await, Ok(None));
    store.commit(vec![put("late", 1)]).await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_what_was_issued() {
    let disk = Disk::default();
    let store = Store::over(disk.clone()).unwrap();
    let first = disk.hold_while_syncing(&store);
    let waiting: Vec<_> = (0..20)
        .map(|n| store.commit(vec![put(&n.to_string(), 1)]))
        .collect();
    let dropping = std::thread::spawn(move || drop(store));
    disk.release();
    dropping.join().unwrap();
    assert_eq!(first.await, Ok(()));
    assert!(join_all(waiting).await.iter().all(Result::is_ok));

    let store = Store::over(disk).unwrap();
    let records = store.scan(String::new(), None, u32::MAX).await.unwrap();
    assert_eq!(records.len(), 21);
}

#[test]
fn an_unusable_place_is_told_in_words() {
    let disk = Disk::default();
    disk.fill();
    let path = Path::new("folder/store.redb");
    let full = not_opened(path, Store::over(disk).unwrap_err());
    assert_eq!(
        full.to_string(),
        "the disk that holds folder/store.redb is full; make room"
    );

    // What is there already is what its owner must change.
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("folder/store.redb");
    let denied = refused(&path, &io::Error::from(io::ErrorKind::PermissionDenied));
    assert_eq!(
        denied.to_string(),
        format!(
            "{} may not be written by this user; change its owner or permissions",
            parent.path().display()
        )
    );
}

fn put(key: &str, size: usize) -> Change {
    let key = key.to_owned();
    let value = vec![0; size];
    Change::Put { key, value }
}

fn put_if_absent(key: &str, size: usize) -> Change {
    let key = key.to_owned();
    let value = vec![0; size];
    Change::PutIfAbsent { key, value }
}

/// A disk in memory that can hold a sync up, count syncs, and be full.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<DiskState>);

#[derive(Debug, Default)]
struct DiskState {
    memory: InMemoryBackend,
    syncs: AtomicUsize,
    full: AtomicBool,
    gate: Mutex<Gate>,
    turned: Condvar,
}

#[derive(Debug, Default, PartialEq)]
enum Gate {
    #[default]
    Open,
    Shut,
    Waiting,
}

impl Disk {
    fn syncs(&self) -> usize {
        self.0.syncs.load(Ordering::SeqCst)
    }

    /// Issues a commit and returns when the thread is in the middle of syncing it, and stays there.
    fn hold_while_syncing(&self, store: &Store) -> Answer<Result<(), CommitError>> {
        *self.0.gate.lock().unwrap() = Gate::Shut;
        let commit = store.commit(vec![put("held", 1)]);
        let gate = self.0.gate.lock().unwrap();
        drop(
            self.0
                .turned
                .wait_while(gate, |gate| *gate != Gate::Waiting)
                .unwrap(),
        );
        commit
    }

    fn release(&self) {
        *self.0.gate.lock().unwrap() = Gate::Open;
        self.0.turned.notify_all();
    }

    fn fill(&self) {
        self.0.full.store(true, Ordering::SeqCst);
    }

    fn empty(&self) {
        self.0.full.store(false, Ordering::SeqCst);
    }

    fn room(&self) -> io::Result<()> {
        if self.0.full.load(Ordering::SeqCst) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.0.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room()?;
        self.0.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut gate = self.0.gate.lock().unwrap();
        if *gate == Gate::Shut {
            *gate = Gate::Waiting;
            self.0.turned.notify_all();
            gate = self
                .0
                .turned
                .wait_while(gate, |gate| *gate != Gate::Open)
                .unwrap();
        }
        drop(gate);
        self.room()?;
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        self.0.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.0.memory.write(offset, data)
    }
}
