//! Settings that the module itself writes: core keeps them.

use futures_util::FutureExt;
use placeos_wire::{Command, Message};
use serde_json::{Value, json};

use super::link::Link;
use crate::host::Answer;
use crate::host::settings::Settings;

/// The settings of one module. Core stores what it is told without a word, and sends it back later.
pub(super) struct CoreSettings {
    pub(super) module: String,
    pub(super) link: Link,
}

impl Settings for CoreSettings {
    fn save(&self, name: String, json: String) -> Answer<Result<(), String>> {
        let saved = serde_json::from_str::<Value>(&json).map(|value| {
            self.link.tell(&Message {
                id: self.module.clone(),
                cmd: Command::Setting,
                payload: Some(json!([name, value]).to_string()),
                ..Message::default()
            });
        });
        async move { saved.map_err(|error| format!("the value is not JSON: {error}")) }.boxed()
    }
}
