//! No attempt is made in vain.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::{Ledger, News};
use crate::time::Moment;

pub(super) struct Once;

impl Law for Once {
    fn rule(&self) -> &'static str {
        "an event is not sent again by an instance that knows that it was taken, nor by any once the \
         store has it no more; and what is gone does not come back but by an operator"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        for news in &ledger.news {
            if let News::CameBack { event, url } = news {
                return Err(format!("{event} was gone, and is pending for {url} again"));
            }
        }
        let Fact::Attempt {
            attempt, instance, ..
        } = fact
        else {
            return Ok(());
        };
        let delivery = ledger.delivery_of(ledger.attempt(*attempt));
        let Some(delivery) = delivery.filter(|_| ledger.owns(*instance)) else {
            return Ok(());
        };
        let what = format!("{} was sent to {}", delivery.event, delivery.url);
        if delivery.told == Some(*instance) {
            Err(format!("{what}, which had answered 2xx"))
        } else if !delivery.is_stored {
            Err(format!("{what}, and the store had it no more"))
        } else {
            Ok(())
        }
    }
}
