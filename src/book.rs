//! The subscriptions of a module: listed by the operator, made by POST.
//!
//! PlaceOS settings come back late, reordered and without acknowledgement, so each list has one
//! writer: the operator writes the setting, POST and DELETE write the store. The book is the union,
//! one subscription a URL. It is plain data; whoever changes it commits [`Book::changes_to`] first
//! and lets memory follow.

use rhombus_egress::Policy;
use serde::Serialize;

use crate::host::Change;
use crate::key::Key;
use crate::record::{self, BookRecord, RemovalRecord, SubscriptionRecord, Version};
use crate::settings::{Listing, SavedBook};
use crate::sorted::SortedMap;
use crate::subscription::{Secret, SubscriberUrl, Subscription, SubscriptionId};

/// The subscriptions of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Rises with each change that POST or DELETE made.
    rev: u64,
    posted: SortedMap<SubscriberUrl, Option<Secret>>,
    listing: Listing,
    /// Listed URLs that DELETE removed, until they leave the list or are POSTed again.
    removed: SortedMap<SubscriberUrl, Key>,
    /// One for each subscribed URL: for each POSTed one, and each listed one that is not removed.
    ids: SortedMap<SubscriberUrl, SubscriptionId>,
}

/// There is no room for one more subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Book {
    /// The most subscriptions that POST can make a book hold.
    pub const MAX: usize = 1000;

    /// What was POSTed or removed, as it was saved in the settings: for a store that is lost.
    pub fn rebuilt(saved: &SavedBook, keys: &mut impl FnMut() -> Key) -> Self {
        let mut book = Self {
            rev: saved.rev,
            ..Self::default()
        };
        book.posted.clone_from(&saved.posted);
        book.removed = saved
            .removed
            .iter()
            .map(|url| (url.clone(), keys()))
            .collect();
        book.ids = saved
            .posted
            .keys()
            .map(|url| (url.clone(), SubscriptionId(keys())))
            .collect();
        book
    }

    /// Takes a record of the store in. The error says why it cannot.
    pub(crate) fn restore(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        let unreadable = |why: &str| format!("the record {name} {why}");
        if name == record::BOOK {
            self.rev = record::decode::<BookRecord>(name, value)?.rev;
            return Ok(());
        }
        let key = record::key_of(name).ok_or_else(|| unreadable("has no key"))?;
        if name.starts_with(record::REMOVALS) {
            let record: RemovalRecord = record::decode(name, value)?;
            self.removed.insert(
                SubscriberUrl::parse(&record.webhook).map_err(unreadable)?,
                key,
            );
        } else {
            let record: SubscriptionRecord = record::decode(name, value)?;
            let url = SubscriberUrl::parse(&record.webhook).map_err(unreadable)?;
            self.ids.insert(url.clone(), SubscriptionId(key));
            if record.posted {
                let secret = record.secret.map(serde_json::Value::String);
                self.posted
                    .insert(url, Secret::from_json(secret.as_ref()).map_err(unreadable)?);
            }
        }
        Ok(())
    }

    /// The book with `url` POSTed. An earlier subscription of that URL stays, with its id; only its
    /// secret is the new one.
    pub fn with_posted(
        &self,
        url: SubscriberUrl,
        secret: Option<Secret>,
        keys: &mut impl FnMut() -> Key,
    ) -> Result<Self, Full> {
        let mut next = self.clone();
        if !next.ids.contains_key(&url) {
            if next.ids.len() >= Self::MAX {
                return Err(Full);
            }
            next.ids.insert(url.clone(), SubscriptionId(keys()));
        }
        next.removed.remove(&url);
        next.posted.insert(url, secret);
        Ok(next.counted_since(self))
    }

    /// The book without `url`, or `None` if it is not in it.
    pub fn without(&self, url: &SubscriberUrl, keys: &mut impl FnMut() -> Key) -> Option<Self> {
        let mut next = self.clone();
        next.ids.remove(url)?;
        next.posted.remove(url);
        if next.listing.subscriptions.contains_key(url) {
            next.removed.insert(url.clone(), keys());
        }
        Some(next.counted_since(self))
    }

    /// The book with the operator's list as `listing` has it.
    pub fn with_listing(&self, listing: &Listing, keys: &mut impl FnMut() -> Key) -> Self {
        let mut next = self.clone();
        next.listing = listing.clone();
        let listed = &next.listing.subscriptions;
        next.removed.retain(|url, _| listed.contains_key(url));
        next.ids
            .retain(|url, _| listed.contains_key(url) || next.posted.contains_key(url));
        for url in listed.keys().filter(|url| !next.removed.contains_key(*url)) {
            next.ids
                .get_or_insert_with(url.clone(), || SubscriptionId(keys()));
        }
        next.counted_since(self)
    }

    /// What to commit so that the store holds `next` where it holds this book. Empty if the store
    /// need not change.
    pub fn changes_to(&self, next: &Self) -> Vec<Change> {
        let before = self.records();
        let mut after = next.records();
        let gone = before
            .keys()
            .filter(|key| !after.contains_key(*key))
            .cloned();
        let mut changes: Vec<_> = gone.map(|key| Change::Delete { key }).collect();
        after.retain(|key, value| before.get(key) != Some(value));
        changes.extend(
            after
                .into_iter()
                .map(|(key, value)| Change::Put { key, value }),
        );
        changes
    }

    /// All subscriptions, those that `egress` refuses with the reason.
    pub fn subscriptions<'a>(
        &'a self,
        egress: &'a Policy,
    ) -> impl Iterator<Item = Subscription> + 'a {
        self.ids.iter().map(|(url, id)| Subscription {
            id: *id,
            url: url.clone(),
            secret: self.secret(url).cloned(),
            refused: egress
                .check_url(url.url())
                .err()
                .map(|refusal| refusal.to_string()),
        })
    }

    /// The name of the subscription of `url`.
    pub fn id(&self, url: &SubscriberUrl) -> Option<SubscriptionId> {
        self.ids.get(url).copied()
    }

    /// The names of all subscriptions.
    pub fn ids(&self) -> impl Iterator<Item = SubscriptionId> + '_ {
        self.ids.values().copied()
    }

    /// Why entries of the operator's list are not subscriptions.
    pub fn unreadable(&self) -> &[String] {
        &self.listing.unreadable
    }

    /// The revision of what POST and DELETE made.
    pub fn rev(&self) -> u64 {
        self.rev
    }

    /// The value for the setting `saved_subscriptions`.
    pub fn saved(&self) -> String {
        let posted = self.posted.iter().map(|(url, secret)| SavedEntry {
            webhook: url.as_str(),
            secret: secret.as_ref().map(Secret::expose),
            removed: false,
        });
        let removed = self.removed.keys().map(|url| SavedEntry {
            webhook: url.as_str(),
            secret: None,
            removed: true,
        });
        let saved = Saved {
            rev: self.rev,
            list: posted.chain(removed).collect(),
        };
        record::text(&saved)
    }

    /// A POST's secret counts, even none, over the operator's.
    fn secret(&self, url: &SubscriberUrl) -> Option<&Secret> {
        self.posted
            .get(url)
            .or_else(|| self.listing.subscriptions.get(url))?
            .as_ref()
    }

    fn counted_since(mut self, before: &Self) -> Self {
        if self.posted != before.posted || self.removed != before.removed {
            self.rev = self.rev.saturating_add(1);
        }
        self
    }

    fn records(&self) -> SortedMap<String, Vec<u8>> {
        let book = record::encode(&BookRecord {
            v: Version,
            rev: self.rev,
        });
        let subscriptions = self.ids.iter().map(|(url, id)| {
            let posted = self.posted.get(url);
            let record = SubscriptionRecord {
                v: Version,
                webhook: url.as_str().to_owned(),
                posted: posted.is_some(),
                secret: posted
                    .and_then(Option::as_ref)
                    .map(|secret| secret.expose().to_owned()),
            };
            (record::subscription(*id), record::encode(&record))
        });
        let removals = self.removed.iter().map(|(url, key)| {
            let record = RemovalRecord {
                v: Version,
                webhook: url.as_str().to_owned(),
            };
            (record::removal(*key), record::encode(&record))
        });
        std::iter::once((record::BOOK.to_owned(), book))
            .chain(subscriptions)
            .chain(removals)
            .collect()
    }
}

#[derive(Serialize)]
struct Saved<'a> {
    rev: u64,
    list: Vec<SavedEntry<'a>>,
}

#[derive(Serialize)]
struct SavedEntry<'a> {
    webhook: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}
