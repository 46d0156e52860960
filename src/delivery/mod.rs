//! Delivery: each accepted event to each subscriber, at least once, in order per door and subscriber,
//! each subscriber independent of all others.
//!
//! Nothing is known only in memory: what is pending is in the store, and is sent again after a
//! restart under the same `webhook-id`. What ends a delivery is counted in attempts, never in age.
//!
//! What decides is plain data, without a clock or a host: `retry`, `verdict`, `health`, `lanes`,
//! `queue`, `outbox`. The other files order the calls of the host around it.

mod arrivals;
mod attempt;
mod dead_letters;
mod health;
mod lanes;
mod made;
mod message;
mod outbox;
mod queue;
mod retry;
#[cfg(test)]
mod samples;
mod settle;
mod summary;
mod sweep;
mod test_event;
mod verdict;
mod worker;

pub(crate) use arrivals::Arrivals;
pub(crate) use dead_letters::DeadLetters;
pub(crate) use made::Made;
pub(crate) use message::Message;
pub(crate) use outbox::Outbox;
pub(crate) use settle::Unsettled;
pub(crate) use test_event::TestError;
