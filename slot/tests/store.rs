//! The store, through the interface a module has: it does what a map in memory does, and keeps it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod model;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use placeos_slot::host::storage::{Change, CommitError, Storage};
use placeos_slot::host::store::{KEY_LIMIT, OpenError, Store, VALUE_LIMIT};

use crate::model::{Dice, Model};

#[tokio::test]
async fn it_does_what_a_map_does() {
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut model = Model::default();
        let mut dice = Dice(seed);
        for round in 0..60 {
            model.compare(&store, &mut dice).await;
            if round % 20 == 19 {
                drop(store);
                store = Store::open(folder.path()).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn one_owner_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let clone = store.clone();
    drop(store);
    let second = Store::open(folder.path()).unwrap_err();
    assert!(matches!(second, OpenError::InUse(_)), "{second:?}");
    assert_eq!(
        second.to_string(),
        format!(
            "another process uses the folder {}; stop it, or choose another folder",
            folder.path().display()
        )
    );
    drop(clone);
    Store::open(folder.path()).unwrap();
}

#[tokio::test]
async fn closing_finishes_what_was_issued_and_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let commits: Vec<_> = (0..100)
        .map(|n| store.commit(vec![put(&n.to_string(), b"value")]))
        .collect();
    store.close().await.unwrap();
    for commit in commits {
        assert_eq!(commit.await, Ok(()));
    }
    let closed = "the store is closed".to_owned();
    assert_eq!(
        store.commit(vec![put("late", b"")]).await,
        Err(CommitError::Failed(closed.clone()))
    );
    assert_eq!(store.get("0".to_owned()).await, Err(closed.clone()));
    assert_eq!(
        store.scan(String::new(), None, 1).await,
        Err(closed.clone())
    );
    assert_eq!(store.close().await, Err(closed));

    let again = Store::open(folder.path()).unwrap();
    assert_eq!(
        again
            .scan(String::new(), None, u32::MAX)
            .await
            .unwrap()
            .len(),
        100
    );
}

#[tokio::test]
async fn the_folder_and_the_file_are_the_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data/slot");
    let file = folder.join("store.redb");
    drop(Store::open(&folder).unwrap());
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&file), 0o600);

    // What others could read may be known, and what they could write may be theirs.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Store::open(&folder).unwrap_err();
    assert!(matches!(error, OpenError::Private(_)), "{error:?}");
    let command = format!("chmod 600 {}", file.display());
    assert!(error.to_string().ends_with(&command), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let content = "not a database\n".repeat(1000);
    fs::write(&file, &content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), content);
}

#[tokio::test]
async fn keys_and_values_have_limits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let longest = "k".repeat(KEY_LIMIT);
    store
        .commit(vec![put(&longest, &vec![7; VALUE_LIMIT])])
        .await
        .unwrap();
    assert_eq!(
        store.get(longest.clone()).await.unwrap().unwrap(),
        vec![7; VALUE_LIMIT]
    );

    let too_long = store
        .commit(vec![put("fits", b""), put(&format!("{longest}k"), b"")])
        .await;
    assert_eq!(
        too_long,
        Err(CommitError::Failed(
            "a key of 1025 bytes is longer than the 1024 that the store takes".to_owned()
        ))
    );
    let too_large = store
        .commit(vec![
            put("fits", b""),
            put("large", &vec![7; VALUE_LIMIT + 1]),
        ])
        .await;
    assert_eq!(
        too_large,
        Err(CommitError::Failed(
            "a value of 4194305 bytes is longer than the 4194304 that the store takes".to_owned()
        ))
    );
    assert_eq!(store.get("fits".to_owned()).await, Ok(None));
}

fn put(key: &str, value: &[u8]) -> Change {
    Change::Put {
        key: key.to_owned(),
        value: value.to_vec(),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
