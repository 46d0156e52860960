//! The native driver as an instance of a scenario: what plays fixtures without a slot, and what fuzzing
//! drives.

#![forbid(unsafe_code)]

mod host;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_executor::{LocalPool, LocalSpawner};
use futures_util::FutureExt;
use futures_util::task::LocalSpawnExt;
use rhombus_driver::Driver;
use rhombus_driver::intake::{Acceptance, EventError};
use rhombus_driver::operators::CallError;
use rhombus_replay::{Call, Instance, Outcome, Response, Ticket, World};

use host::Scripted;

/// A driver and the tasks of its calls. Dropping it kills them all.
pub struct Native {
    driver: Driver<Scripted>,
    pool: LocalPool,
    spawner: LocalSpawner,
    outcomes: Rc<RefCell<Vec<(Ticket, Outcome)>>>,
    has_run: Rc<Cell<bool>>,
}

impl Native {
    /// Tells the driver to stop.
    pub fn stop(&self) {
        self.driver.stop();
    }

    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        self.has_run.get()
    }
}

impl Instance for Native {
    #[expect(clippy::expect_used, reason = "a scenario that cannot go on stops")]
    async fn load(world: &World, settings: &str) -> Result<Self, String> {
        // Time passes only when a step lets it: a driver that waited here would wait for ever.
        let loaded = Driver::load(Scripted(world.clone()), settings).now_or_never();
        let driver = loaded.expect("loading waits for nobody");
        let driver = driver.map_err(|error| error.to_string())?;
        let pool = LocalPool::new();
        let spawner = pool.spawner();
        let running = driver.clone();
        let has_run = Rc::new(Cell::new(false));
        let end = Rc::clone(&has_run);
        spawn(&spawner, async move {
            running.run().await;
            end.set(true);
        });
        Ok(Self {
            driver,
            pool,
            spawner,
            outcomes: Rc::default(),
            has_run,
        })
    }

    fn begin(&mut self, ticket: Ticket, call: Call) {
        let driver = self.driver.clone();
        let outcomes = Rc::clone(&self.outcomes);
        let calling = async move {
            let outcome = answer(&driver, call).await;
            outcomes.borrow_mut().push((ticket, outcome));
        };
        spawn(&self.spawner, calling);
    }

    async fn settle(&mut self) {
        self.pool.run_until_stalled();
    }

    fn outcomes(&mut self) -> Vec<(Ticket, Outcome)> {
        self.outcomes.take()
    }
}

#[expect(clippy::expect_used, reason = "a spawner and its pool go together")]
fn spawn(spawner: &LocalSpawner, task: impl Future<Output = ()> + 'static) {
    spawner.spawn_local(task).expect("the pool is there");
}

async fn answer(driver: &Driver<Scripted>, call: Call) -> Outcome {
    match call {
        Call::Request {
            caller,
            method,
            headers,
            body,
        } => {
            let caller = caller.as_deref();
            let response = driver.request(caller, &method, &headers, &body).await;
            let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Outcome::Response(Response {
                status: response.status,
                headers: response.headers.into_iter().map(header).collect(),
                body: response.body,
            })
        }
        Call::Event { event, id } => {
            Outcome::Event(match driver.on_door_event(&event, id.as_deref()).await {
                Ok(Acceptance::Accepted) => "accepted".to_owned(),
                Ok(Acceptance::Known) => "known".to_owned(),
                Err(EventError::Unsaved(_)) => "unsaved".to_owned(),
                Err(EventError::Rejected(reason)) => format!("rejected: {reason}"),
            })
        }
        Call::Function { name, arguments } => {
            Outcome::Function(match driver.call(&name, &arguments).await {
                Ok(answer) => answer,
                Err(CallError::Unknown) => "unknown".to_owned(),
                Err(CallError::Invalid(why)) => format!("invalid: {why}"),
                Err(CallError::Failed(why)) => format!("failed: {why}"),
            })
        }
        Call::Update(settings) => {
            driver.update(&settings).await;
            Outcome::Updated
        }
    }
}
