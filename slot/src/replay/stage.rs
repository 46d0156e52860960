//! A module in this slot, as the stage of a scenario.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_executor::LocalPool;
use futures_util::FutureExt;
use futures_util::task::LocalSpawnExt;
use rhombus_replay::{Call, Outcome, Stage, Ticket, World};

use crate::module::{Acceptance, CallError, EventError, Module, Request};

use super::world;

/// A module and the tasks of its calls. Loading another kills them all.
pub struct Slot {
    world: World,
    module: Option<(Module, LocalPool)>,
    outcomes: Arc<Mutex<BTreeMap<Ticket, Outcome>>>,
    begun: Ticket,
}

impl Slot {
    /// A stage over `world`, with no module yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            module: None,
            outcomes: Arc::default(),
            begun: 0,
        }
    }

    /// How much memory the module has, in bytes; without one there is none.
    pub fn memory(&self) -> usize {
        let module = self.module.as_ref();
        module.map_or(0, |(module, _)| module.memory())
    }
}

impl Stage for Slot {
    async fn load(&mut self, settings: &str) -> Result<(), String> {
        self.module = None;
        let capabilities = world::capabilities(&self.world);
        let started = Module::embedded(capabilities, settings.to_owned());
        let (module, supervisor) = started.map_err(|error| error.to_string())?;
        let mut pool = LocalPool::new();
        spawn(&pool, supervisor.run());
        pool.run_until_stalled();
        module
            .ready()
            .now_or_never()
            .unwrap_or_else(|| Err("it waits for something".to_owned()))?;
        self.module = Some((module, pool));
        Ok(())
    }

    fn begin(&mut self, call: Call, without_time: bool) -> Ticket {
        self.begun += 1;
        let ticket = self.begun;
        if let Some((module, pool)) = &self.module {
            let module = module.clone();
            let outcomes = Arc::clone(&self.outcomes);
            spawn(pool, async move {
                let outcome = answer(&module, call, without_time).await;
                tracing::debug!(?outcome, "answered");
                outcomes
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(ticket, outcome);
            });
        }
        ticket
    }

    async fn settle(&mut self) {
        if let Some((_, pool)) = &mut self.module {
            pool.run_until_stalled();
        }
    }

    fn outcome(&mut self, ticket: Ticket) -> Option<Outcome> {
        self.outcomes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&ticket)
            .cloned()
    }
}

async fn answer(module: &Module, call: Call, without_time: bool) -> Outcome {
    match call {
        Call::Request {
            caller,
            method,
            headers,
            body,
        } => {
            let request = Request {
                caller,
                method,
                headers,
                body,
            };
            let response = if without_time {
                module.request_without_time(request).await
            } else {
                module.request(request).await
            };
            let (status, headers, body) = (response.status, response.headers, response.body);
            Outcome::Response(rhombus_replay::Response {
                status,
                headers,
                body,
            })
        }
        Call::Event { event, id } => {
            let accepted = if without_time {
                module.door_event_without_time(event, id).await
            } else {
                module.door_event(event, id).await
            };
            Outcome::Event(match accepted {
                Ok(Acceptance::Accepted) => "accepted".to_owned(),
                Ok(Acceptance::Known) => "known".to_owned(),
                Err(EventError::Unsaved(_)) => "unsaved".to_owned(),
                Err(EventError::Rejected(reason)) => format!("rejected: {reason}"),
            })
        }
        Call::Function { name, arguments } => {
            Outcome::Function(match module.call(name, arguments).await {
                Ok(answer) => answer,
                Err(CallError::Unknown) => "unknown".to_owned(),
                Err(CallError::Invalid(why)) => format!("invalid: {why}"),
                Err(CallError::Failed(why)) => format!("failed: {why}"),
            })
        }
        Call::Update(settings) => {
            module.update(settings).await;
            Outcome::Updated
        }
    }
}

fn spawn(pool: &LocalPool, task: impl Future<Output = ()> + 'static) {
    #[expect(clippy::expect_used, reason = "a pool takes tasks as long as it lives")]
    pool.spawner().spawn_local(task).expect("the pool lives");
}
