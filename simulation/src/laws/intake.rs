//! How events come in.

use std::collections::{BTreeMap, BTreeSet};

use super::{Law, Verdict};
use crate::event::Event;
use crate::fact::{Answer, Call, CallId, EventNumber, Fact};
use crate::ledger::{Ledger, News};
use crate::time::{DAY, Moment};

#[derive(Default)]
pub(super) struct Intake {
    calls: BTreeMap<CallId, (EventNumber, bool)>,
    saved_at: BTreeMap<EventNumber, Moment>,
    /// The texts of rejected events that are kept.
    rejected: BTreeSet<String>,
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
                    let before = self.saved_at.insert(*event, now);
                    let since = before.and_then(|before| now.since(before));
                    if since.is_some_and(|since| since < DAY) {
                        return Err(format!("{event} was saved twice"));
                    }
                }
                News::Rejected { raw } => drop(self.rejected.insert(raw.clone())),
                News::Died { .. } => {}
            }
        }
        match fact {
            Fact::Called { call, what, .. } => match what {
                Call::Event(event) => drop(self.calls.insert(*call, (*event, false))),
                Call::SetAside(event) => drop(self.calls.insert(*call, (*event, true))),
                _ => {}
            },
            Fact::Answered { call, answer } => {
                if let Some((event, is_set_aside)) = self.calls.remove(call) {
                    let known = &ledger.events[event.0];
                    return self.judge(event, known, is_set_aside, answer);
                }
            }
            Fact::StoreLost => self.saved_at.clear(),
            _ => {}
        }
        Ok(())
    }
}

impl Intake {
    fn judge(&self, number: EventNumber, event: &Event, is_set_aside: bool, answer: &Answer) -> Verdict {
        match answer {
            // One without an id is not told from others as long as nobody is subscribed.
            Answer::Accepted | Answer::Known if event.is_saved || event.id.is_none() => Ok(()),
            Answer::Accepted | Answer::Known => {
                Err(format!("{number} was answered {answer:?} and is not saved"))
            }
            Answer::Rejected if !self.rejected.contains(&event.text) => {
                Err(format!("{number} was rejected and is not kept"))
            }
            Answer::Rejected if event.is_readable() && !is_set_aside => {
                Err(format!("{number} can be read, and was rejected"))
            }
            _ => Ok(()),
        }
    }
}
