//! Nobody is told who does not want to be.

use std::collections::BTreeMap;

use super::{Law, Verdict};
use crate::fact::{Fact, Url};
use crate::ledger::Ledger;
use crate::time::Moment;

#[derive(Default)]
pub(super) struct Unsubscribed {
    /// The last commit at which an address was certainly not subscribed.
    cut_at: BTreeMap<Url, u64>,
}

impl Law for Unsubscribed {
    fn rule(&self) -> &'static str {
        "after a DELETE is answered, or a URL has left the operator's list, no attempt to it starts; \
         if it is subscribed again, it gets later events only; and none to a URL that the settings' \
         egress rule forbids"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Called { .. } | Fact::Answered { .. } | Fact::Unanswered(_) => {
                let urls = ledger.book.urls();
                for url in urls.filter(|url| !ledger.book.is_maybe_subscribed(url)) {
                    self.cut_at.insert(url.clone(), ledger.commits);
                }
            }
            Fact::Attempt {
                attempt, instance, ..
            } if ledger.owns(*instance) => {
                let attempt = ledger.attempt(*attempt);
                let url = &attempt.url;
                if !ledger.book.is_maybe_subscribed(url) {
                    return Err(format!("an attempt to {url}, which is not subscribed"));
                }
                if !ledger.book.is_maybe_active(url) {
                    return Err(format!("an attempt to {url}, which the settings forbid"));
                }
                let delivery = ledger.delivery_of(attempt);
                let cut_at = self.cut_at.get(url).copied().unwrap_or_default();
                if let Some(delivery) = delivery.filter(|it| it.saved_by <= cut_at) {
                    return Err(format!(
                        "an attempt to {url} of {}, which was accepted before it was unsubscribed",
                        delivery.event
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
