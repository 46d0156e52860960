//! How much is kept.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::time::Moment;

const PENDING: usize = 200_000;
const DEAD: usize = 20_000;
const REJECTED: usize = 1_000;

pub(super) struct Bounds;

impl Law for Bounds {
    fn rule(&self) -> &'static str {
        "the store holds at most 200,000 pending deliveries, 20,000 dead letters and 1,000 rejected \
         events"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        if !matches!(fact, Fact::Committed { .. }) {
            return Ok(());
        }
        let counts = &ledger.counts;
        for (count, bound, what) in [
            (counts.pending, PENDING, "pending deliveries"),
            (counts.dead, DEAD, "dead letters"),
            (counts.rejected, REJECTED, "rejected events"),
        ] {
            if count > bound {
                return Err(format!("there are {count} {what}"));
            }
        }
        Ok(())
    }
}
