//! Who is subscribed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Law, Verdict};
use crate::fact::Fact;
use crate::ledger::{Ledger, News};
use crate::store::Store;
use crate::time::Moment;

#[derive(Default)]
pub(super) struct Book {
    /// The last value of `saved_subscriptions`.
    saved: Option<Value>,
    /// The last value of the status key `subscriptions`.
    shown: Option<Value>,
}

impl Law for Book {
    fn rule(&self) -> &'static str {
        "the book is what POST, DELETE and the operator's list make of it, as design §5 has it: an \
         event goes to nobody else, and the saved copy and the status say the same"
    }

    fn see(&mut self, _now: Moment, fact: &Fact<'_>, ledger: &Ledger) -> Verdict {
        if let Some(what) = ledger.book.contradiction() {
            return Err(what.to_owned());
        }
        for news in &ledger.news {
            if let News::Saved { event, to, may, .. } = news
                && let Some(url) = to.difference(may).next()
            {
                return Err(format!("{event} is to go to {url}, which is not active"));
            }
        }
        match fact {
            Fact::Saved(json) => self.saved = serde_json::from_str(json).ok(),
            Fact::Status {
                key: "subscriptions",
                json,
                ..
            } => self.shown = serde_json::from_str(json).ok(),
            _ => {}
        }
        Ok(())
    }

    fn end(&self, ledger: &Ledger, _store: &Store) -> Verdict {
        for url in ledger.book.urls() {
            let Some(entry) = ledger.book.entry(url) else {
                continue;
            };
            let saved = self.saved.as_ref().and_then(|saved| {
                let mut list = saved["list"].as_array()?.iter();
                list.find(|saved| saved["webhook"] == **url)
            });
            let saved = saved.map(|saved| match saved["removed"] == true {
                true => Err(()),
                false => Ok(saved["secret"].as_str().map(str::to_owned)),
            });
            let expected = match &entry.posted {
                Some(secret) => Some(Ok(secret.clone())),
                None => entry.removed.then_some(Err(())),
            };
            if saved != expected {
                return Err(format!(
                    "{url} is {entry:?}, and {:?} was saved last",
                    self.saved
                ));
            }
        }
        let shown: BTreeSet<_> = self.shown.iter().flat_map(shown).collect();
        for url in ledger.book.urls() {
            let is_shown = shown.contains(short(url).as_str());
            if ledger.book.is_surely_subscribed(url) != is_shown
                && ledger.book.is_maybe_subscribed(url) != is_shown
            {
                return Err(format!("{url} is shown: {is_shown}, by {:?}", self.shown));
            }
        }
        Ok(())
    }
}

fn shown(status: &Value) -> impl Iterator<Item = &str> {
    let list = status.as_array().into_iter().flatten();
    list.filter_map(|entry| entry["webhook"].as_str())
}

/// An address as operators see it: scheme, host and its last four characters.
fn short(url: &str) -> String {
    let path = url
        .match_indices('/')
        .nth(2)
        .map_or(url.len(), |(at, _)| at);
    let (origin, path) = url.split_at(path);
    let tail = &path[path.len().saturating_sub(4)..];
    format!("{origin}/…{}", tail.trim_start_matches('/'))
}
