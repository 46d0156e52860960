//! The one writer of the book and the settings: changes queue, and memory follows the commit.
//!
//! A commit that failed may still have been made. The book in memory is then unsure: it is read from
//! the store again before the next change, and by itself as soon as the store answers.

use std::rc::Rc;

use crate::book::Book;
use crate::driver::{Driver, Inner, LoadError, STORE_PAUSE};
use crate::host::{Change, CommitError, Host, StorageFailed};
use crate::key::Key;
use crate::pages::Pages;
use crate::record::{self, FormatRecord, LastKeyRecord, SettingsRecord, Version};
use crate::settings::Settings;
use crate::sorted::{SortedMap, SortedSet};

/// Why the book cannot be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Store(#[from] StorageFailed),
    #[error("{0}")]
    Unreadable(String),
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => Self::Store(error.0),
            ReadError::Unreadable(why) => Self::Unreadable(why),
        }
    }
}

impl From<ReadError> for CommitError {
    fn from(error: ReadError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Reads the store of an earlier instance, or makes the first records of one.
    pub(crate) async fn open(&self, settings: &str) -> Result<(), LoadError> {
        let inner = &*self.0;
        let failed = |error: CommitError| LoadError::Store(error.to_string());
        let format = inner.read::<FormatRecord>(record::FORMAT).await?;
        // Also of a store that has yet to begin: unlocks are recorded before any settings come.
        if let Some(last) = inner.read::<LastKeyRecord>(record::LAST_KEY).await? {
            let last = Key::parse(&last.key).filter(|last| last.leaves_room());
            let last =
                last.ok_or_else(|| LoadError::Unreadable("the last key is none".to_owned()))?;
            inner.last_key.set(last);
            inner.left_to.set(last);
        }
        if format.is_none() {
            let kept = inner.read::<SettingsRecord>(record::SETTINGS).await?;
            if kept.is_some() || inner.read_book().await? != Book::default() {
                let why = "it has settings or subscriptions, but not the record of its format";
                return Err(LoadError::Unreadable(why.to_owned()));
            }
            return self.begin_store(settings).await.map_err(failed);
        }
        let kept = inner.read_settings().await?;
        let book = inner.read_book().await?;
        self.open_outbox(book.ids())
            .await
            .map_err(ReadError::from)?;
        {
            let mut state = inner.state.borrow_mut();
            state.settings = kept.clone();
            state.book = book;
        }
        let next = self.updated(&kept, settings).unwrap_or(kept);
        self.adopt(next).await.map_err(failed)
    }

    /// Takes new settings. The caller has the turn to write.
    pub(crate) async fn take_settings(&self, settings: &str) -> Result<(), CommitError> {
        if self.0.state.borrow().awaits_settings {
            return self.begin_store(settings).await;
        }
        let previous = self.0.stored_settings().await?;
        match self.updated(&previous, settings) {
            Some(next) => self.adopt(next).await,
            None => Ok(()),
        }
    }

    /// Changes the book as `change` says; `None` from it changes nothing. What else it returns is
    /// given back once the store has the change.
    pub(crate) async fn change_book<T>(
        &self,
        change: impl FnOnce(&Book, &mut dyn FnMut() -> Key) -> (Option<Book>, T),
    ) -> Result<T, CommitError> {
        let inner = &*self.0;
        let _turn = inner.writing.lock().await;
        let stored = inner.stored_book().await?;
        let settings = inner.stored_settings().await?;
        let book = stored.with_listing(&settings.listing, &mut || inner.next_key());
        let (next, answer) = change(&book, &mut || inner.next_key());
        self.commit_book(Vec::new(), &stored, next.unwrap_or(book), settings)
            .await?;
        Ok(answer)
    }

    /// Makes the first records, from the first settings that can be read.
    async fn begin_store(&self, settings: &str) -> Result<(), CommitError> {
        let inner = &*self.0;
        let Some(settings) = self.updated(&Settings::default(), settings) else {
            inner.state.borrow_mut().awaits_settings = true;
            inner.warn(
                "the store is empty and there are no settings: POST and DELETE wait for them",
            );
            return Ok(());
        };
        // Empty, unless a commit of this same call was made and its answer lost.
        let stored = inner.stored_book().await?;
        let mut rebuilt = stored.clone();
        if let Some(saved) = settings
            .saved
            .as_ref()
            .filter(|_| stored == Book::default())
        {
            rebuilt = Book::rebuilt(saved, &mut || inner.next_key());
            inner.warn(
                "the store was lost; what POST and DELETE made is rebuilt from saved_subscriptions",
            );
        }
        let next = rebuilt.with_listing(&settings.listing, &mut || inner.next_key());
        let first = vec![record::put(
            record::FORMAT.to_owned(),
            &FormatRecord { v: Version },
        )];
        self.commit_book(first, &stored, next, settings).await?;
        inner.state.borrow_mut().awaits_settings = false;
        Ok(())
    }

    /// Makes `next` the settings.
    async fn adopt(&self, next: Settings) -> Result<(), CommitError> {
        let inner = &*self.0;
        let stored = inner.stored_book().await?;
        let book = stored.with_listing(&next.listing, &mut || inner.next_key());
        let rev = next.saved.as_ref().map_or(0, |saved| saved.rev);
        self.commit_book(Vec::new(), &stored, book, next).await?;
        self.saved_copy_came_back(rev);
        Ok(())
    }

    /// Commits `changes`, what leads from `stored` to `next`, and `settings` if the store may hold
    /// others; then lets memory follow.
    async fn commit_book(
        &self,
        mut changes: Vec<Change>,
        stored: &Book,
        next: Book,
        settings: Settings,
    ) -> Result<(), CommitError> {
        let inner = &*self.0;
        changes.extend(stored.changes_to(&next));
        let with_settings = {
            let state = inner.state.borrow();
            state.settings_unsure || state.settings.to_json() != settings.to_json()
        };
        if with_settings {
            changes.push(settings_record(&settings));
        }
        if !changes.is_empty() {
            changes.push(inner.last_key_record());
            if let Err(error) = inner.host.commit(changes).await {
                inner.state.borrow_mut().settings_unsure |= with_settings;
                self.make_sure_later();
                return Err(error);
            }
        }
        let subscriptions: SortedMap<_, _> = next
            .subscriptions(&settings.egress)
            .map(|subscription| (subscription.id, subscription))
            .collect();
        let (gone, changed) = {
            let mut state = inner.state.borrow_mut();
            let known = state.book.ids().chain(stored.ids());
            let gone: SortedSet<_> = known.filter(|id| !subscriptions.contains_key(id)).collect();
            let changed = state.book.rev() != next.rev();
            state.subscriptions = Rc::new(subscriptions);
            state.settings = settings;
            state.book = next;
            state.unsure = false;
            state.settings_unsure = false;
            (gone, changed)
        };
        for id in gone.iter() {
            self.drop_deliveries(*id);
        }
        self.admit_subscriptions();
        inner.made.forget();
        inner.touch();
        inner.tasks.bell().ring();
        if changed {
            self.save_book();
        }
        Ok(())
    }

    /// A commit failed that may have been made: finds out, in the background.
    fn make_sure_later(&self) {
        if std::mem::replace(&mut self.0.state.borrow_mut().unsure, true) {
            return;
        }
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            loop {
                driver.0.host.sleep(STORE_PAUSE).await;
                let (unsure, awaits_settings) = {
                    let state = driver.0.state.borrow();
                    (state.unsure, state.awaits_settings)
                };
                if !unsure {
                    break;
                }
                if awaits_settings {
                    // The call that brings them tries again itself.
                    continue;
                }
                // What goes wrong with it was told when the commit failed.
                let _ = driver.change_book(|_, _| (None, ())).await;
            }
        });
    }

    /// Reads settings, and reports what cannot be taken; `None` if that is all of it.
    fn updated(&self, previous: &Settings, settings: &str) -> Option<Settings> {
        match previous.updated(settings) {
            Ok((next, problems)) => {
                let saved = next.saved.iter().flat_map(|saved| &saved.unreadable);
                for problem in problems.iter().chain(&next.listing.unreadable).chain(saved) {
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
}

impl<H: Host> Inner<H> {
    /// The book as the store has it.
    async fn stored_book(&self) -> Result<Book, ReadError> {
        let (book, unsure) = {
            let state = self.state.borrow();
            (state.book.clone(), state.unsure)
        };
        if unsure {
            self.read_book().await
        } else {
            Ok(book)
        }
    }

    /// The settings as the store has them.
    async fn stored_settings(&self) -> Result<Settings, ReadError> {
        let (settings, unsure) = {
            let state = self.state.borrow();
            (state.settings.clone(), state.settings_unsure)
        };
        if unsure {
            self.read_settings().await
        } else {
            Ok(settings)
        }
    }

    async fn read_settings(&self) -> Result<Settings, ReadError> {
        let kept = self.read::<SettingsRecord>(record::SETTINGS).await?;
        Ok(kept.map_or_else(Settings::default, |kept| Settings::restored(kept.settings)))
    }

    async fn read_book(&self) -> Result<Book, ReadError> {
        let mut book = Book::default();
        if let Some(value) = self.host.get(record::BOOK).await? {
            book.restore(record::BOOK, &value)
                .map_err(ReadError::Unreadable)?;
        }
        for prefix in [record::SUBSCRIPTIONS, record::REMOVALS] {
            let mut pages = Pages::of(prefix);
            while let Some(page) = pages.next(&self.host).await? {
                for (key, value) in &page {
                    book.restore(key, value).map_err(ReadError::Unreadable)?;
                }
            }
        }
        Ok(book)
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, ReadError> {
        let Some(value) = self.host.get(key).await? else {
            return Ok(None);
        };
        record::decode(key, &value)
            .map(Some)
            .map_err(ReadError::Unreadable)
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
