//! A stage around bare instances: does what a slot's supervisor does when an instance ends.
//!
//! A slot has a supervisor of its own. The native driver and a JavaScript host have none; so that a
//! fixture with a trap says the same there, this one kills the instance and answers as a slot does.

use std::collections::BTreeMap;

use crate::stage::{Call, Outcome, Response, Stage, Ticket};
use crate::world::World;

/// One instance of a module, without anybody who looks after it.
#[expect(async_fn_in_trait, reason = "a player has one stage, on one thread")]
pub trait Instance: Sized {
    /// Loads an instance over `world`.
    async fn load(world: &World, settings: &str) -> Result<Self, String>;
    /// Begins a call, named `ticket`.
    fn begin(&mut self, ticket: Ticket, call: Call);
    /// Returns when nothing goes on any more.
    async fn settle(&mut self);
    /// What calls have come to since this was last asked.
    fn outcomes(&mut self) -> Vec<(Ticket, Outcome)>;
}

/// Instances, one after the other, each killed by a call that is given no time.
pub struct Supervised<I> {
    world: World,
    settings: String,
    instance: Option<I>,
    pending: BTreeMap<Ticket, Call>,
    outcomes: BTreeMap<Ticket, Outcome>,
    begun: Ticket,
    /// Set while no instance is up: when the next one is loaded, in the world's milliseconds.
    next_at: Option<u64>,
}

/// How long a slot waits before it loads another instance, in milliseconds.
const PAUSE: u64 = 1000;

impl<I: Instance> Supervised<I> {
    /// A stage over `world`, with no instance yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            settings: String::new(),
            instance: None,
            pending: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            begun: 0,
            next_at: None,
        }
    }

    /// The instance ends, and with it its calls; events wait for the next one.
    fn trap(&mut self) {
        self.collect();
        self.instance = None;
        self.next_at = Some(self.world.elapsed() + PAUSE);
        // So that time does not pass the moment by.
        drop(self.world.sleep(PAUSE));
        self.answer_without_instance(trapped);
    }

    /// Requests are answered, events wait for the next instance, which is loaded with the settings.
    fn answer_without_instance(&mut self, respond: fn(&str) -> Response) {
        let outcomes = &mut self.outcomes;
        self.pending.retain(|ticket, call| {
            let outcome = match call {
                Call::Event { .. } => return true,
                Call::Request { method, .. } => Outcome::Response(respond(method)),
                Call::Function { .. } => Outcome::Function("failed".to_owned()),
                Call::Update(_) => Outcome::Updated,
            };
            outcomes.insert(*ticket, outcome);
            false
        });
    }

    fn collect(&mut self) {
        for (ticket, outcome) in self.instance.as_mut().map(I::outcomes).unwrap_or_default() {
            self.pending.remove(&ticket);
            self.outcomes.insert(ticket, outcome);
        }
    }
}

impl<I: Instance> Stage for Supervised<I> {
    async fn load(&mut self, settings: &str) -> Result<(), String> {
        self.instance = None;
        self.pending.clear();
        self.next_at = None;
        self.settings = settings.to_owned();
        self.instance = Some(I::load(&self.world, settings).await?);
        Ok(())
    }

    fn begin(&mut self, call: Call, without_time: bool) -> Ticket {
        self.begun += 1;
        let call = match call {
            // Named here, so that it has the same name when it is offered again.
            Call::Event { event, id: None } => Call::Event {
                event,
                id: Some(new_id(&self.world)),
            },
            Call::Update(settings) => {
                self.settings.clone_from(&settings);
                Call::Update(settings)
            }
            call => call,
        };
        self.pending.insert(self.begun, call.clone());
        match &mut self.instance {
            Some(_) if without_time => self.trap(),
            Some(instance) => instance.begin(self.begun, call),
            None => self.answer_without_instance(down),
        }
        self.begun
    }

    async fn settle(&mut self) {
        if self.next_at.is_some_and(|at| at <= self.world.elapsed()) {
            self.next_at = None;
            let mut next = I::load(&self.world, &self.settings).await.ok();
            if let Some(next) = &mut next {
                for (ticket, call) in &self.pending {
                    next.begin(*ticket, call.clone());
                }
            }
            self.instance = next;
        }
        if let Some(instance) = &mut self.instance {
            instance.settle().await;
        }
        self.collect();
    }

    fn outcome(&mut self, ticket: Ticket) -> Option<Outcome> {
        self.outcomes.get(&ticket).cloned()
    }
}

fn new_id(world: &World) -> String {
    let hex: String = world
        .random()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("evt_{hex}")
}

fn trapped(method: &str) -> Response {
    failed(
        method,
        500,
        "the module failed; what became of the request is not known",
    )
}

fn down(method: &str) -> Response {
    failed(
        method,
        503,
        "the module is not running now; repeat the request later",
    )
}

fn failed(method: &str, status: u16, sentence: &str) -> Response {
    Response {
        status: if method == "PUT" { 403 } else { status },
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: serde_json::json!({ "error": sentence }).to_string(),
    }
}
