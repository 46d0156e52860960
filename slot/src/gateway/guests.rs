//! Who keeps the gateway waiting, and who has done so longest.
//!
//! A connection costs a client nothing, and so no number of places is enough for all who would take
//! one and say nothing. When all are taken, the connection that has kept the gateway waiting longest
//! makes room: good clients say what they want within a moment of coming, so it is hardly ever one
//! of them. No address counts for more than another, because behind a proxy all have one.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::Notify;

/// All connections of a gateway.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<Queue>);

/// Those that are waited for, by their turn.
#[derive(Debug, Default)]
struct Queue {
    last: u64,
    waited_for: BTreeMap<u64, Arc<Notify>>,
}

/// A connection. It is waited for, or worked for.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    /// Its place in the queue; only the task of the connection changes it.
    turn: AtomicU64,
    goodbye: Arc<Notify>,
    /// Whether there may be some of a body that nobody has read.
    owes_body: AtomicBool,
}

impl Guests {
    /// A new one, which is waited for.
    pub(super) fn arrive(self: &Arc<Self>) -> Guest {
        let guest = Guest {
            guests: Arc::clone(self),
            turn: AtomicU64::new(0),
            goodbye: Arc::default(),
            owes_body: AtomicBool::new(false),
        };
        guest.waits();
        guest
    }

    /// Sends the one away that is waited for longest; `false` if all are worked for.
    pub(super) fn send_one_away(&self) -> bool {
        let first = self.queue().waited_for.pop_first();
        first.is_some_and(|(_, goodbye)| {
            goodbye.notify_one();
            true
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that is done under the lock can leave the queue half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// From now on it is waited for: it goes to the queue's end.
    pub(super) fn waits(&self) {
        let mut queue = self.guests.queue();
        queue.last += 1;
        let turn = queue.last;
        let former = self.turn.swap(turn, Ordering::Relaxed);
        queue.waited_for.remove(&former);
        queue.waited_for.insert(turn, Arc::clone(&self.goodbye));
    }

    /// From now on it is worked for, and cannot be sent away; `false` if it has been.
    pub(super) fn works(&self) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        self.guests.queue().waited_for.remove(&turn).is_some()
    }

    /// Returns when it has been sent away.
    pub(super) async fn sent_away(&self) {
        self.goodbye.notified().await;
    }

    /// Whether there may be some of a body that nobody has read.
    pub(super) fn owes_body(&self) -> bool {
        self.owes_body.load(Ordering::Relaxed)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.works();
    }
}

/// A request's body. While it is read, its guest is waited for.
pub(super) struct Awaited {
    body: Incoming,
    guest: Arc<Guest>,
    is_begun: bool,
}

impl Awaited {
    pub(super) fn new(body: Incoming, guest: Arc<Guest>) -> Self {
        let owes = !body.is_end_stream();
        guest.owes_body.store(owes, Ordering::Relaxed);
        Self {
            body,
            guest,
            is_begun: false,
        }
    }
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Connection(#[from] hyper::Error),
    #[error("the connection is being closed")]
    SentAway,
}

impl Body for Awaited {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if !self.is_begun {
            self.is_begun = true;
            self.guest.waits();
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(frame) = frame {
            return Poll::Ready(Some(frame.map_err(Broken::from)));
        }
        self.guest.owes_body.store(false, Ordering::Relaxed);
        let is_here = self.guest.works();
        Poll::Ready((!is_here).then_some(Err(Broken::SentAway)))
    }

    fn is_end_stream(&self) -> bool {
        // Only `poll_frame` ends the waiting.
        !self.is_begun && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_sent_away(guest: &Guest) -> bool {
        guest.sent_away().now_or_never().is_some()
    }

    #[test]
    fn the_one_that_is_waited_for_longest_is_sent_away() {
        let guests = Arc::new(Guests::default());
        let [first, second, third] = [(); 3].map(|()| guests.arrive());
        // The first asks something, is answered, and is waited for again.
        assert!(first.works());
        first.waits();
        assert!(guests.send_one_away());
        assert!(is_sent_away(&second));
        assert!(!second.works());
        assert!(guests.send_one_away());
        assert!(is_sent_away(&third));
        assert!(!is_sent_away(&first));
    }

    #[test]
    fn one_that_is_worked_for_is_not_sent_away() {
        let guests = Arc::new(Guests::default());
        let guest = guests.arrive();
        assert!(guest.works());
        assert!(!guests.send_one_away());
        guest.waits();
        assert!(guests.send_one_away());
    }

    #[test]
    fn one_that_has_gone_is_forgotten() {
        let guests = Arc::new(Guests::default());
        drop(guests.arrive());
        assert!(!guests.send_one_away());
    }
}
