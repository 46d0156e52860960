//! Which modules of a system are security systems, as Redis tells.
//!
//! Core writes a system's map anew, field by field, and then says so on a channel; until it does,
//! what was read stays good for a while.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::cmd;
use serde_json::Value;

use super::connection::{Redis, RedisFailure};

/// The interface of a module that lists doors and unlocks them.
const DOOR_SECURITY: &str = "PlaceOS::Driver::Interface::DoorSecurity";
/// A module that is started later says what it is without a word on any channel.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// Looks modules up.
pub struct Lookups {
    redis: Redis,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    systems: HashMap<String, (Instant, Vec<String>)>,
    /// How often something changed. What was asked before a change is not kept after it.
    changes: u64,
}

impl Lookups {
    /// Nothing is known at first.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            known: Mutex::default(),
        }
    }

    /// The ids of the modules in `system` that are security systems.
    pub async fn security_systems(&self, system: &str) -> Result<Vec<String>, RedisFailure> {
        let changes = {
            let known = self.known();
            if let Some((at, modules)) = known.systems.get(system)
                && at.elapsed() < GOOD_FOR
            {
                return Ok(modules.clone());
            }
            known.changes
        };
        let modules = self.ask(system).await?;
        let mut known = self.known();
        if known.changes == changes && !modules.is_empty() {
            let found = (Instant::now(), modules.clone());
            known.systems.insert(system.to_owned(), found);
        }
        Ok(modules)
    }

    /// The map of `system` has changed, or any map may have.
    pub fn changed(&self, system: Option<&str>) {
        let mut known = self.known();
        known.changes += 1;
        match system {
            Some(system) => drop(known.systems.remove(system)),
            None => known.systems.clear(),
        }
    }

    async fn ask(&self, system: &str) -> Result<Vec<String>, RedisFailure> {
        let map = cmd("HVALS").arg(format!("system/{system}")).clone();
        let modules: BTreeSet<String> = self.redis.query(&map).await?;
        let mut found = Vec::new();
        for module in modules {
            let interface = cmd("GET").arg(format!("interface/{module}")).clone();
            let interface: Option<String> = self.redis.query(&interface).await?;
            if interface.is_some_and(|interface| is_door_security(&interface)) {
                found.push(module);
            }
        }
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By what a module implements, or by a function of that name, as PlaceOS does it.
fn is_door_security(interface: &str) -> bool {
    let Ok(interface) = serde_json::from_str::<Value>(interface) else {
        return false;
    };
    let implements = interface.get("implements").and_then(Value::as_array);
    implements.is_some_and(|names| names.iter().any(|name| name == DOOR_SECURITY))
        || interface
            .get("interface")
            .is_some_and(|functions| functions.get(DOOR_SECURITY).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_system_is_known_by_what_it_implements() {
        assert!(is_door_security(
            r#"{"implements":["A","PlaceOS::Driver::Interface::DoorSecurity"],"interface":{}}"#
        ));
        assert!(is_door_security(
            r#"{"interface":{"PlaceOS::Driver::Interface::DoorSecurity":{}}}"#
        ));
        for other in [
            "",
            "[]",
            "{}",
            r#"{"implements":["PlaceOS::Driver::Interface::Lighting"]}"#,
        ] {
            assert!(!is_door_security(other), "{other}");
        }
    }
}
