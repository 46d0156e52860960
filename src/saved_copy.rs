//! The driver's copy of the book in the setting `saved_subscriptions`, for the day the store is lost.
//!
//! Core stores it without acknowledgement and brings settings back late and reordered. So it is
//! saved after each change, and again, at most once a minute, while an older one comes back.

use std::cell::Cell;
use std::rc::Rc;
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
        let inner = Rc::clone(&self.0);
        self.0.tasks.spawn(async move { save(&inner).await });
    }

    /// Settings came, with a copy of revision `rev`.
    pub(crate) fn saved_copy_came_back(&self, rev: u64) {
        let copy = &self.0.saved_copy;
        copy.seen.set(rev);
        if rev >= self.0.state.borrow().book.rev() || copy.planned.replace(true) {
            return;
        }
        let inner = Rc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let due = inner
                .saved_copy
                .at
                .get()
                .map_or(0, |at| at.saturating_add(SAVE_AGAIN_AFTER));
            let wait = due.saturating_sub(inner.host.now()).min(SAVE_AGAIN_AFTER);
            inner.host.sleep(Duration::from_millis(wait)).await;
            inner.saved_copy.planned.set(false);
            if inner.saved_copy.seen.get() < inner.state.borrow().book.rev() {
                save(&inner).await;
            }
        });
    }
}

async fn save<H: Host>(inner: &Inner<H>) {
    inner.saved_copy.at.set(Some(inner.host.now()));
    let saved = inner.state.borrow().book.saved();
    if let Err(error) = inner.host.save_setting(SAVED_SUBSCRIPTIONS, &saved).await {
        inner.warn(&format!("saved_subscriptions could not be saved: {error}"));
    }
}
