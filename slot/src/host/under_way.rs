//! How much may be under way at the same time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Answer;

/// How much may be under way, in calls and in the bytes that they carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) calls: usize,
    pub(crate) bytes: usize,
}

/// What is under way. Clones are the same.
#[derive(Clone)]
pub(crate) struct UnderWay(Arc<Mutex<State>>);

struct State {
    limit: Limit,
    calls: usize,
    bytes: usize,
    /// Work whose answer nobody waits for any more, and which is done all the same.
    forsaken: FuturesUnordered<BoxFuture<'static, Place>>,
}

/// A call's place; dropping it ends the call.
pub(crate) struct Place {
    /// Weak, for the forsaken and their places are in there.
    of: Weak<Mutex<State>>,
    bytes: usize,
}

impl UnderWay {
    pub(crate) fn new(limit: Limit) -> Self {
        Self(Arc::new(Mutex::new(State {
            limit,
            calls: 0,
            bytes: 0,
            forsaken: FuturesUnordered::new(),
        })))
    }

    /// A place for a call that carries `bytes`, or `None` if it is too much beside the others.
    pub(crate) fn begin(&self, bytes: usize) -> Option<Place> {
        self.look_after();
        let mut state = self.state();
        // A single one is for whoever calls to bound.
        let is_alone = state.calls == 0;
        let fits = state.calls < state.limit.calls
            && state.bytes.saturating_add(bytes) <= state.limit.bytes;
        if !is_alone && !fits {
            return None;
        }
        state.calls += 1;
        state.bytes = state.bytes.saturating_add(bytes);
        Some(Place {
            of: Arc::downgrade(&self.0),
            bytes,
        })
    }

    /// Ends those of the forsaken that are done.
    fn look_after(&self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut done = Vec::new();
        let mut state = self.state();
        while let Poll::Ready(Some(place)) = state.forsaken.poll_next_unpin(&mut context) {
            done.push(place);
        }
        drop(state);
        // Each gives back what it has, and wants the lock for that.
        drop(done);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Keeps this place until `answer` is there, also if nobody waits for it any more: what was asked of
    /// the host waits in a queue, whoever lets go of the answer.
    pub(crate) fn until<T: 'static>(self, answer: Answer<T>) -> impl Future<Output = T> + Send {
        Counted(Some((answer, self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(under_way) = self.of.upgrade().map(UnderWay) else {
            return;
        };
        let mut state = under_way.state();
        state.calls -= 1;
        state.bytes = state.bytes.saturating_sub(self.bytes);
    }
}

struct Counted<T: 'static>(Option<(Answer<T>, Place)>);

impl<T> Future for Counted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        #[expect(clippy::expect_used, reason = "a future is not polled after its end")]
        let (answer, _) = self.0.as_mut().expect("it has not ended");
        let answer = std::task::ready!(answer.poll_unpin(context));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        if let Some((answer, place)) = self.0.take()
            && let Some(under_way) = place.of.upgrade().map(UnderWay)
        {
            let forsaken = answer.map(|_| place).boxed();
            under_way.state().forsaken.push(forsaken);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const LIMIT: Limit = Limit {
        calls: 2,
        bytes: 100,
    };

    #[test]
    fn calls_and_their_bytes_are_bounded_and_come_back() {
        let under_way = UnderWay::new(LIMIT);
        let first = under_way.begin(60).unwrap();
        assert!(under_way.begin(41).is_none());
        let second = under_way.begin(40).unwrap();
        assert!(under_way.begin(0).is_none());
        drop(first);
        assert!(under_way.begin(61).is_none());
        drop(second);
        assert!(under_way.begin(100).is_some());
    }

    #[test]
    fn one_alone_may_be_larger() {
        let under_way = UnderWay::new(LIMIT);
        let alone = under_way.begin(1000).unwrap();
        assert!(under_way.begin(0).is_none());
        drop(alone);
        assert!(under_way.begin(0).is_some());
    }

    #[test]
    fn a_call_whose_answer_is_let_go_counts_until_it_is_done() {
        let under_way = UnderWay::new(LIMIT);
        let (done, answer) = oneshot::channel::<()>();
        let answer = answer.map(drop).boxed();
        drop(under_way.begin(100).unwrap().until(answer));
        assert!(under_way.begin(1).is_none());
        done.send(()).unwrap();
        assert!(under_way.begin(100).is_some());
    }
}
