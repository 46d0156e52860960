//! The records that a module may have under way.
//!
//! How large a key, a value and a page are, and how much a store holds, its stores see to
//! (`host/storage.rs`): they know what is there.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::host::Answer;
use crate::host::storage::{Change, CommitError, Record, Storage};
use crate::host::under_way::{Limit, UnderWay};

/// Calls at once, and the bytes that their commits carry. The driver has a call for each request and
/// event (4,096 at most) and each attempt (2,048); an event for a thousand subscribers is 17 MB.
const LIMIT: Limit = Limit {
    calls: 8192,
    bytes: 256 << 20,
};
/// What a change costs beside its key and its value.
const OVERHEAD: usize = 64;

const TOO_MUCH: &str = "the module has asked too much of the store at once";

/// Storage within its bounds.
pub(super) struct BoundedStorage {
    storage: Arc<dyn Storage>,
    under_way: UnderWay,
}

impl BoundedStorage {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            under_way: UnderWay::new(LIMIT),
        }
    }
}

impl Storage for BoundedStorage {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        match self.under_way.begin(key.len()) {
            Some(place) => place.until(self.storage.get(key)).boxed(),
            None => async { Err(TOO_MUCH.to_owned()) }.boxed(),
        }
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        let bytes = prefix.len() + after.as_ref().map_or(0, String::len);
        match self.under_way.begin(bytes) {
            Some(place) => place.until(self.storage.scan(prefix, after, limit)).boxed(),
            None => async { Err(TOO_MUCH.to_owned()) }.boxed(),
        }
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        let bytes = changes.iter().map(|change| OVERHEAD + change.bytes()).sum();
        match self.under_way.begin(bytes) {
            Some(place) => place.until(self.storage.commit(changes)).boxed(),
            None => async { Err(CommitError::Failed(TOO_MUCH.to_owned())) }.boxed(),
        }
    }
}
