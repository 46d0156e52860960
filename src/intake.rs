//! How a door event comes in: once its commit is made it is accepted, and only then is it sent.

use std::rc::Rc;

use crate::delivery::Message;
use crate::door::DoorEvent;
use crate::driver::Driver;
use crate::host::{Change, CommitError, Host, Level};
use crate::kept::Kind;
use crate::record::{self, DeliveryRecord, RejectedRecord, Version};
use crate::seen::EventId;

/// Precedes the ids of rejected events among those that are known: one that comes again under its id,
/// mended, is a new one. No [`EventId`] holds a `/`.
const REJECTED: &str = "rejected/";

/// What became of an event that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is saved, and on its way to every subscriber.
    Accepted,
    /// One of its id was accepted before; nothing was done.
    Known,
}

/// Why an event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It cannot be read. It is kept as rejected, with this reason.
    #[error("{0}")]
    Rejected(String),
    /// It is not known to be saved: offer it again, under the same id. The reason is for the log.
    #[error("the event is not known to be saved: {0}")]
    Unsaved(String),
}

impl<H: Host + 'static> Driver<H> {
    /// Takes a door event, as JSON text. Returns once it is durable, before it is sent.
    ///
    /// `id` is the host's name for it, the same when it offers it again; an event whose id was
    /// accepted in the last 24 hours is taken for known.
    pub async fn on_door_event(
        &self,
        event: &str,
        id: Option<&str>,
    ) -> Result<Acceptance, EventError> {
        let inner = &*self.0;
        if inner.state.borrow().awaits_settings {
            // Who is subscribed is not known yet, and so nobody would get it.
            return Err(EventError::Unsaved(
                "the module waits for its settings".to_owned(),
            ));
        }
        let parsed = match DoorEvent::parse(event, inner.host.now()) {
            Ok(parsed) => parsed,
            Err(reason) => return Err(self.reject(event, id, reason).await),
        };
        let id = id.map_or_else(|| EventId::random(&inner.host), EventId::from_host);
        let subscriptions = inner.state.borrow().subscriptions.clone();
        let key = inner.next_key();
        let arrival = self.expect(key);
        let record = DeliveryRecord::untried(id.as_str().to_owned(), parsed);
        let value = record::encode(&record);
        let message = Rc::new(Message::from(record));
        let mut changes = Vec::new();
        let mut to = Vec::new();
        let mut deaths = 0;
        for subscription in subscriptions.values().filter(|to| to.refused.is_none()) {
            let id = subscription.id;
            match inner.dead_on_arrival(id, key, &message.id, &message.event) {
                Some(letter) => {
                    changes.push(letter);
                    deaths += 1;
                }
                None => {
                    changes.push(Change::Put {
                        key: record::delivery(id, key),
                        value: value.clone(),
                    });
                    to.push(id);
                }
            }
        }
        changes.extend(self.see(key, id.as_str()));
        match inner.host.commit(changes).await {
            Ok(()) => {
                inner.seen.count(1);
                inner.kept.add(Kind::Dead, deaths);
                inner.report.event(Rc::clone(&message));
                arrival.committed(to, message);
                inner.tasks.bell().ring();
                Ok(Acceptance::Accepted)
            }
            Err(CommitError::Exists(_)) => {
                // Those behind it need not wait for what follows.
                drop(arrival);
                // The commit that made it known may be one that failed.
                let _ = self.clear_doubts().await;
                Ok(Acceptance::Known)
            }
            Err(CommitError::Failed(why)) => {
                self.doubt(key);
                inner.warn(&format!("an event could not be saved: {why}"));
                Err(EventError::Unsaved(why))
            }
        }
    }

    /// Keeps an event as rejected without looking into it. For a host whose instance it has ended,
    /// and would end again. One that was accepted before that is known.
    pub async fn set_aside(
        &self,
        event: &str,
        id: Option<&str>,
        reason: &str,
    ) -> Result<Acceptance, EventError> {
        if let Some(id) = id {
            let seen = record::seen(EventId::from_host(id).as_str());
            match self.0.host.get(&seen).await {
                Ok(Some(_)) => return Ok(Acceptance::Known),
                Ok(None) => {}
                Err(error) => return Err(EventError::Unsaved(error.0)),
            }
        }
        Err(self.reject(event, id, reason.to_owned()).await)
    }

    /// Keeps an event that cannot be read. What it returns says whether that worked.
    async fn reject(&self, event: &str, id: Option<&str>, reason: String) -> EventError {
        let inner = &*self.0;
        let id = id.map(EventId::from_host);
        let key = inner.next_key();
        let record = RejectedRecord {
            v: Version,
            event_id: id.as_ref().map(|id| id.as_str().to_owned()),
            raw: beginning(event).to_owned(),
            at: inner.host.now(),
            reason: reason.clone(),
        };
        let mut changes = match &id {
            Some(id) => self.see(key, &format!("{REJECTED}{}", id.as_str())),
            None => vec![inner.last_key_record()],
        };
        changes.push(record::put(record::rejected(key), &record));
        match inner.host.commit(changes).await {
            Ok(()) => {
                inner.seen.count(usize::from(id.is_some()));
                inner.kept.add(Kind::Rejected, 1);
                inner
                    .host
                    .log(Level::Warn, "an event was rejected", &[("reason", &reason)]);
                inner.report.error(&reason);
                inner.tasks.bell().ring();
                EventError::Rejected(reason)
            }
            // It was kept when it was offered first.
            Err(CommitError::Exists(_)) => EventError::Rejected(reason),
            Err(CommitError::Failed(why)) => EventError::Unsaved(why),
        }
    }
}

/// As much of an event that cannot be read as is kept.
fn beginning(event: &str) -> &str {
    &event[..event.floor_char_boundary(DoorEvent::MAX_BYTES)]
}
