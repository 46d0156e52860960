//! The security systems of the module's system: found in Redis, called through core.

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt;
use placeos_wire::{Command, Message};
use serde::Deserialize;
use serde_json::{Value, json};

use super::link::Link;
use super::redis::Lookups;
use crate::host::Answer;
use crate::host::doors::{Door, Doors, Outcome};

/// The doors around one module. Clones are the same.
#[derive(Clone)]
pub(super) struct SystemDoors(Arc<Around>);

struct Around {
    module: String,
    /// The id of the system that the module is in; core may put it into another one.
    system: RwLock<Option<String>>,
    link: Link,
    lookups: Arc<Lookups>,
}

/// A door as a security system lists it.
#[derive(Deserialize)]
struct Listed {
    door_id: Value,
    description: Option<String>,
}

impl SystemDoors {
    pub(super) fn new(module: String, link: Link, lookups: Arc<Lookups>) -> Self {
        Self(Arc::new(Around {
            module,
            system: RwLock::default(),
            link,
            lookups,
        }))
    }

    /// The module is in this system from now on.
    pub(super) fn enter(&self, system: Option<String>) {
        *self
            .0
            .system
            .write()
            .unwrap_or_else(PoisonError::into_inner) = system;
    }
}

impl Doors for SystemDoors {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        let around = Arc::clone(&self.0);
        async move {
            let system = around
                .system
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let system = system.ok_or("core put the module into no system")?;
            let modules = around.lookups.security_systems(&system).await;
            let mut modules = modules.map_err(|failure| failure.to_string())?;
            modules.retain(|module| *module != around.module);
            Ok(modules)
        }
        .boxed()
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        let around = Arc::clone(&self.0);
        async move {
            let list = around.call(system, "door_list", json!({}), None).await?;
            let list: Option<Vec<Listed>> = serde_json::from_str(&list)
                .map_err(|error| format!("it answered with no list of doors: {error}"))?;
            list.unwrap_or_default().into_iter().map(door).collect()
        }
        .boxed()
    }

    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        let around = Arc::clone(&self.0);
        async move {
            let arguments = json!({ "door_id": door });
            let outcome = around.call(system, "unlock", arguments, caller).await?;
            match serde_json::from_str(&outcome) {
                Ok(Value::Bool(true)) => Ok(Outcome::Unlocked),
                Ok(Value::Bool(false)) => Ok(Outcome::Refused),
                Ok(Value::Null) => Ok(Outcome::Unsupported),
                _ => Err("it answered with neither true, false nor null".to_owned()),
            }
        }
        .boxed()
    }
}

impl Around {
    /// Calls a function of another module; answers with the JSON that it returned.
    async fn call(
        &self,
        module: String,
        function: &str,
        arguments: Value,
        caller: Option<String>,
    ) -> Result<String, String> {
        let exec = Message {
            id: module,
            cmd: Command::Exec,
            user_id: caller,
            reply: Some(self.module.clone()),
            payload: Some(json!({ "__exec__": function, function: arguments }).to_string()),
            ..Message::default()
        };
        let result = self.link.ask(exec).await;
        let result = result.map_err(|error| error.to_string())?;
        Ok(result.payload.unwrap_or_else(|| "null".to_owned()))
    }
}

/// A number is taken as its text.
fn door(listed: Listed) -> Result<Door, String> {
    let id = match listed.door_id {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        _ => return Err("it listed a door whose id is no text".to_owned()),
    };
    Ok(Door {
        id,
        description: listed.description,
    })
}
