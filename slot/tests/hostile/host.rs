//! What the hostile component may use: a real store, and all else pretended. It can be held, so that what
//! was asked stays under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use placeos_slot::host::doors::{Door, Doors, Outcome};
use placeos_slot::host::http::{Http, Post, PostAnswer, PostFailure};
use placeos_slot::host::log::{Level, Log};
use placeos_slot::host::random::SystemRandom;
use placeos_slot::host::settings::Settings;
use placeos_slot::host::status::Latest;
use placeos_slot::host::storage::{Change, CommitError, Record, Storage};
use placeos_slot::host::store::Store;
use placeos_slot::host::{Answer, Capabilities};
use rig::program::until;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::clock::ManualClock;

/// A message, and its fields.
pub(crate) type Line = (String, Vec<(String, String)>);

/// Clones are the same host.
#[derive(Clone)]
pub(crate) struct Host(Arc<Inner>);

struct Inner {
    store: Store,
    _folder: TempDir,
    status: Arc<Latest>,
    clock: ManualClock,
    is_held: watch::Sender<bool>,
    /// Calls that came while it was held.
    begun: AtomicUsize,
    lines: Mutex<Vec<Line>>,
    posts: Mutex<Vec<Post>>,
}

impl Host {
    pub(crate) fn new(clock: ManualClock) -> Self {
        let folder = TempDir::new().unwrap();
        Self(Arc::new(Inner {
            store: Store::open(folder.path()).unwrap(),
            _folder: folder,
            status: Arc::default(),
            clock,
            is_held: watch::Sender::new(false),
            begun: AtomicUsize::new(0),
            lines: Mutex::default(),
            posts: Mutex::default(),
        }))
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        let this = Arc::new(self.clone());
        Capabilities {
            storage: this.clone(),
            http: this.clone(),
            doors: this.clone(),
            status: self.0.status.clone(),
            settings: this.clone(),
            clock: Arc::new(self.0.clock.clone()),
            random: Arc::new(SystemRandom),
            log: this,
        }
    }

    /// Answers nothing from now on.
    pub(crate) fn hold(&self) {
        self.0.is_held.send_replace(true);
    }

    /// Answers all that was asked.
    pub(crate) fn let_go(&self) {
        self.0.is_held.send_replace(false);
    }

    /// Waits until the component says that it has begun all that it wants; how many calls came here.
    pub(crate) async fn begun(&self) -> usize {
        until("all has begun", async || self.0.status.get("begun")).await;
        self.0.begun.load(Ordering::Relaxed)
    }

    /// The lines that were logged, with their fields, since the last call.
    pub(crate) fn lines(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lines.lock().unwrap())
    }

    /// The POSTs that were sent.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.0.posts.lock().unwrap().clone()
    }

    /// What `call` answers, when this is not held.
    fn answer<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let mut is_held = self.0.is_held.subscribe();
        if *is_held.borrow() {
            self.0.begun.fetch_add(1, Ordering::Relaxed);
        }
        async move {
            is_held.wait_for(|is_held| !is_held).await.unwrap();
            call().await
        }
        .boxed()
    }
}

impl Storage for Host {
    fn get(&self, key: String) -> Answer<Result<Option<Vec<u8>>, String>> {
        let store = self.0.store.clone();
        self.answer(move || store.get(key))
    }

    fn scan(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Result<Vec<Record>, String>> {
        let store = self.0.store.clone();
        self.answer(move || store.scan(prefix, after, limit))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<Result<(), CommitError>> {
        let store = self.0.store.clone();
        self.answer(move || store.commit(changes))
    }
}

impl Http for Host {
    fn post(&self, post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        self.0.posts.lock().unwrap().push(post);
        self.answer(|| {
            let answer = PostAnswer {
                status: 200,
                headers: Vec::new(),
                body: Vec::new(),
            };
            async { Ok(answer) }.boxed()
        })
    }

    fn check(&self, _url: String) -> Answer<Result<(), String>> {
        self.answer(|| async { Ok(()) }.boxed())
    }
}

impl Doors for Host {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        self.answer(|| async { Ok(vec!["system".to_owned()]) }.boxed())
    }

    fn list(&self, _system: String) -> Answer<Result<Vec<Door>, String>> {
        self.answer(|| async { Ok(Vec::new()) }.boxed())
    }

    fn unlock(
        &self,
        _system: String,
        _door: String,
        _caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        self.answer(|| async { Ok(Outcome::Unlocked) }.boxed())
    }
}

impl Settings for Host {
    fn save(&self, _name: String, _json: String) -> Answer<Result<(), String>> {
        self.answer(|| async { Ok(()) }.boxed())
    }
}

impl Log for Host {
    fn log(&self, _level: Level, message: &str, fields: &[(String, String)]) {
        let line = (message.to_owned(), fields.to_vec());
        self.0.lines.lock().unwrap().push(line);
    }
}
