//! A native driver in the scripted world, driven call by call.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use rhombus_native::Native;
use rhombus_replay::{Call, Doors, Instance, Outcome, Response, Ticket, World};
use serde_json::{Value, json};

/// A store, by key.
pub(crate) type Records = BTreeMap<String, Vec<u8>>;

/// No call may take longer, in milliseconds of the world: the longest limit of the driver is ten seconds.
const PATIENCE: u64 = 60_000;

/// A loaded driver.
pub(crate) struct Site {
    pub(crate) world: World,
    native: Native,
    begun: Ticket,
}

impl Site {
    /// Loads a driver in `world`; the error says why it does not load.
    pub(crate) fn load(world: World, settings: &str) -> Result<Self, String> {
        let native = now(Native::load(&world, settings))?;
        let mut site = Self {
            world,
            native,
            begun: 0,
        };
        site.settle();
        Ok(site)
    }

    /// Makes a call, and lets time pass until it is answered.
    pub(crate) fn call(&mut self, call: Call) -> Outcome {
        self.begun += 1;
        self.native.begin(self.begun, call);
        let limit = self.world.elapsed() + PATIENCE;
        loop {
            self.settle();
            let outcomes = self.native.outcomes();
            if let Some((_, outcome)) = outcomes.into_iter().find(|(of, _)| *of == self.begun) {
                return outcome;
            }
            assert!(self.world.advance_to(limit), "a call is never answered");
        }
    }

    pub(crate) fn request(&mut self, call: Call) -> Response {
        match self.call(call) {
            Outcome::Response(response) => response,
            other => panic!("a request was answered {other:?}"),
        }
    }

    /// What an event came to: `accepted`, `known`, `unsaved`, or `rejected: ` and the reason.
    pub(crate) fn event(&mut self, event: String, id: Option<String>) -> String {
        match self.call(Call::Event { event, id }) {
            Outcome::Event(told) => told,
            other => panic!("an event was answered {other:?}"),
        }
    }

    /// What a function for operators answers.
    pub(crate) fn function(&mut self, name: &str, arguments: &Value) -> String {
        let call = Call::Function {
            name: name.to_owned(),
            arguments: arguments.to_string(),
        };
        match self.call(call) {
            Outcome::Function(told) => told,
            other => panic!("a function was answered {other:?}"),
        }
    }

    pub(crate) fn update(&mut self, settings: String) {
        self.call(Call::Update(settings));
        self.settle();
    }

    /// Lets time pass, in milliseconds.
    pub(crate) fn advance(&mut self, ms: u64) {
        let until = self.world.elapsed() + ms;
        while self.world.advance_to(until) {
            self.settle();
        }
        self.settle();
    }

    /// Lets time pass until something is due, but not longer than `ms` milliseconds.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.world.advance_to(self.world.elapsed() + ms);
        self.settle();
    }

    /// All of the store.
    pub(crate) fn records(&self) -> Records {
        records(&self.world)
    }

    fn settle(&mut self) {
        now(self.native.settle());
    }
}

/// All of the store of `world`.
#[expect(clippy::expect_used, reason = "no target takes the store down")]
pub(crate) fn records(world: &World) -> Records {
    let all = world.scan("", None, usize::MAX);
    all.expect("the store is up").into_iter().collect()
}

/// A world with the security systems that `given` describes as a fixture does, or else with one of three
/// doors.
pub(crate) fn world(given: Option<&Value>) -> World {
    let systems = given.and_then(|given| serde_json::from_value(given.clone()).ok());
    World::new(systems.unwrap_or_else(usual_systems))
}

fn usual_systems() -> BTreeMap<String, Doors> {
    let systems = json!({"main": {"doors": [
        {"id": "lobby", "description": "Lobby"},
        {"id": "vault", "unlock": "refused"},
        {"id": "loading-dock", "unlock": "unsupported"},
    ]}});
    serde_json::from_value(systems).unwrap_or_default()
}

/// Time is the world's, so nothing else is ever waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    let Some(done) = future.now_or_never() else {
        panic!("the driver waits for something outside its world");
    };
    done
}
