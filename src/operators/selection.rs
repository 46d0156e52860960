//! Which records a function is about: those of these ids, or all of a kind that match.

use serde_json::{Map, Value};

use crate::door::EventTime;
use crate::host::{Host, StorageFailed};
use crate::pages::{PAGE, Pages};
use crate::record;
use crate::subscription::SubscriptionId;

use super::CallError;
use super::arguments::Arguments;

/// What is kept of events, by what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Deliveries that a subscriber has yet to get.
    Pending,
    /// Deliveries that were given up.
    Dead,
    /// Events that could not be read.
    Rejected,
}

impl Kind {
    /// The argument `state`.
    pub(super) fn of(arguments: &mut Arguments) -> Result<Option<Self>, CallError> {
        match arguments.text("state")?.as_deref() {
            None => Ok(None),
            Some("pending") => Ok(Some(Self::Pending)),
            Some("dead") => Ok(Some(Self::Dead)),
            Some("rejected") => Ok(Some(Self::Rejected)),
            Some(_) => Err(CallError::Invalid(
                "state is none of pending, dead and rejected".to_owned(),
            )),
        }
    }

    /// The kind of the record of that name.
    pub(super) fn of_record(name: &str) -> Option<Self> {
        [Self::Pending, Self::Dead, Self::Rejected]
            .into_iter()
            .find(|kind| name.starts_with(kind.prefix()))
    }

    /// How the names begin of records that can match.
    pub(super) fn prefix_of(self, filter: &Filter) -> String {
        match (self, filter.subscription) {
            (Self::Pending, Some(id)) => record::deliveries_to(id),
            _ => self.prefix().to_owned(),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Pending => record::DELIVERIES,
            Self::Dead => record::DEAD,
            Self::Rejected => record::REJECTED,
        }
    }
}

/// What a record must match; what is not given matches all.
#[derive(Default)]
pub(super) struct Filter {
    pub(super) subscription: Option<SubscriptionId>,
    /// When the event happened; when it came, if it could not be read.
    pub(super) from: Option<EventTime>,
    pub(super) to: Option<EventTime>,
}

impl Filter {
    /// The arguments `subscription`, `from` and `to`.
    pub(super) fn of(arguments: &mut Arguments) -> Result<Self, CallError> {
        Ok(Self {
            subscription: arguments.subscription()?,
            from: arguments.time("from")?,
            to: arguments.time("to")?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subscription.is_none() && self.from.is_none() && self.to.is_none()
    }

    /// Whether a record, which is JSON, matches.
    pub(super) fn matches(&self, name: &str, record: &Value) -> bool {
        let subscription = match record.get("subscription") {
            Some(id) => id.as_str().map(str::to_owned),
            None => record::subscriber_of(name).map(|id| id.to_string()),
        };
        let of = self.subscription.map(|id| id.to_string());
        let time = match record.get("event") {
            Some(event) => event.get("timestamp"),
            None => record.get("at"),
        };
        let time = time.and_then(|time| EventTime::from_json(time).ok());
        (of.is_none() || of == subscription)
            && self
                .from
                .is_none_or(|from| time.is_some_and(|time| from <= time))
            && self.to.is_none_or(|to| time.is_some_and(|time| time <= to))
    }
}

/// The records that a function is about, page by page.
pub(super) enum Selection {
    /// These, by their names.
    Named(Vec<String>),
    /// All of these that match.
    Matching { pages: Pages, filter: Filter },
}

/// Some of the records.
pub(super) struct Selected {
    /// Their names and values.
    pub(super) records: Vec<(String, Vec<u8>)>,
    /// Names that there is no record of.
    pub(super) missing: Vec<String>,
}

impl Selection {
    /// The records of `ids`, each once; or those of a kind that match. It must be clear which.
    pub(super) fn of(
        ids: Option<Vec<String>>,
        kind: Kind,
        filter: Filter,
    ) -> Result<Self, CallError> {
        match ids {
            Some(ids) if filter.is_empty() => {
                // As the names of a JSON object, each is there once.
                let mut once = Map::new();
                for id in ids {
                    once.insert(id, Value::Null);
                }
                Ok(Self::Named(once.into_iter().map(|(id, _)| id).collect()))
            }
            None if !filter.is_empty() => Ok(Self::Matching {
                pages: Pages::of(kind.prefix_of(&filter)),
                filter,
            }),
            _ => Err(Self::ambiguous()),
        }
    }

    /// Why arguments say neither the one nor the other.
    pub(super) fn ambiguous() -> CallError {
        CallError::Invalid("give either ids, or a subscription, from or to".to_owned())
    }

    /// The next page of it; `None` after the last. A page can be empty.
    pub(super) async fn next(
        &mut self,
        host: &impl Host,
    ) -> Result<Option<Selected>, StorageFailed> {
        let mut selected = Selected {
            records: Vec::new(),
            missing: Vec::new(),
        };
        match self {
            Self::Named(names) => {
                let rest = names.split_off(names.len().min(PAGE as usize));
                let page = std::mem::replace(names, rest);
                if page.is_empty() {
                    return Ok(None);
                }
                for name in page {
                    match host.get(&name).await? {
                        Some(value) => selected.records.push((name, value)),
                        None => selected.missing.push(name),
                    }
                }
            }
            Self::Matching { pages, filter } => {
                let Some(page) = pages.next(host).await? else {
                    return Ok(None);
                };
                selected.records = page;
                selected.records.retain(|(name, value)| {
                    let record = serde_json::from_slice(value);
                    record.is_ok_and(|record| filter.matches(name, &record))
                });
            }
        }
        Ok(Some(selected))
    }
}
