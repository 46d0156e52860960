//! What takes its course by itself: calls and their answers, errands, events that are offered again.

use serde_json::json;

use super::{Site, host_of};
use crate::agenda::{Due, Errand};
use crate::fact::{Answer, Call, CallId, EventNumber, Fact, Instance};
use crate::node::Node;
use crate::receiver::Mood;
use crate::store::Weather;
use crate::time::{MINUTE, SECOND};

impl Site {
    /// Lets instances do what they can do now, and deals with what comes of it.
    pub(super) fn settle(&mut self) {
        loop {
            for node in [&mut self.old, &mut self.current].into_iter().flatten() {
                node.run();
            }
            let mut answers = Vec::new();
            for node in [&self.old, &self.current].into_iter().flatten() {
                answers.extend(node.answers());
            }
            self.fetch_saved();
            let is_quiet = answers.is_empty();
            for (call, answer) in answers {
                self.take_answer(call, answer);
            }
            let has_buried = self.bury();
            if is_quiet && !has_buried {
                return;
            }
        }
    }

    fn take_answer(&mut self, call: CallId, answer: Answer) {
        let Some((_, what)) = self.under_way.remove(&call) else {
            return;
        };
        match (&what, &answer) {
            (Call::Load(_), Answer::Loaded) => {
                self.pause = SECOND;
                self.offer_all();
            }
            (Call::Event(event) | Call::SetAside(event), Answer::Unsaved) => {
                self.offer_later(*event);
            }
            (Call::Event(event) | Call::SetAside(event), _) => {
                self.unanswered.remove(event);
            }
            _ => {}
        }
        self.answers.insert(call, answer);
    }

    /// An event was not saved. Its sender offers it again, or has enough.
    fn offer_later(&mut self, event: EventNumber) {
        let Some(offer) = self.unanswered.get(&event) else {
            return;
        };
        if !offer.is_named || (offer.is_given_up && offer.times > 3) {
            self.unanswered.remove(&event);
            return;
        }
        let patience = (SECOND << offer.times.min(8)).min(5 * MINUTE);
        let after = self.rng.u64(SECOND / 2..patience);
        self.plan(after, Errand::Offer(event));
    }

    /// Takes instances away that have ended. Another one is loaded in the current one's place.
    fn bury(&mut self) -> bool {
        let mut has_buried = false;
        for is_old in [true, false] {
            let place = if is_old {
                &mut self.old
            } else {
                &mut self.current
            };
            let Some(node) = place else { continue };
            let instance = node.instance;
            let mut state = self.world.state();
            if node.has_run() {
                let how = if node.is_loaded() {
                    "stopped"
                } else {
                    "not loaded"
                };
                state.kill(instance, how);
            }
            if state.lives(instance) {
                continue;
            }
            drop(state);
            *place = None;
            has_buried = true;
            let of_instance = |(_, (of, _)): &(&CallId, &(Instance, Call))| *of == instance;
            let calls: Vec<_> = self
                .under_way
                .iter()
                .filter(of_instance)
                .map(|(call, _)| *call)
                .collect();
            for call in calls {
                if let Some((_, Call::Event(event))) = self.under_way.remove(&call)
                    && self
                        .unanswered
                        .get(&event)
                        .is_some_and(|offer| !offer.is_named)
                {
                    self.unanswered.remove(&event);
                }
                self.world.state().see(&Fact::Unanswered(call));
            }
            if !is_old {
                self.plan(self.pause, Errand::Load);
                self.pause = (self.pause * 2).min(MINUTE);
            }
        }
        has_buried
    }

    pub(super) fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Load if self.current.is_none() => self.load(),
            Errand::Load => {}
            Errand::Offer(event) => {
                if self.unanswered.contains_key(&event) {
                    self.offer(event);
                }
            }
            Errand::Update(settings) => {
                if self.current.as_ref().is_some_and(Node::takes_calls) {
                    self.call_current(Call::Update(settings));
                } else {
                    self.plan(SECOND, Errand::Update(settings));
                }
            }
            Errand::HealStorage => self.storage(Weather::default()),
            Errand::StopOld => {
                let Some(old) = &self.old else { return };
                let instance = old.instance;
                if old.is_loaded() {
                    old.stop();
                    self.world.state().see(&Fact::Stopping(instance));
                } else {
                    self.world.state().kill(instance, "killed");
                }
            }
        }
    }

    pub(super) fn load(&mut self) {
        let instance = Instance(self.instances);
        self.instances += 1;
        self.world.state().start(instance);
        let settings = self.merged_settings();
        let load = self.begin_call(instance, Call::Load(settings.clone()));
        self.current = Some(Node::load(&self.world, instance, load, settings));
    }

    pub(super) fn request(&mut self, what: Call) -> Option<CallId> {
        let call = self.call_current(what);
        self.settle();
        call
    }

    pub(super) fn call_current(&mut self, what: Call) -> Option<CallId> {
        let node = self.current.as_ref().filter(|node| node.takes_calls())?;
        let instance = node.instance;
        let call = self.begin_call(instance, what.clone());
        if let Some(node) = &self.current {
            node.call(call, &what, String::new(), None);
        }
        Some(call)
    }

    fn begin_call(&mut self, instance: Instance, what: Call) -> CallId {
        let call = CallId(self.calls);
        self.calls += 1;
        self.world.state().see(&Fact::Called {
            call,
            instance,
            what: &what,
        });
        self.under_way.insert(call, (instance, what));
        call
    }

    fn offer_all(&mut self) {
        let events: Vec<_> = self.unanswered.keys().copied().collect();
        for event in events {
            self.offer(event);
        }
    }

    /// Offers an event to every instance that does not have it.
    pub(super) fn offer(&mut self, event: EventNumber) {
        let nodes = [&self.old, &self.current].into_iter().flatten();
        let ready = nodes.filter(|node| node.takes_calls());
        let instances: Vec<_> = ready.map(|node| node.instance).collect();
        for instance in instances {
            let has_it = self.under_way.values().any(|(of, call)| {
                let is_of_event =
                    matches!(call, Call::Event(of) | Call::SetAside(of) if *of == event);
                *of == instance && is_of_event
            });
            let Some(offer) = self.unanswered.get_mut(&event) else {
                return;
            };
            if has_it || (offer.times > 0 && !offer.is_named) {
                continue;
            }
            offer.times += 1;
            let what = if offer.is_set_aside {
                Call::SetAside(event)
            } else {
                Call::Event(event)
            };
            let call = self.begin_call(instance, what.clone());
            let (text, id) = {
                let state = self.world.state();
                let event = &state.witness.ledger.events[event.0];
                (event.text.clone(), event.id.clone())
            };
            let mut nodes = [&self.old, &self.current].into_iter().flatten();
            if let Some(node) = nodes.find(|node| node.instance == instance) {
                node.call(call, &what, text, id);
            }
        }
    }

    /// Fetches what the driver has saved. Core brings it back, in whatever time that takes.
    fn fetch_saved(&mut self) {
        let saved = std::mem::take(&mut self.world.state().saved);
        for json in saved {
            self.saved = serde_json::from_str(&json).ok();
            let settings = self.merged_settings();
            let after = match self.rng.u8(..10) {
                0 => self.rng.u64(0..3 * MINUTE),
                _ => self.rng.u64(0..2 * SECOND),
            };
            self.plan(after, Errand::Update(settings));
        }
    }

    pub(super) fn heal(&mut self) {
        {
            let mut state = self.world.state();
            state.store.weather = Weather::default();
            state.saves_fail = 0;
            for mood in state.moods.values_mut() {
                *mood = Mood::Healthy;
            }
            for node in [&self.old, &self.current].into_iter().flatten() {
                state.live_on(node.instance);
            }
            state.see(&Fact::Healing);
        }
        if let Some(old) = &self.old {
            self.world.state().kill(old.instance, "killed");
        }
        self.settle();
        let hosts: Vec<_> = self.urls().iter().map(|url| json!(host_of(url))).collect();
        self.settings
            .insert("allowed_hosts".to_owned(), hosts.into());
        // After all that is still on its way.
        self.set_later("contract", json!("document"), 5 * MINUTE);
    }

    /// Whether something is still to come.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.world.state();
        !self.unanswered.is_empty()
            || !self.under_way.is_empty()
            || state.witness.waits_for().is_some()
            || state.agenda.has_errands()
    }

    pub(super) fn plan(&mut self, after: u64, errand: Errand) {
        let mut state = self.world.state();
        let at = state.now().elapsed + after;
        state.agenda.plan(at, Due::Errand(errand));
    }
}
