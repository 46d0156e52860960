//! The one thread that owns the file. It takes calls in order, and makes the commits that wait in
//! one transaction.

use std::ops::Bound;
use std::sync::mpsc;

use redb::{Database, ReadableDatabase, ReadableTable, StorageError, Table, TableDefinition};
use tokio::sync::{oneshot, watch};

use super::super::group::{self, Bounds, grouped};
use super::super::storage::{
    Change, CommitError, FULL, LARGE_PAGE, PAGE, Read, Record, STORE, TOO_MUCH_READ, UNREAD,
};
use super::super::under_way::UnderWay;

/// All records of the module.
pub(super) const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");
/// What is known of them: how many bytes they have, as [`BYTES`].
const FACTS: TableDefinition<'static, &str, u64> = TableDefinition::new("facts");
const BYTES: &str = "bytes";

/// Bounds of one transaction: a thousand small records take 2 to 4 ms where one takes 0.2.
const GROUP: Bounds = Bounds {
    commits: 1000,
    bytes: 4 << 20,
};

/// What comes through the channel, with whom to answer.
pub(super) enum Call {
    Get {
        key: String,
        answer: oneshot::Sender<Result<Read<Option<Vec<u8>>>, String>>,
    },
    Scan {
        prefix: String,
        after: Option<String>,
        limit: u32,
        answer: oneshot::Sender<Result<Read<Records>, String>>,
    },
    Commit(Commit),
    Close {
        answer: oneshot::Sender<Result<(), String>>,
    },
}

/// A commit, and its verdict.
pub(super) type Commit = group::Commit<Result<(), CommitError>>;

type Records = Vec<Record>;

/// The owner of the file.
pub(super) struct Writer {
    database: Database,
    calls: mpsc::Receiver<Call>,
    /// What was read and has not been taken.
    unread: UnderWay,
    /// The reason of the first error of the disk. From then on nothing is tried: after a failed
    /// write or sync only opening the file anew tells what it holds.
    broken: watch::Sender<Option<String>>,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        calls: mpsc::Receiver<Call>,
        broken: watch::Sender<Option<String>>,
    ) -> Self {
        Self {
            database,
            calls,
            unread: UnderWay::new(UNREAD),
            broken,
        }
    }

    /// Answers calls until the store is closed or its last handle dropped. An answer that nobody
    /// waits for any more is let go.
    pub(super) fn run(mut self) {
        let mut next = None;
        while let Some(call) = next.take().or_else(|| self.calls.recv().ok()) {
            match call {
                Call::Get { key, answer } => {
                    let value = self.attempt(|database| get(database, &key));
                    let bytes = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
                    let _ = answer.send(self.read(value, bytes));
                }
                Call::Scan {
                    prefix,
                    after,
                    limit,
                    answer,
                } => {
                    let records =
                        self.attempt(|database| scan(database, &prefix, after.as_deref(), limit));
                    let records =
                        records.and_then(|page| page.ok_or_else(|| LARGE_PAGE.to_owned()));
                    let _ = answer.send(self.read(records, bytes));
                }
                Call::Commit(first) => {
                    let group;
                    (group, next) =
                        grouped(first, &GROUP, || match self.calls.try_recv().ok()? {
                            Call::Commit(commit) => Some(Ok(commit)),
                            other => Some(Err(other)),
                        });
                    self.commit(group);
                }
                Call::Close { answer } => {
                    let _ = answer.send(self.database.close().map_err(|error| error.to_string()));
                    return;
                }
            }
        }
    }

    fn commit(&mut self, group: Vec<Commit>) {
        match self.attempt(|database| write(database, &group)) {
            Ok(verdicts) => {
                for (commit, verdict) in group.into_iter().zip(verdicts) {
                    let _ = commit.answer.send(verdict);
                }
            }
            Err(reason) => {
                for commit in group {
                    let _ = commit.answer.send(Err(CommitError::Failed(reason.clone())));
                }
            }
        }
    }

    /// What was read, if there is room for it.
    fn read<T>(
        &self,
        read: Result<T, String>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Result<Read<T>, String> {
        let read = read?;
        let place = self.unread.begin(bytes(&read));
        place
            .map(|place| (read, place))
            .ok_or_else(|| TOO_MUCH_READ.to_owned())
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, String> {
        if let Some(reason) = self.broken.borrow().clone() {
            return Err(reason);
        }
        work(&self.database).map_err(|error| {
            let reason = format!(
                "the store failed ({error}); it takes nothing more until it is started again"
            );
            tracing::error!("{reason}");
            self.broken.send_replace(Some(reason.clone()));
            reason
        })
    }
}

fn get(database: &Database, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = database.begin_read()?.open_table(RECORDS)?;
    Ok(table.get(key)?.map(|value| value.value().to_vec()))
}

/// A page; `None` if it is too large.
fn scan(
    database: &Database,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Option<Records>, redb::Error> {
    let from = match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    let table = database.begin_read()?.open_table(RECORDS)?;
    let mut records = Records::new();
    let mut bytes = 0;
    for record in table
        .range::<&str>((from, Bound::Unbounded))?
        .take(limit.try_into().unwrap_or(usize::MAX))
    {
        let (key, value) = record?;
        if !key.value().starts_with(prefix) {
            break;
        }
        bytes += value.value().len();
        if bytes > PAGE {
            return Ok(None);
        }
        records.push((key.value().to_owned(), value.value().to_vec()));
    }
    Ok(Some(records))
}

fn bytes(records: &Records) -> usize {
    records
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

/// One transaction, synced: each commit's own verdict, or the error that none of them survived.
fn write(
    database: &Database,
    group: &[Commit],
) -> Result<Vec<Result<(), CommitError>>, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(redb::Durability::Immediate)?;
    let mut table = transaction.open_table(RECORDS)?;
    let mut facts = transaction.open_table(FACTS)?;
    let before = facts.get(BYTES)?.map_or(0, |bytes| bytes.value());
    let mut held = before;
    let verdicts = group
        .iter()
        .map(|commit| apply(&mut table, &mut held, &commit.changes))
        .collect::<Result<_, _>>()?;
    if held != before {
        facts.insert(BYTES, held)?;
    }
    drop((table, facts));
    transaction.commit()?;
    Ok(verdicts)
}

/// Conditions first, against what all earlier commits left: so a refused commit changes nothing. `held` is
/// how many bytes there are. Those of a store from before they were counted do not count.
fn apply(
    table: &mut Table<'_, &str, &[u8]>,
    held: &mut u64,
    changes: &[Change],
) -> Result<Result<(), CommitError>, StorageError> {
    let added: u64 = changes.iter().map(Change::added).sum();
    if added > 0 && *held + added > STORE {
        return Ok(Err(CommitError::Failed(FULL.to_owned())));
    }
    for change in changes {
        if let Change::PutIfAbsent { key, .. } = change
            && table.get(key.as_str())?.is_some()
        {
            return Ok(Err(CommitError::Exists(key.clone())));
        }
    }
    for change in changes {
        let (key, gone) = match change {
            Change::Put { key, value } | Change::PutIfAbsent { key, value } => {
                (key, table.insert(key.as_str(), value.as_slice())?)
            }
            Change::Delete { key } => (key, table.remove(key.as_str())?),
        };
        let gone = gone.map_or(0, |value| (key.len() + value.value().len()) as u64);
        *held = (*held + change.added()).saturating_sub(gone);
    }
    Ok(Ok(()))
}
