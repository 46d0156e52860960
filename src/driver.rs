//! The driver: its state, and how it is loaded, updated and stopped. The writer of the book, the
//! webhook's verbs, the intake of events and the delivery loop are `impl Driver` blocks of their own
//! files.
//!
//! Many calls are in flight at once, on one thread. No borrow of state is held across an await.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::book::Book;
use crate::clock::Clock;
use crate::delivery::{Arrivals, DeadLetters, Made, Outbox, Unsettled};
use crate::directory::Directory;
use crate::doubts::Doubts;
use crate::host::{Change, Host, Level, StorageFailed};
use crate::kept::Kept;
use crate::key::Key;
use crate::pages::Pages;
use crate::record::{self, LastKeyRecord, Version};
use crate::report::Report;
use crate::saved_copy::SavedCopy;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::sorted::SortedMap;
use crate::subscription::{Subscription, SubscriptionId};
use crate::tasks::Tasks;
use crate::unlock::Unlocks;

/// How long a store that failed is left alone.
pub(crate) const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A driver on its host.
pub struct Driver<H: Host>(pub(crate) Rc<Inner<H>>);

impl<H: Host> Clone for Driver<H> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// What the calls of a driver share.
pub(crate) struct Inner<H: Host> {
    pub(crate) host: H,
    pub(crate) state: RefCell<State>,
    /// How many times settings have come.
    updates: Cell<u64>,
    /// Held by the one call that changes the book. Its turns come in the order they were asked for.
    pub(crate) writing: Mutex<()>,
    pub(crate) saved_copy: SavedCopy,
    pub(crate) last_key: Cell<Key>,
    /// The last key of an earlier instance: what it has left has no later one.
    pub(crate) left_to: Cell<Key>,
    pub(crate) seen: Seen,
    pub(crate) doubts: Doubts,
    pub(crate) clock: Clock,
    pub(crate) arrivals: Arrivals,
    pub(crate) made: Made,
    pub(crate) outbox: RefCell<Outbox>,
    pub(crate) unsettled: Unsettled,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) kept: Kept,
    pub(crate) directory: Directory,
    pub(crate) unlocks: Unlocks,
    pub(crate) report: Report,
    pub(crate) tasks: Tasks,
    pub(crate) running: Cell<bool>,
    pub(crate) stopped: Cell<bool>,
}

/// What a commit has made true.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) book: Book,
    /// The book as the egress rule of the settings has it.
    pub(crate) subscriptions: Rc<SortedMap<SubscriptionId, Subscription>>,
    /// The store is empty and no settings have come that would say whether it should be.
    pub(crate) awaits_settings: bool,
    /// A commit failed that may have been made: the store may hold another book.
    pub(crate) unsure: bool,
    /// That commit had settings in it: the store may hold others.
    pub(crate) settings_unsure: bool,
}

/// Why a module cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The store does not answer, or did not save.
    #[error("the store failed: {0}")]
    Store(String),
    /// The store holds what this driver cannot read, such as records of a newer one.
    #[error("the store cannot be used: {0}")]
    Unreadable(String),
}

impl<H: Host + 'static> Driver<H> {
    /// Loads a module: its store, then `settings`, a JSON object.
    ///
    /// An empty store beside a setting `saved_subscriptions` is a lost one: it is reported, and
    /// rebuilt from that.
    pub async fn load(host: H, settings: &str) -> Result<Self, LoadError> {
        let driver = Self(Rc::new(Inner {
            host,
            state: RefCell::default(),
            updates: Cell::new(0),
            writing: Mutex::default(),
            saved_copy: SavedCopy::default(),
            last_key: Cell::new(Key::ZERO),
            left_to: Cell::new(Key::ZERO),
            seen: Seen::default(),
            doubts: Doubts::default(),
            clock: Clock::default(),
            arrivals: Arrivals::default(),
            made: Made::default(),
            outbox: RefCell::default(),
            unsettled: Unsettled::default(),
            dead_letters: DeadLetters::default(),
            kept: Kept::default(),
            directory: Directory::default(),
            unlocks: Unlocks::default(),
            report: Report::default(),
            tasks: Tasks::default(),
            running: Cell::new(false),
            stopped: Cell::new(false),
        }));
        if let Err(error) = driver.open(settings).await {
            // Work that waits would hold the driver that it belongs to.
            drop(driver.0.tasks.take());
            return Err(error);
        }
        Ok(driver)
    }

    /// Takes whole new settings, a JSON object. What of them cannot be read keeps its last good
    /// value and is reported. Returns when they are saved, or when newer ones have come.
    pub async fn update(&self, settings: &str) {
        let inner = &*self.0;
        if let Err(problem) = Settings::given(settings) {
            // Those that are waiting for the store must not make way for these.
            inner.warn(&problem);
            return;
        }
        let turn = inner.updates.get() + 1;
        inner.updates.set(turn);
        loop {
            let writing = inner.writing.lock().await;
            if inner.updates.get() != turn || inner.stopped.get() {
                return;
            }
            let Err(error) = self.take_settings(settings).await else {
                return;
            };
            drop(writing);
            inner.warn(&format!(
                "the settings could not be saved, those before them stay for now: {error}"
            ));
            inner.host.sleep(STORE_PAUSE).await;
        }
    }

    /// Ends [`run`](Self::run), which lets attempts under way finish; no attempt starts from now on.
    pub fn stop(&self) {
        self.0.stopped.set(true);
        self.0.tasks.bell().ring();
    }
}

impl<H: Host> Inner<H> {
    /// The key of the next record. It is committed as the last one together with that record.
    pub(crate) fn next_key(&self) -> Key {
        let key = self.last_key.get().next(self.host.now());
        self.last_key.set(key);
        key
    }

    pub(crate) fn last_key_record(&self) -> Change {
        let key = self.last_key.get().to_string();
        record::put(
            record::LAST_KEY.to_owned(),
            &LastKeyRecord { v: Version, key },
        )
    }

    /// How many records of a kind an earlier instance has left; this one counts its own as it saves
    /// them.
    pub(crate) async fn count_left(&self, prefix: &str) -> Result<usize, StorageFailed> {
        let is_left =
            |(name, _): &(String, Vec<u8>)| record::key_of(name) <= Some(self.left_to.get());
        let mut pages = Pages::of(prefix);
        let mut count = 0;
        while let Some(page) = pages.next(&self.host).await? {
            count += page.iter().filter(|record| is_left(record)).count();
            if !page.last().is_some_and(is_left) {
                break;
            }
        }
        Ok(count)
    }

    /// What operators see of the subscribers and their deliveries has changed.
    pub(crate) fn touch(&self) {
        self.report.touch();
        self.tasks.bell().ring();
    }

    /// Tells the log and the operators.
    pub(crate) fn warn(&self, message: &str) {
        self.host.log(Level::Warn, message, &[]);
        self.report.error(message);
        self.tasks.bell().ring();
    }
}
