//! What a history does with a site besides what a test does.

use serde_json::Value;

use super::Site;
use crate::agenda::Errand;
use crate::fact::{Call, Url};
use crate::history::Measure;
use crate::store::Weather;
use crate::time::SECOND;

impl Site {
    pub(crate) fn trace(&self) -> Option<String> {
        self.world.state().witness.trace.clone()
    }

    pub(crate) fn measure(&self) -> Measure {
        let state = self.world.state();
        let ledger = &state.witness.ledger;
        Measure {
            events: ledger.events.len(),
            attempts: ledger.attempts.len(),
            instances: self.instances as usize,
            elapsed: state.now().elapsed,
        }
    }

    pub(crate) fn urls(&self) -> Vec<Url> {
        self.world
            .state()
            .witness
            .ledger
            .book
            .urls()
            .cloned()
            .collect()
    }

    /// Kills the driver between two of its next host calls.
    pub(crate) fn kill_after(&mut self, calls: u32) {
        if let Some(node) = &self.current {
            self.world.state().kill_after(node.instance, calls);
        }
    }

    /// The driver fails on an event that it was offered: the next instance is to keep it unread.
    pub(crate) fn trap(&mut self) {
        let mut events = self.under_way.values().filter_map(|(_, call)| match call {
            Call::Event(event) => Some(*event),
            _ => None,
        });
        if let Some(event) = events.next()
            && let Some(offer) = self.unanswered.get_mut(&event)
        {
            offer.is_set_aside = true;
        }
        self.kill();
    }

    /// Core moves the module: another instance takes it over while this one still lives for a while.
    pub(crate) fn move_module(&mut self) {
        if self.old.is_some() || self.current.is_none() {
            return;
        }
        self.old = self.current.take();
        let after = self.rng.u64(0..30 * SECOND);
        self.plan(after, Errand::StopOld);
        self.load();
        self.settle();
    }

    /// Changes one of the operator's settings; core brings them to the module some time later.
    pub(crate) fn set_later(&mut self, name: &str, value: Value, after: u64) {
        self.settings.insert(name.to_owned(), value);
        let settings = self.merged_settings();
        self.plan(after, Errand::Update(settings));
    }

    /// Core brings the settings of now some time later, whatever they are by then.
    pub(crate) fn update_later(&mut self, settings: String, after: u64) {
        self.plan(after, Errand::Update(settings));
    }

    /// How storage does for so many milliseconds.
    pub(crate) fn storage_for(&mut self, weather: Weather, lasts: u64) {
        self.storage(weather);
        self.plan(lasts, Errand::HealStorage);
    }

    pub(crate) fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }

    pub(crate) fn saves_fail(&mut self, percent: u8) {
        self.world.state().saves_fail = percent;
    }

    /// All settings, as core has them.
    pub(crate) fn merged_settings(&self) -> String {
        let mut settings = self.settings.clone();
        if let Some(saved) = &self.saved {
            settings.insert("saved_subscriptions".to_owned(), saved.clone());
        }
        Value::from(settings).to_string()
    }
}
