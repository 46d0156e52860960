//! Everything that the driver may ask for.
//!
//! A host stores, sends, opens doors and tells the time; it takes no decision. Its futures need not
//! be `Send`: a module is single-threaded, as WebAssembly is.
#![expect(
    async_fn_in_trait,
    reason = "a module is single-threaded: no caller needs the futures to be Send"
)]

use std::time::Duration;

use crate::door::UnlockOutcome;

/// What a module runs on. Calls of storage are applied and answered in the order they were made in.
pub trait Host {
    /// The value of `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageFailed>;

    /// At most `limit` records whose key begins with `prefix` and follows `after`, in key order.
    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed>;

    /// All of `changes`, or none of them; durable when it returns.
    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError>;

    /// Sends one POST. Redirects are not followed.
    async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure>;

    /// Whether the egress rule lets a POST go to `url` now, or the reason it does not. A name that
    /// does not resolve now is allowed.
    async fn check_url(&self, url: &str) -> Result<(), String>;

    /// The names of the security systems there are now, or why they cannot be told.
    async fn systems(&self) -> Result<Vec<String>, String>;

    /// The doors of one security system, or why it cannot tell.
    async fn doors(&self, system: &str) -> Result<Vec<ListedDoor>, String>;

    /// Asks a security system to unlock a door, on behalf of `caller`.
    async fn unlock(
        &self,
        system: &str,
        door: &str,
        caller: Option<&str>,
    ) -> Result<UnlockOutcome, String>;

    /// Shows `json` to operators under `key`.
    fn set_status(&self, key: &str, json: &str);

    /// Keeps `json` as the setting `name`, one of those that `driver.json` lets the driver write.
    async fn save_setting(&self, name: &str, json: &str) -> Result<(), String>;

    /// Milliseconds since 1970, UTC. It may jump, both ways.
    fn now(&self) -> u64;

    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);

    /// Sixteen bytes fit for a name that nobody guesses.
    fn random(&self) -> [u8; 16];

    /// One line for the log.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);
}

/// One change of a commit. Its value may hold a secret, and so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put {
        /// The record's key.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
    /// Removes a record, if it is there.
    Delete {
        /// The record's key.
        key: String,
    },
    /// Sets a value; if the key has one, the whole commit is refused as [`CommitError::Exists`].
    PutIfAbsent {
        /// The record's key.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
}

/// The store did not answer; the reason is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageFailed(pub String);

/// Why a commit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A [`Change::PutIfAbsent`] found a value; nothing was written.
    #[error("{0} has a value already")]
    Exists(String),
    /// Not known to be saved.
    #[error("{0}")]
    Failed(String),
}

impl From<StorageFailed> for CommitError {
    /// What had to be read first could not be.
    fn from(error: StorageFailed) -> Self {
        Self::Failed(error.0)
    }
}

/// A POST to a subscriber. Its URL is a secret, and so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
    /// From the start of the call to the end of the answer's body.
    pub timeout: Duration,
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostAnswer {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`, as it came.
    pub retry_after: Option<String>,
}

/// Why a POST got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// The name does not resolve.
    #[error("the name does not resolve: {0}")]
    Dns(String),
    /// There is no connection, or it broke.
    #[error("no connection: {0}")]
    Refused(String),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The receiver's TLS is not to be trusted.
    #[error("no trusted TLS: {0}")]
    Tls(String),
    /// The egress rule forbids it.
    #[error("not permitted: {0}")]
    Blocked(String),
    /// The answer went on past the host's limit.
    #[error("the answer is too large")]
    TooLarge,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// A door, as a security system lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDoor {
    /// The security system's name for it.
    pub id: String,
    /// What people call it.
    pub description: Option<String>,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What an operator should look at.
    Warn,
    /// What needs mending.
    Error,
}
