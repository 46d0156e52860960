//! A driver in its sandbox: one long-lived instance, many calls in flight, restarted when it traps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot, watch};

use crate::host::Capabilities;
use crate::host::random::Random;

pub(crate) mod bounds;
mod calls;
mod embedded;
mod guard;
mod imports;
mod instance;
mod patience;
mod prepared;
mod supervisor;

pub use calls::{Acceptance, CallError, EventError, Request, Response};
pub use placeos_wire::{Function, Manifest, Parameter, Security, Setting, Writer};
pub use prepared::{Prepared, StartError};
pub use supervisor::Supervisor;

#[cfg(test)]
pub(crate) use guard::MEMORY;

use crate::host::under_way::{Place, UnderWay};
use calls::{Command, Offer, Reply, Time, UNDER_WAY};

/// A loaded module. Cheap to clone; all clones speak to the same instance.
///
/// No call fails when the instance does: one that a trap ends is answered as PlaceOS expects it.
#[derive(Clone)]
pub struct Module {
    commands: mpsc::UnboundedSender<Command>,
    state: watch::Receiver<State>,
    memory: Arc<AtomicUsize>,
    random: Arc<dyn Random>,
    under_way: UnderWay,
}

/// How the instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being loaded.
    Starting,
    /// It is loaded.
    Ready,
    /// It has ended, for this reason; another one follows.
    Down(String),
    /// The module was stopped.
    Ended,
}

impl Module {
    /// Prepares the driver that this program carries. Nothing happens until the supervisor runs.
    pub fn embedded(
        capabilities: Capabilities,
        settings: String,
    ) -> Result<(Self, Supervisor), StartError> {
        let prepared = Prepared::embedded(Manifest::embedded())?;
        Ok(Self::of(&prepared, capabilities, settings))
    }

    /// Prepares a driver that was compiled ahead of time.
    ///
    /// # Safety
    ///
    /// `compiled` must be what `slot_engine::precompile` has made, unchanged: it holds machine code.
    pub unsafe fn from_compiled(
        compiled: &[u8],
        manifest: Manifest,
        capabilities: Capabilities,
        settings: String,
    ) -> Result<(Self, Supervisor), StartError> {
        // SAFETY: the caller vouches for it.
        let prepared = unsafe { Prepared::from_compiled(compiled, manifest)? };
        Ok(Self::of(&prepared, capabilities, settings))
    }

    /// One more module of a driver that is prepared: it shares the driver's code with the others and
    /// nothing else.
    pub fn of(
        prepared: &Prepared,
        capabilities: Capabilities,
        settings: String,
    ) -> (Self, Supervisor) {
        let (commands, queue) = mpsc::unbounded_channel();
        let (report, state) = watch::channel(State::Starting);
        let memory = Arc::<AtomicUsize>::default();
        let random = Arc::clone(&capabilities.random);
        let capabilities = bounds::bounded(capabilities);
        (
            Self {
                commands,
                state,
                memory: Arc::clone(&memory),
                random,
                under_way: UnderWay::new(UNDER_WAY),
            },
            Supervisor::new(
                prepared.clone(),
                capabilities,
                settings,
                queue,
                report,
                memory,
            ),
        )
    }

    /// Answers a webhook request. A PUT that a trap ends is a 403 and is never repeated, as the door
    /// may be open; another request is then a 500. Where too much is under way it is a 503, for a PUT a
    /// 403.
    pub async fn request(&self, request: Request) -> Response {
        self.request_within(request, Time::Enough).await
    }

    /// The same, for a request that is given no time and so traps.
    pub async fn request_without_time(&self, request: Request) -> Response {
        self.request_within(request, Time::None).await
    }

    async fn request_within(&self, request: Request, time: Time) -> Response {
        let Some(place) = self.under_way.begin(request.bytes()) else {
            return request.when_busy();
        };
        let ended = request.when_down();
        self.ask(Some(place), |reply| Command::Request {
            request,
            time,
            reply,
        })
        .await
        .unwrap_or(ended)
    }

    /// Offers a door event, as JSON text; returns when it is durable. `id` names it, the same when
    /// it is offered again. One that is under way when the instance traps is offered to the next.
    pub async fn door_event(
        &self,
        event: String,
        id: Option<String>,
    ) -> Result<Acceptance, EventError> {
        self.offer(event, id, Time::Enough).await
    }

    /// The same, for an event that is given no time at first and so traps.
    pub async fn door_event_without_time(
        &self,
        event: String,
        id: Option<String>,
    ) -> Result<Acceptance, EventError> {
        self.offer(event, id, Time::None).await
    }

    async fn offer(
        &self,
        event: String,
        id: Option<String>,
        time: Time,
    ) -> Result<Acceptance, EventError> {
        let unsaved = |why: &str| Err(EventError::Unsaved(why.to_owned()));
        let Some(place) = self.under_way.begin(event.len()) else {
            return unsaved("the module has too much to do now");
        };
        let id = id.unwrap_or_else(|| format!("evt_{}", hex::encode(self.random.bytes(16))));
        self.ask(Some(place), |reply| {
            Command::Event(Offer {
                event,
                id,
                time,
                reply,
            })
        })
        .await
        .unwrap_or_else(|| unsaved("the module has ended"))
    }

    /// Calls a function of the manifest other than the webhook's, with a JSON object that has its
    /// arguments by name; the answer is JSON. That the caller may is not looked at here.
    pub async fn call(&self, name: String, arguments: String) -> Result<String, CallError> {
        let Some(place) = self.under_way.begin(arguments.len()) else {
            return Err(CallError::when_busy());
        };
        self.ask(Some(place), |reply| Command::Function {
            name,
            arguments,
            reply,
        })
        .await
        .unwrap_or_else(|| Err(CallError::when_down()))
    }

    /// Gives the module whole new settings, a JSON object. Returns when it has taken them.
    pub async fn update(&self, settings: String) {
        // They come one after the other, and none may be lost. A module that has ended needs none.
        let _ = self
            .ask(None, |reply| Command::Update { settings, reply })
            .await;
    }

    /// How much memory the latest instance has, in bytes. It never becomes less while an instance lives.
    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Whether an instance is up and loaded.
    pub fn is_ready(&self) -> bool {
        *self.state.borrow() == State::Ready
    }

    /// Returns when an instance is loaded, or the reason why the latest could not be.
    pub async fn ready(&self) -> Result<(), String> {
        let mut state = self.state.clone();
        let state = state.wait_for(|state| *state != State::Starting).await;
        match state.as_deref() {
            Ok(State::Ready) => Ok(()),
            Ok(State::Down(why)) => Err(why.clone()),
            Ok(State::Starting | State::Ended) | Err(_) => Err("the module has ended".to_owned()),
        }
    }

    /// Has calls and attempts under way finish, starts nothing new, and returns when the instance
    /// has ended: by itself, or a while after.
    pub async fn stop(&self) {
        // One that has ended is stopped.
        let _ = self.commands.send(Command::Stop);
        let mut state = self.state.clone();
        let _ = state.wait_for(|state| *state == State::Ended).await;
    }

    async fn ask<T>(
        &self,
        place: Option<Place>,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Option<T> {
        let (to, answer) = oneshot::channel();
        self.commands.send(command(Reply::new(to, place))).ok()?;
        answer.await.ok()
    }
}
