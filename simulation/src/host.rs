//! The world, as the host of one instance.

use std::future::pending;
use std::rc::{Rc, Weak};
use std::time::Duration;

use rhombus_driver::door::UnlockOutcome;
use rhombus_driver::host::{
    Change, CommitError, Host, Level, ListedDoor, Post, PostAnswer, PostFailure, StorageFailed,
};

use crate::fact::{AttemptId, Instance};
use crate::world::{Answered, DOORS, World};

/// What an instance has of the world. Once it has been killed, no call takes effect or is answered.
pub(crate) struct Hands {
    /// Weak, because a driver that was killed may hold itself.
    world: Weak<World>,
    instance: Instance,
}

impl Hands {
    pub(crate) fn new(world: &Rc<World>, instance: Instance) -> Self {
        Self {
            world: Rc::downgrade(world),
            instance,
        }
    }

    /// What `ask` comes to; never, if the instance has been killed.
    async fn ask<T>(&self, ask: impl FnOnce(&World) -> Option<Answered<T>>) -> T {
        let answered = self.world.upgrade().and_then(|world| ask(&world));
        if let Some(answered) = answered
            && let Ok(answer) = answered.await
        {
            return answer;
        }
        pending().await
    }

    /// Goes on only if the instance has not been killed.
    async fn live(&self) {
        let world = self.world.upgrade();
        if !world.is_some_and(|world| world.is_alive(self.instance)) {
            pending().await
        }
    }
}

impl Host for Hands {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageFailed> {
        self.ask(|world| world.get(self.instance, key)).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageFailed> {
        self.ask(|world| world.scan(self.instance, prefix, after, limit))
            .await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        self.ask(|world| world.commit(self.instance, changes)).await
    }

    async fn post(&self, post: Post) -> Result<PostAnswer, PostFailure> {
        let mut flight = None;
        self.ask(|world| {
            let (attempt, answered) = world.post(self.instance, &post)?;
            flight = Some(InFlight {
                world: self.world.clone(),
                attempt,
            });
            Some(answered)
        })
        .await
    }

    async fn check_url(&self, _url: &str) -> Result<(), String> {
        self.live().await;
        Ok(())
    }

    async fn systems(&self) -> Result<Vec<String>, String> {
        self.live().await;
        Ok(vec!["site".to_owned()])
    }

    async fn doors(&self, _system: &str) -> Result<Vec<ListedDoor>, String> {
        self.live().await;
        let listed = |id: &&str| ListedDoor {
            id: (*id).to_owned(),
            description: None,
        };
        Ok(DOORS.iter().map(listed).collect())
    }

    async fn unlock(
        &self,
        _system: &str,
        door: &str,
        _caller: Option<&str>,
    ) -> Result<UnlockOutcome, String> {
        let mut outcome = Ok(UnlockOutcome::Unlocked);
        self.ask(|world| {
            let (answer, answered) = world.unlock(self.instance, door)?;
            outcome = answer;
            Some(answered)
        })
        .await;
        outcome
    }

    fn set_status(&self, key: &str, json: &str) {
        if let Some(world) = self.world.upgrade() {
            world.set_status(self.instance, key, json);
        }
    }

    async fn save_setting(&self, _name: &str, json: &str) -> Result<(), String> {
        let world = self.world.upgrade();
        match world.and_then(|world| world.save_setting(self.instance, json)) {
            Some(saved) => saved,
            None => pending().await,
        }
    }

    fn now(&self) -> u64 {
        self.world.upgrade().map_or(0, |world| world.wall())
    }

    async fn sleep(&self, duration: Duration) {
        self.ask(|world| world.sleep(self.instance, duration)).await
    }

    fn random(&self) -> [u8; 16] {
        let world = self.world.upgrade();
        world.map_or([0; 16], |world| world.random())
    }

    fn log(&self, _level: Level, _message: &str, _fields: &[(&str, &str)]) {}
}

/// A POST under way. Dropping it tells the world; after its answer that changes nothing.
struct InFlight {
    world: Weak<World>,
    attempt: AttemptId,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(world) = self.world.upgrade() {
            world.drop_attempt(self.attempt);
        }
    }
}
