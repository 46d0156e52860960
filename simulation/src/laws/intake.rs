//! How events come in.

use std::collections::{BTreeMap, BTreeSet};

use super::{Law, Verdict};
use crate::event::Event;
use crate::fact::{Answer, Call, CallId, EventNumber, Fact};
use crate::ledger::{Ledger, News};
use crate::time::{DAY, Moment};

#[derive(Default)]
pub(super) struct Intake {
    calls: BTreeMap<CallId, Offered>,
    /// When the call began that saved an event.
    saved_at: BTreeMap<EventNumber, Moment>,
    /// The texts of rejected events that are kept.
    rejected: BTreeSet<String>,
}

/// A call under way.
struct Offered {
    event: EventNumber,
    at: Moment,
    is_set_aside: bool,
}

impl Law for Intake {
    fn rule(&self) -> &'static str {
        "an event that is accepted is saved, one that is rejected is kept with its reason, and no id \
         is accepted twice within a day"
    }

    fn see(&mut self, now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        for news in &ledger.news {
            match news {
                News::Saved { event, .. } => {
                    let mut calls = self.calls.values();
                    let call = calls.find(|call| call.event == *event);
                    let at = call.map_or(now, |call| call.at);
                    let before = self.saved_at.insert(*event, at);
                    let since = before.and_then(|before| now.since(before));
                    if since.is_some_and(|since| since < DAY) {
                        return Err(format!("{event} was saved twice"));
                    }
                }
                News::Rejected { raw } => drop(self.rejected.insert(raw.clone())),
                News::Died { .. } | News::Raised { .. } | News::CameBack { .. } => {}
            }
        }
        match fact {
            Fact::Called { call, what, .. } => {
                if let Call::Event(event) | Call::SetAside(event) = what {
                    let offered = Offered {
                        event: *event,
                        at: now,
                        is_set_aside: matches!(what, Call::SetAside(_)),
                    };
                    self.calls.insert(*call, offered);
                }
            }
            Fact::Answered { call, answer } => {
                if let Some(offered) = self.calls.remove(call) {
                    return self.judge(&offered, &ledger.events[offered.event.0], answer);
                }
            }
            Fact::Unanswered(call) => drop(self.calls.remove(call)),
            Fact::StoreLost => self.saved_at.clear(),
            _ => {}
        }
        Ok(())
    }
}

impl Intake {
    fn judge(&self, offered: &Offered, event: &Event, answer: &Answer) -> Verdict {
        let number = offered.event;
        match answer {
            // One without an id is not told from others as long as nobody is subscribed.
            Answer::Accepted | Answer::Known if event.is_saved || event.id.is_none() => Ok(()),
            Answer::Accepted | Answer::Known => {
                Err(format!("{number} was answered {answer:?} and is not saved"))
            }
            Answer::Rejected if !self.rejected.contains(&event.text) => {
                Err(format!("{number} was rejected and is not kept"))
            }
            Answer::Rejected if event.is_readable() && !offered.is_set_aside => {
                Err(format!("{number} can be read, and was rejected"))
            }
            _ => Ok(()),
        }
    }
}
