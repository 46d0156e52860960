//! A module's records.

use super::Answer;
use super::under_way::{Limit, Place};

/// Bytes of the values of a page. The driver asks for 500 records at most, and the longest have 17 KB. One
/// with more is an error, for a shorter page would look like the last.
pub(crate) const PAGE: usize = 16 << 20;
/// Bytes of records that were read and have not been taken: the driver has 17 MB if a thousand attempts
/// read the longest events at once.
pub(crate) const UNREAD: Limit = Limit {
    calls: usize::MAX,
    bytes: 64 << 20,
};
/// Bytes of keys and values that a store may hold: the 200,000 deliveries that the driver keeps pending
/// have 3.4 GB if each is of the longest event.
pub(crate) const STORE: u64 = 4 << 30;

/// The answer where [`PAGE`] is exceeded.
pub(crate) const LARGE_PAGE: &str = "the page is too large; ask for fewer records";
/// The answer where [`UNREAD`] is reached.
pub(crate) const TOO_MUCH_READ: &str = "too much is read from the store at once";
/// The answer where [`STORE`] is reached.
pub(crate) const FULL: &str = "the module's store is full; it takes only what deletes";

/// What was read, and its place among what has not been taken.
pub(crate) type Read<T> = (T, Place);

/// One change of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put {
        /// The record's key.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
    /// Removes a value; one that is not there is no error.
    Delete {
        /// The record's key.
        key: String,
    },
    /// Sets a value, or refuses the whole commit if there is one.
    PutIfAbsent {
        /// The record's key.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
}

impl Change {
    /// The bytes that it adds to a store at most.
    pub(crate) fn added(&self) -> u64 {
        match self {
            Self::Put { .. } | Self::PutIfAbsent { .. } => self.bytes() as u64,
            Self::Delete { .. } => 0,
        }
    }

    /// The bytes of its key and its value.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Put { key, value } | Self::PutIfAbsent { key, value } => key.len() + value.len(),
            Self::Delete { key } => key.len(),
        }
    }
}

/// Why a commit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A `PutIfAbsent` found a value under this key; nothing was written.
    #[error("{0} has a value already")]
    Exists(String),
    /// Not known to be saved.
    #[error("{0}")]
    Failed(String),
}

/// A record: its key and its value.
pub type Record = (String, Vec<u8>);

/// A module's records: text keys in byte order, opaque values.
pub trait Storage: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>>;
    /// At most `limit` records whose key begins with `prefix` and follows `after`, in key order.
    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>>;
    /// All of `changes`, or none; durable when the answer comes.
    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>>;
}
