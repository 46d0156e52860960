//! One life of the driver: its executor, its calls, its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_executor::{LocalPool, LocalSpawner};
use futures_util::task::LocalSpawnExt;
use rhombus_driver::Driver;
use rhombus_driver::intake::{Acceptance, EventError};

use crate::fact::{Answer, Call, CallId, Fact, Instance};
use crate::host::Hands;
use crate::world::World;

/// An instance. Dropping it ends its calls.
pub(crate) struct Node {
    pub(crate) instance: Instance,
    pool: LocalPool,
    spawner: LocalSpawner,
    shared: Rc<Shared>,
}

struct Shared {
    world: Rc<World>,
    instance: Instance,
    /// Once it is loaded.
    driver: RefCell<Option<Driver<Hands>>>,
    answers: RefCell<Vec<(CallId, Answer)>>,
    /// It was told to stop.
    is_stopping: Cell<bool>,
    /// `run` has returned.
    has_run: Cell<bool>,
}

impl Shared {
    /// A call is answered, unless the instance has been killed.
    fn answer(&self, call: CallId, answer: Answer) {
        let mut state = self.world.state();
        if answer == Answer::Updated && self.is_stopping.get() {
            // Settings that an instance has no time for any more are for the next one.
            return;
        }
        if state.lives(self.instance) {
            state.see(&Fact::Answered {
                call,
                answer: &answer,
            });
            self.answers.borrow_mut().push((call, answer));
        }
    }
}

impl Node {
    /// Begins to load an instance, which is the call `load`.
    pub(crate) fn load(
        world: &Rc<World>,
        instance: Instance,
        load: CallId,
        settings: String,
    ) -> Self {
        let pool = LocalPool::new();
        let shared = Rc::new(Shared {
            world: Rc::clone(world),
            instance,
            driver: RefCell::default(),
            answers: RefCell::default(),
            is_stopping: Cell::default(),
            has_run: Cell::default(),
        });
        let node = Self {
            instance,
            spawner: pool.spawner(),
            pool,
            shared: Rc::clone(&shared),
        };
        let hands = Hands::new(world, instance);
        node.spawn(async move {
            match Driver::load(hands, &settings).await {
                Ok(driver) => {
                    shared.driver.replace(Some(driver.clone()));
                    shared.answer(load, Answer::Loaded);
                    driver.run().await;
                }
                Err(error) => shared.answer(load, Answer::NotLoaded(error.to_string())),
            }
            shared.has_run.set(true);
        });
        node
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.shared.driver.borrow().is_some()
    }

    /// Whether its `run` has returned, or it could not be loaded.
    pub(crate) fn has_run(&self) -> bool {
        self.shared.has_run.get()
    }

    /// Begins a call; `text` is the event's, if it is for one.
    pub(crate) fn call(&self, call: CallId, what: &Call, text: String, id: Option<String>) {
        let Some(driver) = self.shared.driver.borrow().clone() else {
            return;
        };
        let shared = Rc::clone(&self.shared);
        let what = what.clone();
        self.spawn(async move {
            let answer = answer(&driver, what, &text, id.as_deref()).await;
            shared.answer(call, answer);
        });
    }

    /// Whether it can be called: it is loaded, and not told to stop.
    pub(crate) fn takes_calls(&self) -> bool {
        self.is_loaded() && !self.shared.is_stopping.get()
    }

    pub(crate) fn stop(&self) {
        self.shared.is_stopping.set(true);
        if let Some(driver) = &*self.shared.driver.borrow() {
            driver.stop();
        }
    }

    /// Lets it do all that it can do now.
    pub(crate) fn run(&mut self) {
        self.pool.run_until_stalled();
    }

    /// What calls have come to since this was last asked.
    pub(crate) fn answers(&self) -> Vec<(CallId, Answer)> {
        self.shared.answers.take()
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        #[expect(clippy::expect_used, reason = "the pool lives as long as its spawner")]
        self.spawner.spawn_local(work).expect("the pool lives");
    }
}

async fn answer(driver: &Driver<Hands>, what: Call, text: &str, id: Option<&str>) -> Answer {
    match what {
        Call::Load(_) => Answer::Loaded,
        Call::Update(settings) => {
            driver.update(&settings).await;
            Answer::Updated
        }
        Call::Post { url, secret } => {
            let mut body = serde_json::json!({ "webhook": &*url });
            if let Some(secret) = secret {
                body["secret"] = secret.into();
            }
            Answer::Status(driver.post(body.to_string().as_bytes()).await.status)
        }
        Call::Delete { url } => {
            let body = serde_json::json!({ "webhook": &*url });
            Answer::Status(driver.delete(body.to_string().as_bytes()).await.status)
        }
        Call::Put { door } => {
            let body = serde_json::json!({ "door_id": door }).to_string();
            let answer = driver.put(Some("rhombus"), &[], body.as_bytes()).await;
            Answer::Status(answer.status)
        }
        Call::Operate {
            function,
            arguments,
            ..
        } => match driver.call(function, &arguments).await {
            Ok(answer) => Answer::Operated(answer),
            Err(error) => Answer::NotOperated(error.to_string()),
        },
        Call::Event(_) => event_answer(driver.on_door_event(text, id).await),
        Call::SetAside(_) => {
            event_answer(driver.set_aside(text, id, "the module fails on it").await)
        }
    }
}

fn event_answer(outcome: Result<Acceptance, EventError>) -> Answer {
    match outcome {
        Ok(Acceptance::Accepted) => Answer::Accepted,
        Ok(Acceptance::Known) => Answer::Known,
        Err(EventError::Rejected(_)) => Answer::Rejected,
        Err(EventError::Unsaved(_)) => Answer::Unsaved,
    }
}
