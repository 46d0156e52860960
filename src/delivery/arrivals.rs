//! Deliveries on their way from a commit into the queues, in the order of acceptance: the calls that
//! bring events in may learn of their commits in another.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::driver::Driver;
use crate::host::Host;
use crate::key::Key;
use crate::subscription::SubscriptionId;

use super::message::Message;

/// The events that are being committed, oldest first.
#[derive(Default)]
pub(crate) struct Arrivals(RefCell<VecDeque<Waiting>>);

struct Waiting {
    key: Key,
    /// Nothing, as long as the commit is under way.
    came: Option<Option<Came>>,
}

struct Came {
    to: Vec<SubscriptionId>,
    message: Rc<Message>,
}

/// An event that is being committed. It holds up those behind it until it is dropped.
pub(crate) struct Arrival<'a, H: Host + 'static> {
    driver: &'a Driver<H>,
    key: Key,
    came: Option<Came>,
}

impl<H: Host + 'static> Driver<H> {
    /// The event `key`, the highest yet, is going to be committed.
    pub(crate) fn expect(&self, key: Key) -> Arrival<'_, H> {
        let came = None;
        let waiting = Waiting { key, came };
        self.0.arrivals.0.borrow_mut().push_back(waiting);
        let driver = self;
        let came = None;
        Arrival { driver, key, came }
    }

    /// Takes a delivery that was committed.
    pub(crate) fn enqueue(&self, to: SubscriptionId, key: Key, message: Rc<Message>) {
        let inner = &*self.0;
        if !inner.state.borrow().subscriptions.contains_key(&to) {
            // It was unsubscribed while the event was being committed.
            self.drop_deliveries(to);
            return;
        }
        // If it was disabled meanwhile, this changes nothing: whoever gives up all that is pending for it
        // reads the store after this commit.
        inner.with_queue(to, |queue, bytes, time| {
            queue.insert(key, message, bytes, time)
        });
        inner.tasks.bell().ring();
    }
}

impl<H: Host + 'static> Arrival<'_, H> {
    /// It was committed, with a delivery for each of `to`.
    pub(crate) fn committed(mut self, to: Vec<SubscriptionId>, message: Rc<Message>) {
        self.came = Some(Came { to, message });
    }
}

impl<H: Host + 'static> Drop for Arrival<'_, H> {
    fn drop(&mut self) {
        let arrivals = &self.driver.0.arrivals.0;
        let mut waiting = arrivals.borrow_mut();
        if let Ok(nth) = waiting.binary_search_by_key(&self.key, |waiting| waiting.key) {
            waiting[nth].came = Some(self.came.take());
        }
        drop(waiting);
        let next = || {
            arrivals
                .borrow_mut()
                .pop_front_if(|first| first.came.is_some())
        };
        while let Some(Waiting { key, came }) = next() {
            let Some(Came { to, message }) = came.flatten() else {
                continue;
            };
            for to in to {
                self.driver.enqueue(to, key, Rc::clone(&message));
            }
        }
    }
}
