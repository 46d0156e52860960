//! The one object that core and a driver's process exchange.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A message, in either direction. Which members mean something depends on the command.
#[derive(Clone, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default)]
pub struct Message {
    /// A module's id, or what else the command concerns.
    pub id: String,
    /// What is to be done.
    pub cmd: Command,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Tells which request a result is for. Each direction counts for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The module that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Of a result, as in HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Mostly JSON in a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The class of an error; it makes a result a failure, with the payload as its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a message asks for.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Load a module; to core: it is loaded.
    Start,
    /// Unload it.
    Stop,
    /// Its whole model is now this.
    Update,
    /// End the process.
    Terminate,
    /// Call a function.
    Exec,
    /// Send the module's log to core too; to core: a line of it.
    Debug,
    /// Do not any more.
    Ignore,
    /// Which modules are loaded?
    Info,
    /// The answer to a request.
    Result,
    /// To core: keep a setting.
    Setting,
    /// Anything else.
    #[default]
    #[serde(skip)]
    Unknown,
}

impl<'de> Deserialize<'de> for Command {
    /// Letters count, their case and underscores do not.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut name = String::deserialize(deserializer)?;
        name.retain(|letter| letter != '_');
        name.make_ascii_lowercase();
        Ok(match name.as_str() {
            "start" => Self::Start,
            "stop" => Self::Stop,
            "update" => Self::Update,
            "terminate" => Self::Terminate,
            "exec" => Self::Exec,
            "debug" => Self::Debug,
            "ignore" => Self::Ignore,
            "info" => Self::Info,
            "result" => Self::Result,
            "setting" => Self::Setting,
            _ => Self::Unknown,
        })
    }
}

/// Without what it carries, which holds secrets.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("cmd", &self.cmd)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_core_writes_is_read() {
        let exec =
            r#"{"id":"mod-1","user_id":null,"cmd":"exec","seq":12,"payload":"{}","later":1}"#;
        let message: Message = serde_json::from_str(exec).unwrap();
        let expected = Message {
            id: "mod-1".to_owned(),
            cmd: Command::Exec,
            seq: Some(12),
            payload: Some("{}".to_owned()),
            ..Message::default()
        };
        assert_eq!(message, expected);
    }

    #[test]
    fn a_command_is_known_by_its_letters() {
        for text in ["terminate", "TERMINATE", "Ter_Minate"] {
            let text = format!(r#"{{"id":"t","cmd":"{text}"}}"#);
            let message: Message = serde_json::from_str(&text).unwrap();
            assert_eq!(message.cmd, Command::Terminate);
        }
        let message: Message = serde_json::from_str(r#"{"id":"t","cmd":"hset"}"#).unwrap();
        assert_eq!(message.cmd, Command::Unknown);
    }

    #[test]
    fn what_is_absent_is_not_written() {
        let message = Message {
            cmd: Command::Result,
            seq: Some(7),
            payload: Some(r#"["mod-1"]"#.to_owned()),
            ..Message::default()
        };
        assert_eq!(
            serde_json::to_string(&message).unwrap(),
            r#"{"id":"","cmd":"result","seq":7,"payload":"[\"mod-1\"]"}"#
        );
    }
}
