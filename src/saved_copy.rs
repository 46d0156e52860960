//! The driver's copy of the book in the setting `saved_subscriptions`, for the day the store is lost.
//!
//! Core stores it without acknowledgement and brings settings back late and reordered. So it is
//! saved after each change, and again, at most once a minute, while an older one comes back.

use std::cell::Cell;
use std::time::Duration;

use crate::driver::{Driver, Inner};
use crate::host::Host;
use crate::settings::SAVED_SUBSCRIPTIONS;

/// Milliseconds between a saving and one that an older copy asks for.
const SAVE_AGAIN_AFTER: u64 = 60_000;

/// What is known of the copy.
#[derive(Default)]
pub(crate) struct SavedCopy {
    /// When it was last saved.
    at: Cell<Option<u64>>,
    /// The revision that last came back.
    seen: Cell<u64>,
    /// Another saving is planned.
    planned: Cell<bool>,
}

impl<H: Host + 'static> Driver<H> {
    /// Saves the copy, in the background.
    pub(crate) fn save_book(&self) {
        let driver = self.clone();
        self.0.tasks.spawn(async move { driver.save().await });
    }

    /// Settings came, with a copy of revision `rev`.
    pub(crate) fn saved_copy_came_back(&self, rev: u64) {
        self.0.saved_copy.seen.set(rev);
        self.save_if_older();
    }

    /// Plans another saving, if the copy that was seen last is older than the book.
    fn save_if_older(&self) {
        let inner = &*self.0;
        let is_older =
            |inner: &Inner<H>| inner.saved_copy.seen.get() < inner.state.borrow().book.rev();
        if !is_older(inner) || inner.saved_copy.planned.replace(true) {
            return;
        }
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            let inner = &*driver.0;
            let due = inner
                .saved_copy
                .at
                .get()
                .map_or(0, |at| at.saturating_add(SAVE_AGAIN_AFTER));
            let wait = due.saturating_sub(inner.host.now()).min(SAVE_AGAIN_AFTER);
            inner.host.sleep(Duration::from_millis(wait)).await;
            inner.saved_copy.planned.set(false);
            if is_older(inner) {
                driver.save().await;
            }
        });
    }

    async fn save(&self) {
        let inner = &*self.0;
        inner.saved_copy.at.set(Some(inner.host.now()));
        let saved = inner.state.borrow().book.saved();
        if let Err(error) = inner.host.save_setting(SAVED_SUBSCRIPTIONS, &saved).await {
            inner.warn(&format!(
                "{SAVED_SUBSCRIPTIONS} could not be saved, and will be again: {error}"
            ));
            self.save_if_older();
        }
    }
}
