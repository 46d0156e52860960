//! How much is kept.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::time::{MINUTE, Moment};

const PENDING: usize = 200_000;
const DEAD: usize = 20_000;
const REJECTED: usize = 1_000;
const UNLOCKS: usize = 50_000;
const TWO_MINUTES: u64 = 2 * MINUTE;

#[derive(Default)]
pub(super) struct Bounds {
    /// Since when there has been too much of something.
    since: Option<Moment>,
}

impl Law for Bounds {
    fn rule(&self) -> &'static str {
        "the store holds at most 200,000 pending deliveries, 20,000 dead letters, 1,000 rejected \
         events and 50,000 unlocks; what is more goes within two minutes"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        let kept = &ledger.kept;
        let bounds = [
            (kept.pending, PENDING, "pending deliveries"),
            (kept.dead.len(), DEAD, "dead letters"),
            (kept.rejected.len(), REJECTED, "rejected events"),
            (kept.unlocks.len(), UNLOCKS, "unlocks"),
        ];
        let Some((count, _, what)) = bounds.iter().find(|(count, bound, _)| count > bound) else {
            self.since = None;
            return Ok(());
        };
        // Whoever is loaded anew, or cannot write, needs a while.
        if matches!(fact, Fact::Started(_) | Fact::NotCommitted { .. }) {
            self.since = Some(now);
        }
        let since = self.since.get_or_insert(now);
        match now.elapsed - since.elapsed {
            ..=TWO_MINUTES => Ok(()),
            _ => Err(format!("there are {count} {what}")),
        }
    }
}
