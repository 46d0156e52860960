//! What is due, in order of time; of what is due at the same time, what was planned first.

use std::collections::BTreeMap;

use futures_channel::oneshot;

use crate::fact::{AttemptId, EventNumber, Instance};

/// Something that happens at its time.
pub(crate) enum Due {
    /// A sleep is over.
    Wake(oneshot::Sender<()>),
    /// Storage gets to the oldest call of an instance.
    Storage(Instance),
    /// A receiver takes an event: its 2xx goes out.
    Taken(AttemptId),
    /// An attempt's result reaches the driver.
    Answer(AttemptId),
    /// Something that the site does.
    Errand(Errand),
}

/// What a slot, and the core that started it, do of themselves.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// Loads an instance, if there is none.
    Load,
    /// Offers an event again.
    Offer(EventNumber),
    /// Brings settings to the module.
    Update(String),
    /// Heals storage.
    HealStorage,
    /// Stops the instance that another one took over from.
    StopOld,
}

#[derive(Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(u64, u64), Due>,
    planned: u64,
}

impl Agenda {
    /// Plans `due` for `at`, in milliseconds since the history began.
    pub(crate) fn plan(&mut self, at: u64, due: Due) {
        self.planned += 1;
        self.entries.insert((at, self.planned), due);
    }

    /// What comes next, and when, if that is not after `until`.
    pub(crate) fn next(&mut self, until: u64) -> Option<(u64, Due)> {
        let entry = self.entries.first_entry()?;
        let (at, _) = *entry.key();
        (at <= until).then(|| (at, entry.remove()))
    }

    pub(crate) fn has_errands(&self) -> bool {
        let mut entries = self.entries.values();
        entries.any(|due| matches!(due, Due::Errand(_)))
    }
}
