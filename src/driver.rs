//! The driver: its state, how it is loaded and updated. The webhook's verbs, the intake of events
//! and the delivery loop are `impl Driver` blocks of their own files.
//!
//! Many calls are in flight at once, on one thread. No borrow of state is held across an await, and
//! the book has one writer: a change waits for the one before it, and memory follows the commit.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::lock::Mutex;
use serde_json::json;

use crate::book::Book;
use crate::delivery::Outbox;
use crate::directory::Directory;
use crate::host::{Change, CommitError, Host, Level};
use crate::key::Key;
use crate::record::{self, FormatRecord, LastKeyRecord, SettingsRecord, Version};
use crate::report::Report;
use crate::saved_copy::SavedCopy;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::subscription::{Subscription, SubscriptionId};
use crate::tasks::Tasks;
use crate::unlocks::Unlocks;

/// How many records one read of the store asks for.
const PAGE: u32 = 500;

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
    /// Held by the one call that changes the book.
    writing: Mutex<()>,
    pub(crate) saved_copy: SavedCopy,
    pub(crate) last_key: Cell<Key>,
    pub(crate) seen: Seen,
    pub(crate) outbox: RefCell<Outbox>,
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
    pub(crate) subscriptions: Rc<BTreeMap<SubscriptionId, Subscription>>,
    /// The store is empty and no settings have come that would say whether it should be.
    pub(crate) awaits_settings: bool,
}

/// Why a module cannot be loaded. Nothing was changed.
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
            writing: Mutex::default(),
            saved_copy: SavedCopy::default(),
            last_key: Cell::new(Key::ZERO),
            seen: Seen::default(),
            outbox: RefCell::default(),
            directory: Directory::default(),
            unlocks: Unlocks::default(),
            report: Report::default(),
            tasks: Tasks::default(),
            running: Cell::new(false),
            stopped: Cell::new(false),
        }));
        match driver.read_format().await? {
            Some(()) => driver.open_store(settings).await?,
            None => driver
                .begin_store(settings)
                .await
                .map_err(|error| LoadError::Store(error.to_string()))?,
        }
        Ok(driver)
    }

    /// Takes whole new settings, a JSON object. What of them cannot be read keeps its last good
    /// value and is reported.
    pub async fn update(&self, settings: &str) {
        let inner = &*self.0;
        let _writing = inner.writing.lock().await;
        if inner.state.borrow().awaits_settings {
            if let Err(error) = self.begin_store(settings).await {
                inner.warn(&format!("the settings could not be saved: {error}"));
            }
            return;
        }
        let previous = inner.state.borrow().settings.clone();
        let Some(next) = self.read_settings(&previous, settings) else {
            return;
        };
        if let Err(error) = self.adopt(next).await {
            inner.warn(&format!(
                "the settings could not be saved, those before them stay: {error}"
            ));
        }
    }

    /// Ends [`run`](Self::run), which lets attempts under way finish; no attempt starts from now on.
    pub fn stop(&self) {
        self.0.stopped.set(true);
        self.0.tasks.bell().ring();
    }

    /// Changes the book as `change` says and commits that, together with nothing else; `None` from
    /// it changes nothing. The answer of `change` is given back once the store has it.
    pub(crate) async fn change_book<T>(
        &self,
        change: impl FnOnce(&Book, &mut dyn FnMut() -> Key) -> (Option<Book>, T),
    ) -> Result<T, CommitError> {
        let inner = &*self.0;
        let _writing = inner.writing.lock().await;
        let (book, settings) = {
            let state = inner.state.borrow();
            (state.book.clone(), state.settings.clone())
        };
        let (next, answer) = change(&book, &mut || inner.next_key());
        if let Some(next) = next {
            self.commit_book(Vec::new(), &book, next, settings).await?;
        }
        Ok(answer)
    }

    async fn read_format(&self) -> Result<Option<()>, LoadError> {
        let format = self
            .0
            .host
            .get(record::FORMAT)
            .await
            .map_err(|error| LoadError::Store(error.0))?;
        let Some(format) = format else {
            return Ok(None);
        };
        record::decode::<FormatRecord>(record::FORMAT, &format).map_err(LoadError::Unreadable)?;
        Ok(Some(()))
    }

    async fn open_store(&self, settings: &str) -> Result<(), LoadError> {
        let inner = &*self.0;
        let failed = |error: crate::host::StorageFailed| LoadError::Store(error.0);
        if let Some(value) = inner.host.get(record::LAST_KEY).await.map_err(failed)? {
            let last: LastKeyRecord =
                record::decode(record::LAST_KEY, &value).map_err(LoadError::Unreadable)?;
            inner
                .last_key
                .set(Key::parse(&last.key).unwrap_or(Key::ZERO));
        }
        let mut kept = Settings::default();
        if let Some(value) = inner.host.get(record::SETTINGS).await.map_err(failed)? {
            let record: SettingsRecord =
                record::decode(record::SETTINGS, &value).map_err(LoadError::Unreadable)?;
            kept = Settings::restored(record.settings);
        }
        let mut book = Book::default();
        if let Some(value) = inner.host.get(record::BOOK).await.map_err(failed)? {
            book.restore(record::BOOK, &value)
                .map_err(LoadError::Unreadable)?;
        }
        for prefix in [record::SUBSCRIPTIONS, record::REMOVALS] {
            let mut after = None;
            loop {
                let page = inner
                    .host
                    .scan(prefix, after.as_deref(), PAGE)
                    .await
                    .map_err(failed)?;
                for (key, value) in &page {
                    book.restore(key, value).map_err(LoadError::Unreadable)?;
                }
                match page.into_iter().next_back() {
                    Some((key, _)) => after = Some(key),
                    None => break,
                }
            }
        }
        {
            inner.outbox.borrow_mut().open(book.ids());
            let mut state = inner.state.borrow_mut();
            state.settings = kept.clone();
            state.book = book;
        }
        let next = self.read_settings(&kept, settings).unwrap_or(kept);
        self.adopt(next)
            .await
            .map_err(|error| LoadError::Store(error.to_string()))
    }

    /// Makes the first records, from the first settings that can be read.
    async fn begin_store(&self, settings: &str) -> Result<(), CommitError> {
        let inner = &*self.0;
        let Some(settings) = self.read_settings(&Settings::default(), settings) else {
            inner.state.borrow_mut().awaits_settings = true;
            inner.warn(
                "the store is empty and there are no settings: POST and DELETE wait for them",
            );
            return Ok(());
        };
        let mut rebuilt = Book::default();
        if let Some(saved) = &settings.saved {
            rebuilt = Book::rebuilt(saved, &mut || inner.next_key());
            inner.warn(
                "the store was lost; what POST and DELETE made is rebuilt from saved_subscriptions",
            );
        }
        let next = rebuilt.with_listing(&settings.listing, &mut || inner.next_key());
        let first = vec![
            record::put(record::FORMAT.to_owned(), &FormatRecord { v: Version }),
            settings_record(&settings),
        ];
        self.commit_book(first, &Book::default(), next, settings)
            .await?;
        inner.state.borrow_mut().awaits_settings = false;
        Ok(())
    }

    /// Reads settings, and reports what cannot be taken; `None` if that is all of it.
    fn read_settings(&self, previous: &Settings, settings: &str) -> Option<Settings> {
        match previous.updated(settings) {
            Ok((next, problems)) => {
                for problem in problems.iter().chain(&next.listing.unreadable) {
                    self.0.warn(problem);
                }
                Some(next)
            }
            Err(problem) => {
                self.0.warn(&problem);
                None
            }
        }
    }

    /// Makes `next` the settings. The caller is the only writer of the book.
    async fn adopt(&self, next: Settings) -> Result<(), CommitError> {
        let inner = &*self.0;
        let (previous, book) = {
            let state = inner.state.borrow();
            (state.settings.clone(), state.book.clone())
        };
        let next_book = book.with_listing(&next.listing, &mut || inner.next_key());
        let mut changes = Vec::new();
        if previous.to_json() != next.to_json() {
            changes.push(settings_record(&next));
        }
        let rev = next.saved.as_ref().map_or(0, |saved| saved.rev);
        self.commit_book(changes, &book, next_book, next).await?;
        self.saved_copy_came_back(rev);
        Ok(())
    }

    /// Commits `changes` and what leads from `book` to `next`, then lets memory follow.
    async fn commit_book(
        &self,
        mut changes: Vec<Change>,
        book: &Book,
        next: Book,
        settings: Settings,
    ) -> Result<(), CommitError> {
        let inner = &*self.0;
        changes.extend(book.changes_to(&next));
        if !changes.is_empty() {
            changes.push(inner.last_key_record());
            inner.host.commit(changes).await?;
        }
        let changed = next.rev() != book.rev();
        let subscriptions: BTreeMap<_, _> = next
            .subscriptions(&settings.egress)
            .map(|subscription| (subscription.id, subscription))
            .collect();
        let gone: Vec<_> = book
            .ids()
            .filter(|id| !subscriptions.contains_key(id))
            .collect();
        {
            let mut state = inner.state.borrow_mut();
            state.subscriptions = Rc::new(subscriptions);
            state.settings = settings;
            state.book = next;
        }
        for id in gone {
            self.drop_deliveries(id);
        }
        inner.report_subscriptions();
        inner.tasks.bell().ring();
        if changed {
            self.save_book();
        }
        Ok(())
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

    /// Tells the log and the operators.
    pub(crate) fn warn(&self, message: &str) {
        self.host.log(Level::Warn, message, &[]);
        self.report.error(message);
        self.tasks.bell().ring();
    }

    fn report_subscriptions(&self) {
        let state = self.state.borrow();
        let readable = state.subscriptions.values().map(|subscription| {
            match &subscription.refused {
                None => json!({"webhook": subscription.url.to_string(), "state": "active"}),
                Some(why) => {
                    json!({"webhook": subscription.url.to_string(), "state": "refused", "why": why})
                }
            }
        });
        let unreadable = state
            .book
            .unreadable()
            .iter()
            .map(|why| json!({"state": "refused", "why": why}));
        self.report.set(
            "subscriptions",
            &readable.chain(unreadable).collect::<Vec<_>>(),
        );
    }
}

fn settings_record(settings: &Settings) -> Change {
    record::put(
        record::SETTINGS.to_owned(),
        &SettingsRecord {
            v: Version,
            settings: settings.to_json(),
        },
    )
}
