//! What is kept for operators for a while: dead letters, events that could not be read, and unlocks.
//! Each kind for the days of the setting `retention_days`, and no more than so many of it.

use std::cell::Cell;

use crate::driver::{Driver, Inner};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::pages::PAGE;
use crate::record;

/// A kind of records that are kept for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Deliveries that were given up.
    Dead,
    /// Events that could not be read.
    Rejected,
    /// Attempts to unlock a door.
    Unlock,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Dead, Self::Rejected, Self::Unlock];

    /// How many are kept.
    fn most(self) -> usize {
        match self {
            Self::Dead => 20_000,
            Self::Rejected => 1_000,
            Self::Unlock => 50_000,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Dead => record::DEAD,
            Self::Rejected => record::REJECTED,
            Self::Unlock => record::UNLOCKS,
        }
    }
}

/// How many records of each kind the store holds, as far as they were counted.
#[derive(Default)]
pub(crate) struct Kept {
    counts: [Cell<usize>; 3],
    /// The last time that something was given up because there was too much of it, if ever.
    overflowed_at: Cell<Option<u64>>,
}

impl Kept {
    /// How many there are of a kind.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize].get()
    }

    /// So many more were saved.
    pub(crate) fn add(&self, kind: Kind, more: usize) {
        self.counts[kind as usize].set(self.count(kind) + more);
    }

    /// So many are no more.
    pub(crate) fn remove(&self, kind: Kind, fewer: usize) {
        self.counts[kind as usize].set(self.count(kind).saturating_sub(fewer));
    }

    /// When something was given up last because there was too much of it.
    pub(crate) fn overflowed_at(&self) -> Option<u64> {
        self.overflowed_at.get()
    }
}

impl<H: Host> Inner<H> {
    /// Something is given up now because there is too much of it.
    pub(crate) fn overflows(&self) {
        self.kept.overflowed_at.set(Some(self.time()));
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Counts what an earlier instance has left.
    pub(crate) async fn count_kept(&self) -> Result<(), StorageFailed> {
        for kind in Kind::ALL {
            let left = self.0.count_left(kind.prefix()).await?;
            self.0.kept.add(kind, left);
            if left > 0 {
                self.0.touch();
            }
        }
        Ok(())
    }

    /// Drops what was kept long enough, and the oldest of what is too much.
    pub(crate) async fn forget_kept(&self) -> Result<(), CommitError> {
        let inner = &*self.0;
        let kept_for = inner.state.borrow().settings.retention.millis();
        let oldest = Key::ZERO.next(inner.host.now().saturating_sub(kept_for));
        for kind in Kind::ALL {
            loop {
                let page = inner.host.scan(kind.prefix(), None, PAGE).await?;
                let is_last = page.len() < PAGE as usize;
                let surplus = inner.kept.count(kind).saturating_sub(kind.most());
                if surplus > 0 {
                    inner.overflows();
                }
                let old: Vec<_> = page
                    .into_iter()
                    .enumerate()
                    .take_while(|(nth, (name, _))| {
                        let is_old = record::key_of(name).is_none_or(|key| key < oldest);
                        is_old || *nth < surplus
                    })
                    .map(|(_, (key, _))| Change::Delete { key })
                    .collect();
                if old.is_empty() {
                    break;
                }
                let gone = old.len();
                inner.host.commit(old).await?;
                inner.kept.remove(kind, gone);
                inner.touch();
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }
}
