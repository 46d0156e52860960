//! The stores that are kept, each in both its places: a gateway's folder, and PlaceOS's Redis.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use placeos_slot::host::storage::{Change, Storage};
use placeos_slot::host::store::Store;
use placeos_slot::placeos::redis::{Address, RedisStore};
use redis::cmd;
use rig::placeos::{MODULE, Redis};
use tempfile::TempDir;

use crate::records::Records;

/// The store that one version has written.
pub(crate) struct Kept {
    /// The folder in `stores`.
    pub(crate) version: String,
    folder: PathBuf,
}

impl Kept {
    /// Those of all versions.
    pub(crate) fn all() -> Vec<Self> {
        let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/stores");
        let mut all: Vec<_> = fs::read_dir(stores)
            .unwrap()
            .map(|entry| {
                let folder = entry.unwrap().path();
                let version = folder.file_name().unwrap().to_str().unwrap().to_owned();
                Self { version, folder }
            })
            .collect();
        all.sort_by(|a, b| a.version.cmp(&b.version));
        assert!(!all.is_empty(), "no version has left a store");
        all
    }

    /// What the version had in it.
    pub(crate) fn records(&self) -> Records {
        Records::parse(&fs::read_to_string(self.folder.join("records.txt")).unwrap())
    }

    /// A folder with a copy of its file.
    pub(crate) fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.copy_to(folder.path());
        folder
    }

    /// Copies its file into a gateway's folder, both as private as a gateway has them.
    pub(crate) fn copy_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
        let copy = folder.join("store.redb");
        fs::copy(self.folder.join("store.redb"), &copy).unwrap();
        fs::set_permissions(copy, Permissions::from_mode(0o600)).unwrap();
    }
}

/// Where a store is. It is gone when dropped.
pub(crate) enum Place {
    File(TempDir),
    Redis(Redis),
}

impl Place {
    /// Copies of it in both places.
    pub(crate) async fn both(kept: &Kept) -> [Self; 2] {
        let redis = Redis::start().await;
        fill(&redis, &kept.records()).await;
        [Self::File(kept.folder()), Self::Redis(redis)]
    }

    /// Opens it, as a slot does.
    pub(crate) async fn open(&self) -> Arc<dyn Storage> {
        match self {
            Self::File(folder) => Arc::new(Store::open(folder.path()).unwrap()),
            Self::Redis(redis) => {
                let address = Address::parse(&redis.url(), false).unwrap();
                let redis = placeos_slot::placeos::redis::Redis::new(address);
                let claimed = RedisStore::claim(redis, MODULE, "the next".to_owned()).await;
                Arc::new(claimed.unwrap())
            }
        }
    }
}

/// Puts a record in.
pub(crate) async fn put(store: &dyn Storage, key: &str, value: &str) {
    let put = Change::Put {
        key: key.to_owned(),
        value: value.as_bytes().to_owned(),
    };
    store.commit(vec![put]).await.unwrap();
}

/// Puts all records where the slot has them: values in a hash, keys in a sorted set.
async fn fill(redis: &Redis, records: &Records) {
    let [values, keys, _owner] = RedisStore::keys(MODULE);
    let (mut set, mut add) = (cmd("HSET"), cmd("ZADD"));
    set.arg(values);
    add.arg(keys);
    for (key, value) in &records.0 {
        set.arg(key).arg(value);
        add.arg(0).arg(key);
    }
    let count = records.0.len();
    let (was_set, was_added): (usize, usize) = (redis.query(&set).await, redis.query(&add).await);
    assert_eq!((was_set, was_added), (count, count));
}
