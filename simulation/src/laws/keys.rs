//! The order of acceptance.

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::record::{self, Key, Record};
use crate::time::Moment;

#[derive(Default)]
pub(super) struct Keys {
    last: Option<Key>,
}

impl Law for Keys {
    fn rule(&self) -> &'static str {
        "the keys of events only rise, whatever the clock does and whoever dies: none is given out twice"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, _ledger: &Ledger) -> Verdict {
        match fact {
            Fact::Committed { changes, .. } => {
                for change in *changes {
                    let (Record::SeenAt(key), Some(_)) = record::read(change) else {
                        continue;
                    };
                    if self.last.replace(key) >= Some(key) {
                        return Err(format!(
                            "an event has the key {key:?}, and it is not the highest"
                        ));
                    }
                }
                Ok(())
            }
            Fact::StoreLost => {
                self.last = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
