//! A test event: one attempt at once, which an operator waits for. It is not stored.

use std::rc::Rc;

use crate::door::DoorEvent;
use crate::driver::Driver;
use crate::host::{Host, PostAnswer, PostFailure};
use crate::seen::EventId;
use crate::subscription::SubscriptionId;

use super::message::Message;
use super::verdict;

/// Why a test event was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestError {
    /// There is no such subscription, or nothing may be sent to it.
    Forbidden,
    /// As many attempts are under way as there may be.
    Busy,
}

impl<H: Host + 'static> Driver<H> {
    /// Sends `event` to a subscriber. If it is paused, this is its probe.
    pub(crate) async fn send_test(
        &self,
        to: SubscriptionId,
        event: DoorEvent,
    ) -> Result<Result<PostAnswer, PostFailure>, TestError> {
        let inner = &*self.0;
        let id = EventId::random(&inner.host).as_str().to_owned();
        let post = self.compose(to, &Rc::new(Message { id, event }));
        let post = post.ok_or(TestError::Forbidden)?;
        let flight = inner.with_queue(to, |queue, _, _| queue.start_test());
        let flight = flight.flatten().ok_or(TestError::Busy)?;
        let result = inner.host.post(post).await;
        self.end_flight(to, flight, &result, &verdict::why(&result));
        inner.tasks.bell().ring();
        if let Err(error) = inner.save_health(to).await {
            // It is saved when it changes next; until then a restart finds what was before.
            inner.warn(&format!("a subscriber's state could not be saved: {error}"));
        }
        Ok(result)
    }
}
