//! What happens, as it happens: server-sent events for the console.
//!
//! | event | data |
//! | --- | --- |
//! | `doors` | door events, oldest first: first those that are remembered, then each as it comes |
//! | `status` | the status keys that have changed; at first all |
//! | `receivers` | how the receivers fare of which that has changed, by shortened URL; at first all |
//!
//! Of status and receivers a listener gets what they are when it takes them, so nothing of them waits
//! for one that is slow. A listener that is behind by too many door events is let go: its browser comes
//! again, and begins with all there is.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, sleep_until};

use super::Served;
use super::answer::Refusal;
use super::sessions::Session;
use crate::watch::DoorEvent;

/// How often at most status and receivers are told.
const PAUSE: Duration = Duration::from_millis(500);
/// After so long a silence a comment is sent: a proxy may close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn live(
    State(served): State<Arc<Served>>,
    session: Option<Extension<Session>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let place = Arc::clone(&served.listeners).try_acquire_owned();
    let place = place.map_err(|_| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "as many consoles are open as there may be; close one, or come again later",
        )
    })?;
    let listener = Listener::new(served, session.map(|Extension(session)| session), place);
    let events = futures_util::stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    doors: broadcast::Receiver<DoorEvent>,
    changes: watch::Receiver<()>,
    closing: watch::Receiver<()>,
    session: Option<Session>,
    told: Told,
    not_before: Instant,
    waiting: VecDeque<Event>,
    served: Arc<Served>,
    _place: OwnedSemaphorePermit,
}

/// What a listener knows of status and receivers, by key.
#[derive(Default)]
struct Told {
    status: BTreeMap<String, Value>,
    receivers: BTreeMap<String, Value>,
}

impl Listener {
    fn new(served: Arc<Served>, session: Option<Session>, place: OwnedSemaphorePermit) -> Self {
        let (happened, doors) = served.watch.events();
        let mut listener = Self {
            doors,
            changes: served.watch.changes(),
            closing: served.closing.clone(),
            session,
            told: Told::default(),
            not_before: Instant::now(),
            waiting: VecDeque::new(),
            served,
            _place: place,
        };
        listener.tell("doors", &happened);
        listener.tell_changes();
        listener
    }

    /// What is to be told next; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let not_before = self.not_before;
            tokio::select! {
                _ = self.closing.changed() => return None,
                () = ended(self.session.as_mut()) => return None,
                happened = self.doors.recv() => match happened {
                    Ok(event) => self.tell("doors", &[event]),
                    Err(_) => return None,
                },
                changed = async {
                    sleep_until(not_before).await;
                    self.changes.changed().await
                } => {
                    changed.ok()?;
                    self.tell_changes();
                }
            }
        }
    }

    fn tell_changes(&mut self) {
        self.not_before = Instant::now() + PAUSE;
        let status = self.served.status.all();
        let status = changed(&mut self.told.status, status);
        let receivers = self.served.watch.receivers().into_iter();
        let receivers = receivers.map(|(shown, one)| (shown, serde_json::json!(one)));
        let receivers = changed(&mut self.told.receivers, receivers);
        for (name, changed) in [("status", status), ("receivers", receivers)] {
            if !changed.is_empty() {
                self.tell(name, &changed);
            }
        }
    }

    fn tell(&mut self, name: &str, data: &impl Serialize) {
        match serde_json::to_string(data) {
            Ok(json) => {
                let event = Event::default().event(name).data(json);
                self.waiting.push_back(event);
            }
            Err(error) => tracing::error!(%error, name, "what happened cannot be told"),
        }
    }
}

/// Those values that are not what was told before; they are told now.
fn changed(
    told: &mut BTreeMap<String, Value>,
    now: impl IntoIterator<Item = (String, Value)>,
) -> Map<String, Value> {
    let mut changed = Map::new();
    for (key, value) in now {
        if told.get(&key) != Some(&value) {
            told.insert(key.clone(), value.clone());
            changed.insert(key, value);
        }
    }
    changed
}

/// Returns when the session has ended that the listener was let in by; never for one with the key.
async fn ended(session: Option<&mut Session>) {
    match session {
        Some(session) => session.ended().await,
        None => std::future::pending().await,
    }
}
