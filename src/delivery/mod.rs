//! Delivery: each accepted event to each subscriber, at least once.
//!
//! Nothing is known only in memory: what is pending is in the store, and is sent again after a
//! restart under the same `webhook-id`. What ends a delivery is counted in attempts, never in age.

mod attempt;
mod outbox;
mod queue;
mod retry;
mod worker;

pub(crate) use outbox::Outbox;
pub(crate) use queue::Delivery;
