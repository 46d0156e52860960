//! `redeliver`: dead letters become pending again.

use std::rc::Rc;

use serde_json::json;

use crate::delivery::Message;
use crate::driver::{Driver, STORE_PAUSE};
use crate::host::{Change, Host};
use crate::kept;
use crate::key::Key;
use crate::record::{self, DeadRecord, DeliveryRecord};
use crate::subscription::SubscriptionId;

use super::CallError;
use super::arguments::Arguments;
use super::selection::{Filter, Kind, Selection};

/// How many reasons are told of those that cannot be redelivered.
const REASONS: usize = 100;

/// A dead letter that is to be sent again.
struct Raised {
    to: SubscriptionId,
    key: Key,
    name: String,
    message: Rc<Message>,
}

impl<H: Host + 'static> Driver<H> {
    /// Sends dead letters again, under their own `webhook-id` and in their place in the order: those of
    /// `ids`, or those whose event happened in a time. Answers how many, and why others are not.
    pub(super) async fn redeliver(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let ids = arguments.texts("ids")?;
        let filter = Filter::of(&mut arguments)?;
        arguments.end()?;
        let mut selection = Selection::of(ids, Kind::Dead, filter)?;
        let inner = &*self.0;
        let mut redelivered = 0;
        let mut others = Vec::new();
        let failed = |why: String, redelivered: usize| {
            CallError::Failed(format!(
                "{redelivered} are redelivered, then the store failed: {why}"
            ))
        };
        loop {
            let _turn = inner.dead_letters.turn().await;
            let page = selection.next(&inner.host).await;
            let Some(page) = page.map_err(|error| failed(error.0, redelivered))? else {
                break;
            };
            let missing = page.missing.into_iter();
            others.extend(missing.map(|id| (id, "there is no such dead letter")));
            let mut changes = Vec::new();
            let mut raised = Vec::new();
            for (name, value) in page.records {
                match self.raise(&name, &value) {
                    Ok((one, record)) => {
                        changes.push(record::put(one.name.clone(), &record));
                        changes.push(Change::Delete { key: name });
                        raised.push(one);
                    }
                    Err(why) => others.push((name, why)),
                }
            }
            if changes.is_empty() {
                continue;
            }
            let count = raised.len();
            if let Err(error) = inner.host.commit(changes).await {
                self.look_for(raised);
                return Err(failed(error.to_string(), redelivered));
            }
            redelivered += count;
            inner.kept.remove(kept::Kind::Dead, count);
            for Raised {
                to, key, message, ..
            } in raised
            {
                self.enqueue(to, key, message);
            }
        }
        inner.touch();
        others.truncate(REASONS);
        let others: Vec<_> = others
            .into_iter()
            .map(|(id, why)| json!({ "id": id, "why": why }))
            .collect();
        Ok(json!({ "redelivered": redelivered, "not_redelivered": others }).to_string())
    }

    /// What becomes of a dead letter that is sent again; or why it cannot be.
    fn raise(&self, name: &str, value: &[u8]) -> Result<(Raised, DeliveryRecord), &'static str> {
        if Kind::of_record(name) != Some(Kind::Dead) {
            return Err("it is no dead letter");
        }
        let dead = record::decode::<DeadRecord>(name, value);
        let dead = dead.map_err(|_| "it cannot be read")?;
        let to = Key::parse(&dead.subscription).map(SubscriptionId);
        let (to, key) = to.zip(Key::parse(&dead.key)).ok_or("it cannot be read")?;
        if !self.0.state.borrow().subscriptions.contains_key(&to) {
            return Err("its subscription was removed");
        }
        if self.0.is_disabled(to) {
            return Err("its subscription is disabled; enable it first");
        }
        if self.0.unsettled.contains(to, key) {
            // It would be written once more as soon as the store answers, and end what is pending.
            return Err("it is being saved; try again in a moment");
        }
        let record = DeliveryRecord::untried(dead.event_id, dead.event);
        let message = Rc::new(Message::from(record.clone()));
        let name = record::delivery(to, key);
        let raised = Raised {
            to,
            key,
            name,
            message,
        };
        Ok((raised, record))
    }

    /// A commit failed that may have been made: sends what the store has of it, as soon as it answers.
    fn look_for(&self, raised: Vec<Raised>) {
        let driver = self.clone();
        self.0.tasks.spawn(async move {
            let host = &driver.0.host;
            for one in raised {
                let found = loop {
                    match host.get(&one.name).await {
                        Ok(found) => break found,
                        Err(_) if driver.0.stopped.get() => return,
                        Err(_) => host.sleep(STORE_PAUSE).await,
                    }
                };
                if found.is_some() {
                    driver.0.kept.remove(kept::Kind::Dead, 1);
                    driver.enqueue(one.to, one.key, one.message);
                }
            }
        });
    }
}
