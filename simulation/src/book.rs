//! The book against which the driver's is held: plain, by the words of the design, and for one
//! address at a time.
//!
//! Calls overlap, and what became of one that failed is not known. So the model holds every state
//! that an address may be in: a call under way has taken effect or has not, in any order. An answer
//! rules out the states that it contradicts; when none is left, the driver has contradicted itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::fact::{Answer, Call, CallId, Url};

/// What may be true of each address.
#[derive(Default)]
pub(crate) struct Book {
    pages: BTreeMap<Url, Page>,
    /// Settings calls under way, oldest first, and each one's number.
    settings: BTreeMap<CallId, u32>,
    /// How many settings calls there have been.
    count: u32,
    /// An answer that no state explains.
    contradiction: Option<String>,
}

/// What may be true of one address.
struct Page {
    possible: BTreeSet<State>,
    under_way: BTreeMap<CallId, Change>,
}

/// One thing that may be true.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    entry: Entry,
    /// Calls under way that have taken effect, and whether the address was subscribed when they did.
    done: BTreeMap<CallId, bool>,
    /// The settings call that took effect last. An earlier one will not any more.
    settings: u32,
}

/// An address in the book.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// POSTed, with this secret or none.
    pub(crate) posted: Option<Option<String>>,
    /// Listed by the operator, with this secret or none.
    listed: Option<Option<String>>,
    /// Listed, and removed by DELETE.
    pub(crate) removed: bool,
    /// The setting `allowed_hosts` permits it.
    pub(crate) is_allowed: bool,
    /// The store holds records: what was POSTed is not read from the settings any more.
    has_store: bool,
}

impl Entry {
    pub(crate) fn is_subscribed(&self) -> bool {
        self.posted.is_some() || (self.listed.is_some() && !self.removed)
    }

    fn is_active(&self) -> bool {
        self.is_subscribed() && self.is_allowed
    }

    /// What its POSTs are signed with.
    fn secret(&self) -> Option<&str> {
        self.posted.as_ref().or(self.listed.as_ref())?.as_deref()
    }
}

/// What a call does to one address.
#[derive(Clone)]
enum Change {
    Post(Option<String>),
    Delete,
    Settings(u32, Given),
}

impl Change {
    /// The number of a settings call.
    fn number(&self) -> Option<u32> {
        match self {
            Self::Settings(number, _) => Some(*number),
            Self::Post(_) | Self::Delete => None,
        }
    }
}

/// What settings say of one address. `None` keeps what was.
#[derive(Clone, Default)]
struct Given {
    /// Whether anything can be read at all; if not, everything stays, and a new store stays unmade.
    is_readable: bool,
    listed: Option<Option<Option<String>>>,
    is_allowed: Option<bool>,
    saved: Saved,
}

/// What `saved_subscriptions` says of one address.
#[derive(Clone, Default)]
struct Saved {
    posted: Option<Option<String>>,
    removed: bool,
}

/// What an answer tells of a call.
enum Outcome {
    /// It took effect, on an address that was subscribed then, or was not, or either.
    Done(Option<bool>),
    NotDone,
    Unknown,
}

impl Book {
    /// A book of these addresses, in which nothing is subscribed.
    pub(crate) fn of(urls: &[Url]) -> Self {
        let page = || Page {
            possible: BTreeSet::from([State::default()]),
            under_way: BTreeMap::new(),
        };
        Self {
            pages: urls.iter().map(|url| (url.clone(), page())).collect(),
            ..Self::default()
        }
    }

    /// A call begins: from now on it may take effect.
    pub(crate) fn begin(&mut self, call: CallId, what: &Call) {
        match what {
            Call::Post { url, secret } => {
                // Blanks only are no secret.
                let secret = secret.clone().filter(|secret| !secret.trim().is_empty());
                self.begin_on(url, call, Change::Post(secret));
            }
            Call::Delete { url } => self.begin_on(url, call, Change::Delete),
            Call::Load(settings) | Call::Update(settings) => {
                self.count += 1;
                self.settings.insert(call, self.count);
                let settings = Settings::read(settings);
                let count = self.count;
                for (url, page) in &mut self.pages {
                    page.begin(call, Change::Settings(count, settings.of(url)));
                }
            }
            Call::Put { .. } | Call::Event(_) | Call::SetAside(_) | Call::Operate { .. } => {}
        }
    }

    /// A call was answered, or never will be.
    pub(crate) fn end(&mut self, call: CallId, answer: Option<&Answer>) {
        let newest = self.settings.get(&call).copied() == Some(self.count);
        self.settings.remove(&call);
        let outcome = match answer {
            Some(Answer::Status(201)) => Outcome::Done(None),
            Some(Answer::Status(202)) => Outcome::Done(Some(true)),
            Some(Answer::Status(404)) => Outcome::Done(Some(false)),
            Some(Answer::Status(400 | 422 | 507)) => Outcome::NotDone,
            // One that newer settings have overtaken need not have taken effect.
            Some(Answer::Loaded | Answer::Updated) if newest => Outcome::Done(None),
            _ => Outcome::Unknown,
        };
        for (url, page) in &mut self.pages {
            if !page.end(call, &outcome) {
                self.contradiction.get_or_insert_with(|| {
                    format!(
                        "{call} was answered {answer:?}, which nothing explains: {url} cannot be so"
                    )
                });
            }
        }
    }

    /// The store is gone, and with it all that is not in the settings. No call is under way.
    pub(crate) fn lose(&mut self) {
        for page in self.pages.values_mut() {
            page.possible = BTreeSet::from([State::default()]);
        }
    }

    pub(crate) fn contradiction(&self) -> Option<&str> {
        self.contradiction.as_deref()
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = &Url> {
        self.pages.keys()
    }

    /// Addresses that get events, whatever is true.
    pub(crate) fn surely_active(&self) -> BTreeSet<Url> {
        self.which(|page| page.all(Entry::is_active))
    }

    /// Addresses that may get events.
    pub(crate) fn maybe_active(&self) -> BTreeSet<Url> {
        self.which(|page| !page.all(|entry| !entry.is_active()))
    }

    /// Whether `url` may get events.
    pub(crate) fn is_maybe_active(&self, url: &str) -> bool {
        self.page(url)
            .is_some_and(|page| !page.all(|entry| !entry.is_active()))
    }

    /// Whether `url` is subscribed, whatever is true.
    pub(crate) fn is_surely_subscribed(&self, url: &str) -> bool {
        self.page(url)
            .is_some_and(|page| page.all(Entry::is_subscribed))
    }

    /// Whether `url` may be subscribed.
    pub(crate) fn is_maybe_subscribed(&self, url: &str) -> bool {
        self.page(url)
            .is_some_and(|page| !page.all(|entry| !entry.is_subscribed()))
    }

    /// The secrets that the POSTs to `url` may be signed with.
    pub(crate) fn secrets(&self, url: &str) -> BTreeSet<Option<&str>> {
        let page = self.page(url).into_iter();
        page.flat_map(Page::entries)
            .filter(|entry| entry.is_subscribed())
            .map(Entry::secret)
            .collect()
    }

    /// What is true of `url`, if that is known.
    pub(crate) fn entry(&self, url: &str) -> Option<&Entry> {
        let mut entries = self.page(url)?.entries();
        let entry = entries.next()?;
        entries.all(|other| other == entry).then_some(entry)
    }

    fn page(&self, url: &str) -> Option<&Page> {
        self.pages.get(url)
    }

    fn which(&self, is: impl Fn(&Page) -> bool) -> BTreeSet<Url> {
        let pages = self.pages.iter().filter(|(_, page)| is(page));
        pages.map(|(url, _)| url.clone()).collect()
    }

    fn begin_on(&mut self, url: &Url, call: CallId, change: Change) {
        if let Some(page) = self.pages.get_mut(url) {
            page.begin(call, change);
        }
    }
}

impl Page {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.possible.iter().map(|state| &state.entry)
    }

    fn all(&self, is: impl Fn(&Entry) -> bool) -> bool {
        self.entries().all(is)
    }

    fn begin(&mut self, call: CallId, change: Change) {
        self.under_way.insert(call, change);
        let mut unfinished: Vec<_> = self.possible.iter().cloned().collect();
        while let Some(state) = unfinished.pop() {
            for (call, change) in &self.under_way {
                if let Some(next) = state.after(*call, change)
                    && self.possible.insert(next.clone())
                {
                    unfinished.push(next);
                }
            }
        }
    }

    /// Whether a state is left.
    fn end(&mut self, call: CallId, outcome: &Outcome) -> bool {
        let Some(change) = self.under_way.remove(&call) else {
            return true;
        };
        let number = change.number();
        let possible = std::mem::take(&mut self.possible).into_iter();
        let possible = possible.filter(|state| {
            let done = match number {
                Some(number) => (state.settings == number).then_some(true),
                None => state.done.get(&call).copied(),
            };
            match outcome {
                Outcome::Done(None) => done.is_some(),
                Outcome::Done(was_subscribed) => done == *was_subscribed,
                Outcome::NotDone => done.is_none(),
                Outcome::Unknown => true,
            }
        });
        // What is before all settings under way need not be told apart.
        let numbers = self.under_way.values().filter_map(Change::number);
        let before = numbers.min().map_or(0, |first| first - 1);
        self.possible = possible
            .map(|mut state| {
                state.done.remove(&call);
                if state.settings < before || before == 0 {
                    state.settings = before;
                }
                state
            })
            .collect();
        !self.possible.is_empty()
    }
}

impl State {
    /// The state after `change` takes effect, if it can.
    fn after(&self, call: CallId, change: &Change) -> Option<Self> {
        let mut next = self.clone();
        match change {
            Change::Settings(number, given) => {
                if *number <= self.settings {
                    return None;
                }
                next.settings = *number;
                next.entry.take(given);
            }
            _ if self.done.contains_key(&call) => return None,
            Change::Post(secret) => {
                next.done.insert(call, self.entry.is_subscribed());
                next.entry.posted = Some(secret.clone());
                next.entry.removed = false;
            }
            Change::Delete => {
                next.done.insert(call, self.entry.is_subscribed());
                next.entry.removed |= self.entry.is_subscribed() && self.entry.listed.is_some();
                next.entry.posted = None;
            }
        }
        Some(next)
    }
}

impl Entry {
    fn take(&mut self, given: &Given) {
        if !given.is_readable {
            return;
        }
        if !self.has_store {
            self.has_store = true;
            self.posted.clone_from(&given.saved.posted);
            self.removed = given.saved.removed;
        }
        if let Some(listed) = &given.listed {
            self.listed.clone_from(listed);
        }
        self.removed &= self.listed.is_some();
        if let Some(is_allowed) = given.is_allowed {
            self.is_allowed = is_allowed;
        }
    }
}

/// Settings, read in the plainest way.
struct Settings(Option<Value>);

impl Settings {
    fn read(text: &str) -> Self {
        let value = serde_json::from_str(text).ok();
        Self(value.filter(|value: &Value| value.as_object().is_some_and(|map| !map.is_empty())))
    }

    fn of(&self, url: &str) -> Given {
        let Some(settings) = &self.0 else {
            return Given::default();
        };
        let saved = settings.pointer("/saved_subscriptions/list");
        let saved = saved.and_then(|list| find(list, url));
        let is_removed = saved.is_some_and(|entry| entry["removed"] == true);
        Given {
            is_readable: true,
            listed: match settings.get("subscriptions") {
                None | Some(Value::Null) => Some(None),
                Some(list @ Value::Array(_)) => Some(find(list, url).map(secret)),
                Some(_) => None,
            },
            is_allowed: match settings.get("allowed_hosts") {
                Some(Value::Array(hosts)) => Some(hosts.iter().any(|host| is_at(url, host))),
                Some(_) => None,
                None => Some(false),
            },
            saved: Saved {
                posted: saved.filter(|_| !is_removed).map(secret),
                removed: is_removed,
            },
        }
    }
}

/// The entry of `url`, the last one if there are several.
fn find<'a>(list: &'a Value, url: &str) -> Option<&'a Value> {
    let mut entries = list.as_array()?.iter().rev();
    entries.find(|entry| entry["webhook"] == url)
}

fn secret(entry: &Value) -> Option<String> {
    let text = match &entry["secret"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn is_at(url: &str, host: &Value) -> bool {
    let host = host.as_str().unwrap_or_default();
    let rest = url.strip_prefix("https://").unwrap_or_default();
    rest.split('/').next() == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> (Book, Url) {
        let url: Url = "https://one.example/aaaa".into();
        let mut book = Book::of(std::slice::from_ref(&url));
        let settings = r#"{"allowed_hosts":["one.example"]}"#.to_owned();
        book.begin(CallId(0), &Call::Load(settings));
        book.end(CallId(0), Some(&Answer::Loaded));
        (book, url)
    }

    fn post(url: &Url, secret: &str) -> Call {
        Call::Post {
            url: url.clone(),
            secret: Some(secret.to_owned()),
        }
    }

    #[test]
    fn a_post_under_way_may_have_taken_effect_and_one_answered_has() {
        let (mut book, url) = book();
        book.begin(CallId(1), &post(&url, "a"));
        assert!(book.is_maybe_subscribed(&url) && !book.is_surely_subscribed(&url));
        book.end(CallId(1), Some(&Answer::Status(201)));
        assert!(book.is_surely_subscribed(&url));
        assert_eq!(book.secrets(&url), BTreeSet::from([Some("a")]));
    }

    #[test]
    fn what_failed_may_have_been_done_or_not() {
        let (mut book, url) = book();
        book.begin(CallId(1), &post(&url, "a"));
        book.end(CallId(1), Some(&Answer::Status(503)));
        book.begin(CallId(2), &Call::Delete { url: url.clone() });
        book.end(CallId(2), Some(&Answer::Status(202)));
        assert!(!book.is_maybe_subscribed(&url));
        assert_eq!(book.contradiction(), None);
    }

    #[test]
    fn an_answer_that_cannot_be_is_a_contradiction() {
        let (mut book, url) = book();
        book.begin(CallId(1), &post(&url, "a"));
        book.end(CallId(1), Some(&Answer::Status(201)));
        book.begin(CallId(2), &Call::Delete { url: url.clone() });
        book.end(CallId(2), Some(&Answer::Status(404)));
        assert!(book.contradiction().is_some());
    }

    #[test]
    fn a_listed_address_that_was_deleted_stays_so_until_it_has_left_the_list() {
        let (mut book, url) = book();
        let listed = format!(
            r#"{{"allowed_hosts":["one.example"],"subscriptions":[{{"webhook":"{url}"}}]}}"#
        );
        let unlisted = r#"{"allowed_hosts":["one.example"]}"#;
        let update = |book: &mut Book, call, settings: &str| {
            book.begin(CallId(call), &Call::Update(settings.to_owned()));
            book.end(CallId(call), Some(&Answer::Updated));
        };
        update(&mut book, 1, &listed);
        assert!(book.is_surely_subscribed(&url));
        book.begin(CallId(2), &Call::Delete { url: url.clone() });
        book.end(CallId(2), Some(&Answer::Status(202)));
        update(&mut book, 3, &listed);
        update(&mut book, 4, "{}");
        assert!(!book.is_maybe_subscribed(&url));
        update(&mut book, 5, unlisted);
        update(&mut book, 6, &listed);
        assert!(book.is_surely_subscribed(&url));
    }
}
