//! Keeps an instance up: when one traps, its calls are answered, and another is loaded.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::host::Capabilities;

use super::State;
use super::calls::{CallError, Command, EventError};
use super::instance::{self, Call, End, Offered, Work};
use super::prepared::Prepared;

/// The first wait before another instance is loaded; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An instance that was ready for this long makes the wait short again.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// Runs a module. Dropping it ends the instance at once.
pub struct Supervisor {
    prepared: Prepared,
    capabilities: Capabilities,
    settings: String,
    queue: mpsc::UnboundedReceiver<Command>,
    report: watch::Sender<State>,
    memory: Arc<AtomicUsize>,
    /// Events that no instance has answered yet.
    again: Vec<Offered>,
    pause: Duration,
    on_restart: Box<dyn FnMut() + Send>,
}

impl Supervisor {
    pub(super) fn new(
        prepared: Prepared,
        capabilities: Capabilities,
        settings: String,
        queue: mpsc::UnboundedReceiver<Command>,
        report: watch::Sender<State>,
        memory: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            prepared,
            capabilities,
            settings,
            queue,
            report,
            memory,
            again: Vec::new(),
            pause: FIRST_PAUSE,
            on_restart: Box::new(|| {}),
        }
    }

    /// Calls `then` each time that another instance is about to be loaded because one has failed.
    pub fn on_restart(mut self, then: impl FnMut() + Send + 'static) -> Self {
        self.on_restart = Box::new(then);
        self
    }

    /// Runs until [`Module::stop`](super::Module::stop), or until nobody holds the module any more.
    pub async fn run(mut self) {
        loop {
            let mut calls = HashMap::new();
            let (mut is_loaded, mut is_stopping) = (false, false);
            let (report, clock) = (&self.report, Arc::clone(&self.capabilities.clock));
            let mut ready_at = None;
            let end = instance::live(
                &self.prepared,
                self.capabilities.clone(),
                Work {
                    settings: &mut self.settings,
                    queue: &mut self.queue,
                    calls: &mut calls,
                    again: &mut self.again,
                    is_loaded: &mut is_loaded,
                    is_stopping: &mut is_stopping,
                    memory: &self.memory,
                    ready: &mut || {
                        ready_at = Some(clock.elapsed());
                        report.send_replace(State::Ready);
                    },
                },
            )
            .await;
            let why = match end {
                End::Stopped => break,
                End::NotLoaded(why) | End::Trapped(why) => why,
            };
            tracing::error!(reason = %why, pause = ?self.pause, "the module has ended");
            // Before anybody is answered: who repeats a request then must not find the module ready.
            self.report.send_replace(State::Down(why.clone()));
            self.take_over(calls);
            if is_stopping {
                break;
            }
            if !is_loaded {
                // The next one may not load either: nobody should wait for that.
                self.give_up_events(&why);
            }
            let is_steady = |ready_at| clock.elapsed().saturating_sub(ready_at) >= STEADY_AFTER;
            if ready_at.is_some_and(is_steady) {
                self.pause = FIRST_PAUSE;
            }
            if self.wait().await.is_none() {
                break;
            }
            (self.on_restart)();
            self.report.send_replace(State::Starting);
        }
        self.give_up_events("the module has ended");
        self.report.send_replace(State::Ended);
    }

    /// Answers the calls that a trap has ended, and keeps the events among them.
    fn take_over(&mut self, calls: HashMap<u64, Call>) {
        // An instance that was offered one event alone has trapped over that one. If it was being
        // set aside even that failed, and it cannot be kept.
        if let Some(index) = self.again.iter().position(|offered| offered.is_under_way) {
            if self.again[index].to_set_aside {
                let offered = self.again.remove(index);
                tracing::error!(id = %offered.offer.id, "an event cannot be kept: the module fails on it");
                let unsaved = EventError::Unsaved("the module fails on this event".to_owned());
                offered.offer.reply.send(Err(unsaved));
            } else {
                self.again[index].to_set_aside = true;
                self.again[index].is_under_way = false;
            }
        }
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|(id, _)| *id);
        for (_, call) in calls {
            match call {
                Call::Request { request, reply } => reply.send(request.when_trapped()),
                Call::Event(offer) => {
                    self.again.push(Offered {
                        offer,
                        to_set_aside: false,
                        is_under_way: false,
                    });
                }
                Call::Function { reply } => reply.send(Err(CallError::when_trapped())),
                // The next instance is loaded with these settings.
                Call::Update { reply } => reply.send(()),
            }
        }
    }

    /// Waits before another instance is loaded; `None` if none is wanted any more. Requests are
    /// answered meanwhile, events wait.
    async fn wait(&mut self) -> Option<()> {
        let mut pause = self.capabilities.clock.sleep(self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        loop {
            let command = tokio::select! {
                biased;
                () = &mut pause => return Some(()),
                command = self.queue.recv() => command?,
            };
            match command {
                Command::Request { request, reply, .. } => reply.send(request.when_down()),
                Command::Event(offer) => {
                    self.again.push(Offered {
                        offer,
                        to_set_aside: false,
                        is_under_way: false,
                    });
                }
                Command::Function { reply, .. } => reply.send(Err(CallError::when_down())),
                Command::Update { settings, reply } => {
                    self.settings = settings;
                    reply.send(());
                }
                Command::Stop => return None,
            }
        }
    }

    fn give_up_events(&mut self, why: &str) {
        for offered in self.again.drain(..) {
            let unsaved = EventError::Unsaved(why.to_owned());
            offered.offer.reply.send(Err(unsaved));
        }
    }
}
