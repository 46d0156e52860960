//! One module in the process: its instance, its records, its channel.
//!
//! It listens first, then takes the records over, then loads. So while core moves a module, the new
//! instance hears every event that the old one can save no more.

use std::sync::Arc;
use std::time::Duration;

use placeos_wire::Model;
use placeos_wire::exec::Call;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::answer::Owed;
use super::attendance::Attendance;
use super::intake::Intake;
use super::link::Link;
use super::log::ModuleLog;
use super::metadata;
use super::obeyed::{Obeyed, obey};
use super::redis::{
    Lookups, Promise, Redis, RedisStatus, RedisStore, Standing, StatusWriter, Subscriptions, UNREAD,
};
use super::settings::CoreSettings;
use super::webhook::{too_large, triple};
use crate::connector::resolver::Resolve;
use crate::connector::tls::Roots;
use crate::host::Capabilities;
use crate::host::clock::{Clock, SystemClock};
use crate::host::random::{Random, SystemRandom};
use crate::host::status::Status;
use crate::module::{CallError, Manifest, Module, Prepared, Request};

/// How long a call waits for a module that is not loaded yet.
const LOADING: Duration = Duration::from_secs(5);
/// How long a call may take. Each has its own, much shorter limits; this one is for what has none.
const CALL: Duration = Duration::from_secs(60);
/// How long Redis is left alone when it failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long another instance that is alive has, before its records are taken over.
const SETTLE: Duration = Duration::from_millis(500);
/// How long the last events may take to be saved when the module is stopped, how long then the
/// module may take to end, and how long the last words to Redis. Core waits ten seconds in all.
const LAST_EVENTS: Duration = Duration::from_secs(2);
const LAST_ATTEMPTS: Duration = Duration::from_secs(4);
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What the modules of a process share.
pub(super) struct Site {
    pub(super) link: Link,
    pub(super) redis: Redis,
    pub(super) subscriptions: Subscriptions,
    pub(super) lookups: Arc<Lookups>,
    pub(super) driver: Prepared,
    pub(super) manifest: Manifest,
    pub(super) roots: Roots,
    pub(super) resolver: Arc<dyn Resolve>,
}

/// A module that core has started.
pub(super) struct Slot {
    site: Arc<Site>,
    models: watch::Sender<Model>,
    /// `None` until it is being loaded.
    module: watch::Receiver<Option<Module>>,
    stop: watch::Sender<bool>,
    started_again: Arc<Notify>,
    log: Arc<ModuleLog>,
    living: JoinHandle<()>,
}

impl Slot {
    /// Starts a module; must be called in a runtime.
    pub(super) fn start(site: Arc<Site>, id: String, model: Model) -> Self {
        let log = Arc::new(ModuleLog::new(id.clone(), site.link.clone()));
        let (models, model) = watch::channel(model);
        let (publish, module) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let started_again = Arc::new(Notify::new());
        let span = tracing::info_span!("module", id);
        let life = Life {
            site: Arc::clone(&site),
            id,
            model,
            publish,
            stopped,
            started_again: Arc::clone(&started_again),
            log: Arc::clone(&log),
        };
        Self {
            living: tokio::spawn(life.live().instrument(span)),
            site,
            models,
            module,
            stop,
            started_again,
            log,
        }
    }

    /// Core starts a module that is here: one that gave its records up takes them over again.
    pub(super) fn start_again(&self) {
        self.started_again.notify_one();
    }

    /// The model is now this.
    pub(super) fn update(&self, model: Model) {
        self.models.send_replace(model);
    }

    /// Whether core wants to have the log.
    pub(super) fn watch(&self, is_watched: bool) {
        self.log.watch(is_watched);
    }

    /// Calls a function. The answer is given in any case.
    pub(super) fn exec(&self, payload: &str, caller: Option<String>, mut answer: Owed) {
        let call = match Call::parse(payload, &self.site.manifest) {
            Ok(call) => call,
            Err(error) => return answer.fail(error.class(), &error.to_string()),
        };
        if let Call::Request(webhook) = &call
            && let Some(refusal) = too_large(webhook)
        {
            return answer.give(triple(refusal));
        }
        let mut module = self.module.clone();
        tokio::spawn(async move {
            let loading = timeout(LOADING, module.wait_for(Option::is_some)).await;
            let module = loading
                .ok()
                .and_then(Result::ok)
                .and_then(|module| module.clone());
            match call {
                Call::Request(webhook) => {
                    let request = Request {
                        caller,
                        method: webhook.method,
                        headers: webhook.headers,
                        body: webhook.body,
                    };
                    // Also if all else fails, a webhook gets a triple.
                    answer.otherwise(triple(request.when_trapped()));
                    answer.give(triple(respond(module, request).await));
                }
                Call::Function { name, arguments } => {
                    match function(module, name, arguments).await {
                        Ok(json) => answer.give(json),
                        Err(error) => answer.fail(class(&error), &error.to_string()),
                    }
                }
            }
        });
    }

    /// Stops the module. It goes on to end after this has returned.
    pub(super) fn stop(self) -> JoinHandle<()> {
        self.stop.send_replace(true);
        self.living
    }
}

async fn respond(module: Option<Module>, request: Request) -> crate::module::Response {
    let Some(module) = module else {
        return request.when_down();
    };
    let late = request.when_trapped();
    timeout(CALL, module.request(request)).await.unwrap_or(late)
}

async fn function(
    module: Option<Module>,
    name: String,
    arguments: String,
) -> Result<String, CallError> {
    let module = module.ok_or_else(CallError::when_down)?;
    let answer = timeout(CALL, module.call(name, arguments)).await;
    answer.map_err(|_| CallError::Failed("no answer in time".to_owned()))?
}

/// The error's class in Crystal.
fn class(error: &CallError) -> &'static str {
    match error {
        CallError::Unknown | CallError::Invalid(_) => "ArgumentError",
        CallError::Failed(_) => "Exception",
    }
}

/// A module from its start to its stop.
struct Life {
    site: Arc<Site>,
    id: String,
    model: watch::Receiver<Model>,
    publish: watch::Sender<Option<Module>>,
    stopped: watch::Receiver<bool>,
    started_again: Arc<Notify>,
    log: Arc<ModuleLog>,
}

impl Life {
    async fn live(mut self) {
        let instance = hex::encode(SystemRandom.bytes(16));
        let (to, heard) = mpsc::channel(UNREAD);
        let mut settings = Obeyed::new(
            Arc::clone(&self.site),
            &self.id,
            &self.model.borrow().clone(),
            Arc::clone(&self.log),
            to,
        );
        let (tell, missed) = mpsc::unbounded_channel();
        let mut intake = Intake::new(self.site.redis.clone(), self.id.clone(), heard, tell);
        let status = RedisStatus::default();
        let mut stopped = self.stopped.clone();
        let stopped = async {
            // Who holds the other end drops it only after a stop.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        tokio::pin!(stopped);
        tokio::select! {
            biased;
            () = &mut stopped => {
                drop(settings);
                let _ = timeout(LAST_WORDS, intake.hand_over()).await;
                return;
            }
            () = settings.current.confirmed() => {}
        }
        let since = SystemClock::default().now();
        let attendance = Attendance::new(self.site.redis.clone(), &self.id, &instance);
        if let Ok(true) = attendance.has_other(since).await {
            // What only that one has heard it shall save.
            sleep(SETTLE).await;
        }
        let hearing = self.site.subscriptions.hearing();
        let mut attending = JoinSet::new();
        let attend = attendance
            .clone()
            .run(since, hearing, missed, status.clone());
        attending.spawn(attend.in_current_span());
        let mut is_owner = true;
        loop {
            let end = tokio::select! {
                biased;
                () = &mut stopped => None,
                end = self.run(&instance, &status, &mut settings, &mut intake) => Some(end),
            };
            match end {
                None => break,
                // Loaded anew, it makes of its settings what is left.
                Some(Standing::Owner | Standing::Forgotten) => {}
                Some(Standing::Lost) => tokio::select! {
                    biased;
                    () = &mut stopped => {
                        is_owner = false;
                        break;
                    }
                    () = self.started_again.notified() => {}
                    () = intake.hand_over() => {}
                },
            }
        }
        // Nothing more is heard from here on.
        drop(settings);
        let now = SystemClock::default().now();
        if is_owner {
            self.save(&mut intake).await;
        }
        if timeout(LAST_WORDS, intake.hand_over()).await.is_err() {
            tracing::error!("the last events could be neither saved nor left to another instance");
        }
        drop(attending);
        let _ = timeout(LAST_WORDS, attendance.end(now)).await;
    }

    /// Owns the records and runs the module on them, until it does not own them any more.
    async fn run(
        &mut self,
        instance: &str,
        status: &RedisStatus,
        settings: &mut Obeyed,
        intake: &mut Intake,
    ) -> Standing {
        let site = Arc::clone(&self.site);
        let store = loop {
            // A token for each time: what an earlier time has under way is refused.
            let owner = format!("{instance}.{}", hex::encode(SystemRandom.bytes(4)));
            match RedisStore::claim(site.redis.clone(), &self.id, owner).await {
                Ok(store) => break store,
                Err(_) => sleep(PAUSE).await,
            }
        };
        let _showing = self.show(status);
        let mut standing = store.standing();
        settings.obey(&self.model.borrow_and_update().clone());
        let capabilities = Capabilities {
            storage: Arc::new(store),
            http: Arc::new(settings.way_out.clone()),
            doors: Arc::new(settings.doors.clone()),
            status: Arc::new(status.clone()),
            settings: Arc::new(CoreSettings {
                module: self.id.clone(),
                link: site.link.clone(),
            }),
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            log: self.log.clone(),
        };
        let mut models = self.model.clone();
        let begin_with = models.borrow_and_update().settings.clone();
        let (module, supervisor) = Module::of(&site.driver, capabilities, begin_with);
        let supervised = tokio::spawn(supervisor.run().in_current_span());
        self.publish.send_replace(Some(module.clone()));
        // Of settings that come while others are being saved, the last ones count.
        let updates = async {
            while models.changed().await.is_ok() {
                let settings = models.borrow_and_update().settings.clone();
                module.update(settings).await;
            }
            std::future::pending::<()>().await;
        };
        let end = tokio::select! {
            changed = standing.wait_for(|standing| *standing != Standing::Owner) => {
                changed.map_or(Standing::Owner, |standing| *standing)
            }
            () = obey(settings, &mut self.model) => Standing::Owner,
            () = updates => Standing::Owner,
            () = intake.run(&module) => Standing::Owner,
            _ = supervised => {
                tracing::error!("the module has ended by itself");
                Standing::Owner
            }
        };
        if timeout(LAST_ATTEMPTS, module.stop()).await.is_err() {
            tracing::warn!("the module did not end in time");
        }
        end
    }

    /// Shows what the module is and how it is, for as long as the answer is kept.
    fn show(&self, status: &RedisStatus) -> JoinSet<()> {
        let site = &self.site;
        status.set("connected", "true");
        let notes = self.model.borrow().notes.clone();
        let mut writer = StatusWriter::new(
            site.redis.clone(),
            self.id.clone(),
            metadata::interface(&site.manifest, notes.as_deref()),
            status.clone(),
        );
        let write = async move {
            while writer.begin().await.is_err() {
                sleep(PAUSE).await;
            }
            writer.run().await;
        };
        let durability = watch_durability(site.redis.clone(), status.clone());
        let mut showing = JoinSet::new();
        showing.spawn(write.in_current_span());
        showing.spawn(durability.in_current_span());
        showing
    }

    /// Saves what was heard, and ends the module.
    async fn save(&self, intake: &mut Intake) {
        let Some(module) = self.publish.borrow().clone() else {
            return;
        };
        if timeout(LAST_EVENTS, intake.run(&module)).await.is_err() {
            tracing::warn!("the last events could not be saved in time");
        }
        if timeout(LAST_ATTEMPTS, module.stop()).await.is_err() {
            tracing::warn!("the module did not end in time; the next start takes up what it left");
        }
    }
}

/// Tells, for each connection, what Redis makes of what it acknowledges. Never ends.
async fn watch_durability(redis: Redis, status: RedisStatus) {
    let mut connected = redis.connected();
    loop {
        if connected.borrow_and_update().is_some() {
            match Promise::read(&redis).await {
                Ok(promise) => {
                    promise.warn();
                    status.set("durability", &Value::from(promise.to_string()).to_string());
                }
                // A server may keep its configuration to itself.
                Err(_) => status.set("durability", "\"unknown\""),
            }
        }
        if connected.changed().await.is_err() {
            return;
        }
    }
}
