//! What must be true of every history, one law a file.

mod attempts;
mod book;
mod bounds;
mod calm;
mod dead_letters;
mod delivered;
mod in_flight;
mod intake;
mod keys;
mod once;
mod order;
mod probes;
mod request;
mod schedule;
mod slow_start;
mod stopped;
mod unlocks;
mod unsubscribed;

use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::time::Moment;

/// What a law says of a fact: nothing, or how it breaks the law.
pub(crate) type Verdict = Result<(), String>;

/// A law. The ledger that it is given has taken the fact in already.
pub(crate) trait Law {
    /// The law in words.
    fn rule(&self) -> &'static str;

    /// Judges a fact.
    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict;

    /// What must still come before a history may end, if something must.
    fn waits_for(&self, _ledger: &Ledger) -> Option<String> {
        None
    }

    /// Judges a history that has come to rest.
    fn end(&self, _ledger: &Ledger, _store: &Store) -> Verdict {
        Ok(())
    }
}

/// All laws.
pub(crate) fn all() -> Vec<Box<dyn Law>> {
    vec![
        Box::<delivered::Delivered>::default(),
        Box::<unsubscribed::Unsubscribed>::default(),
        Box::new(order::Order),
        Box::new(schedule::Schedule),
        Box::new(probes::Probes),
        Box::new(slow_start::SlowStart),
        Box::<in_flight::InFlight>::default(),
        Box::new(request::Request),
        Box::new(attempts::Attempts),
        Box::new(once::Once),
        Box::new(dead_letters::DeadLetters),
        Box::<bounds::Bounds>::default(),
        Box::<book::Book>::default(),
        Box::<intake::Intake>::default(),
        Box::<keys::Keys>::default(),
        Box::<calm::Calm>::default(),
        Box::<stopped::Stopped>::default(),
        Box::<unlocks::Unlocks>::default(),
    ]
}
