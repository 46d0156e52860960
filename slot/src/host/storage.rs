//! A module's records.

use super::Answer;

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
