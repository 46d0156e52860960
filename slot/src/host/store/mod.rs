//! A module's records on this machine's disk: one `redb` file, written by one thread.
//!
//! A commit is answered when it is on disk. Syncing is what costs, so commits that wait while
//! others are being synced go together in the next transaction (see `writer.rs`).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use futures_util::FutureExt;
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend, StorageError};
use tokio::sync::{oneshot, watch};

use self::writer::{Call, Commit, RECORDS, Writer};
use super::Answer;
use super::storage::{Change, CommitError, Read, Record, Storage};
use crate::private_file::{self, PrivateFileError};

#[cfg(test)]
mod tests;
mod writer;

/// The longest key, in bytes.
pub const KEY_LIMIT: usize = 1024;
/// The longest value, in bytes: the settings of a module whose operator lists a thousand of the
/// longest subscriptions.
pub const VALUE_LIMIT: usize = 4 * 1024 * 1024;

/// The file in the data folder.
const FILE: &str = "store.redb";
/// What `redb` may keep of the file in memory, in bytes. Its own default is 1 GiB; a module keeps what
/// it needs in its own memory, so that little is enough.
const CACHE: usize = 4 * 1024 * 1024;
/// The answer to calls after the end.
const CLOSED: &str = "the store is closed";

/// A module's records, kept in a folder. Clones are the same store.
///
/// After an error of the disk every call fails with its reason until the program starts anew: what
/// the file then holds is known only after it was opened and repaired.
#[derive(Clone, Debug)]
pub struct Store(Arc<Handle>);

/// Why a folder's store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder belongs to one process at a time.
    #[error("another process uses the folder {}; stop it, or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The program may not write there.
    #[error("{} may not be written by this user; change its owner or permissions", .0.display())]
    NotPermitted(PathBuf),
    /// Others may read or change it: it holds secrets.
    #[error(transparent)]
    Private(PrivateFileError),
    /// There is no room.
    #[error("the disk that holds {} is full; make room", .0.display())]
    Full(PathBuf),
    /// The file is not one that this program wrote, or not any more.
    #[error(
        "{} is damaged or not a store ({reason}); restore it, or move it away to start empty",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else.
    #[error("{} cannot be opened: {reason}", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

impl Store {
    /// Opens the store in `folder`, making both where they do not exist, for their owner only.
    ///
    /// Blocks: after a crash the whole file is read and repaired.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        let file = open_file(folder, &path).map_err(|error| match error {
            PrivateFileError::Io { source, .. } => refused(&path, &source),
            exposed => OpenError::Private(exposed),
        })?;
        let backend = FileBackend::new(file).map_err(|error| not_opened(&path, error))?;
        let store = Self::over(backend).map_err(|error| not_opened(&path, error))?;
        // What is new outlives a loss of power only if the folder it is in was synced as well.
        let parent = folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        for folder in [folder, parent.unwrap_or(Path::new("."))] {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| refused(folder, &error))?;
        }
        Ok(store)
    }

    /// Ends the store: earlier calls are answered, then the file is closed. Later calls fail.
    ///
    /// # Errors
    /// The file was not closed cleanly, which loses nothing: it is repaired at the next start.
    pub async fn close(&self) -> Result<(), String> {
        let (answer, closed) = oneshot::channel();
        self.issue(Call::Close { answer });
        closed.await.unwrap_or_else(|_| Err(CLOSED.to_owned()))
    }

    /// Resolves with the reason when the disk has failed, after which every call fails.
    pub async fn broken(&self) -> String {
        let mut broken = self.0.broken.clone();
        let reason = broken
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            // It was closed whole.
            None => std::future::pending().await,
        }
    }

    fn over(backend: impl StorageBackend) -> Result<Self, DatabaseError> {
        let database = Builder::new()
            .set_cache_size(CACHE)
            .create_with_backend(backend)?;
        create_table(&database).map_err(|error| match error {
            redb::Error::Io(error) => DatabaseError::Storage(StorageError::Io(error)),
            other => DatabaseError::Storage(StorageError::Corrupted(other.to_string())),
        })?;
        let (calls, queue) = mpsc::channel();
        let (report, broken) = watch::channel(None);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || Writer::new(database, queue, report).run())?;
        Ok(Self(Arc::new(Handle {
            calls: Some(calls),
            thread: Mutex::new(Some(thread)),
            broken,
        })))
    }

    /// Puts a call in its place. Where the thread has ended, the call is dropped and with it the
    /// sender of its answer.
    fn issue(&self, call: Call) {
        if let Some(calls) = &self.0.calls {
            let _ = calls.send(call);
        }
    }
}

impl Storage for Store {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        let (answer, value) = oneshot::channel();
        self.issue(Call::Get { key, answer });
        taken(value).boxed()
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        let (answer, records) = oneshot::channel();
        self.issue(Call::Scan {
            prefix,
            after,
            limit,
            answer,
        });
        taken(records).boxed()
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        if let Some(reason) = changes.iter().find_map(over_limit) {
            return async move { Err(CommitError::Failed(reason)) }.boxed();
        }
        let (answer, made) = oneshot::channel();
        self.issue(Call::Commit(Commit { changes, answer }));
        async move {
            made.await
                .unwrap_or_else(|_| Err(CommitError::Failed(CLOSED.to_owned())))
        }
        .boxed()
    }
}

/// What was read, taken.
async fn taken<T>(answer: oneshot::Receiver<Result<Read<T>, String>>) -> Result<T, String> {
    let read = answer.await.unwrap_or_else(|_| Err(CLOSED.to_owned()));
    read.map(|(value, _place)| value)
}

/// The way to the thread that owns the file; the thread ends with it.
#[derive(Debug)]
struct Handle {
    calls: Option<mpsc::Sender<Call>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    broken: watch::Receiver<Option<String>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Without a sender the thread answers what is queued, closes the file and ends.
        self.calls = None;
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store ended by a fault of the program");
        }
    }
}

/// Why a change cannot be kept, if it cannot.
pub(crate) fn over_limit(change: &Change) -> Option<String> {
    let (key, value) = match change {
        Change::Put { key, value } | Change::PutIfAbsent { key, value } => (key, value.len()),
        Change::Delete { key } => (key, 0),
    };
    if key.len() > KEY_LIMIT {
        return Some(format!(
            "a key of {} bytes is longer than the {KEY_LIMIT} that the store takes",
            key.len()
        ));
    }
    (value > VALUE_LIMIT).then(|| {
        format!("a value of {value} bytes is longer than the {VALUE_LIMIT} that the store takes")
    })
}

fn open_file(folder: &Path, path: &Path) -> Result<File, PrivateFileError> {
    private_file::folder(folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private_file::open(path, &mut options)
}

/// So that a reader always finds the table, and a full disk shows now.
fn create_table(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(RECORDS)?;
    transaction.commit()?;
    Ok(())
}

fn not_opened(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            OpenError::InUse(path.parent().unwrap_or(path).to_owned())
        }
        DatabaseError::Storage(StorageError::Io(error)) => refused(path, &error),
        other => damaged(path, &other),
    }
}

fn refused(path: &Path, error: &io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            OpenError::NotPermitted(first_existing(path).to_owned())
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OpenError::Full(path.to_owned()),
        // So `redb` says that a file is none of its own.
        ErrorKind::InvalidData => damaged(path, error),
        _ => OpenError::Other {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    }
}

/// `path`, or of the folders that it is in the nearest that there is.
fn first_existing(path: &Path) -> &Path {
    let mut existing = path.ancestors().filter(|ancestor| ancestor.exists());
    existing.next().unwrap_or(Path::new("."))
}

fn damaged(path: &Path, reason: &dyn fmt::Display) -> OpenError {
    OpenError::Damaged {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
