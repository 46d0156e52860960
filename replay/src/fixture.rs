//! The format of a fixture, `tests/fixtures/<behaviour>/<case>.json`.
//!
//! Wherever a JSON body stands, text is taken as it is, and anything else as the compact JSON that
//! it is: so a fixture can hold malformed bodies, and expected ones are compared to the byte.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// What it shows, in one sentence.
    pub about: String,
    /// The settings that the module is loaded with.
    #[serde(default = "default_settings")]
    pub settings: Value,
    /// The security systems; one with three doors unless told.
    #[serde(default = "default_systems")]
    pub systems: BTreeMap<String, Doors>,
    /// What happens. Each step is over when nothing goes on any more.
    pub steps: Vec<Step>,
}

/// One thing that happens, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A webhook request.
    Request(RequestStep),
    /// A door event.
    Event(EventStep),
    /// New settings.
    Update {
        /// A JSON object, or text.
        settings: Value,
        /// It is taken only after this time, in milliseconds.
        #[serde(default)]
        after_ms: u64,
        /// The POSTs that come of it.
        #[serde(default)]
        posts: Vec<Answer>,
    },
    /// Several requests, events and updates, each begun before it is known what those before it
    /// come to.
    Together {
        /// The calls. Time may pass between them, and the world change. When each is answered is
        /// told there, and what comes of all of them, here.
        steps: Vec<Step>,
        /// The POSTs that come of all of them.
        #[serde(default)]
        posts: Vec<Answer>,
        /// The unlocks that security systems were asked for: `system/door`.
        #[serde(default)]
        unlocks: Vec<String>,
    },
    /// An operator calls a function.
    Call {
        /// Its name.
        function: String,
        /// A JSON object, or text.
        #[serde(default = "no_arguments")]
        arguments: Value,
        /// Its answer; text is `unknown`, or `invalid: ` or `failed: ` and the reason.
        expect: Value,
        /// The POSTs that come of it.
        #[serde(default)]
        posts: Vec<Answer>,
    },
    /// Time passes.
    Advance {
        /// How much, in milliseconds.
        ms: u64,
        /// The POSTs that come of it.
        #[serde(default)]
        posts: Vec<Answer>,
    },
    /// The module is killed and loaded again from its store.
    Restart {
        /// Other settings than it had.
        settings: Option<Value>,
        /// Why it does not load, if it must not: text that the reason contains.
        refused: Option<String>,
        /// The POSTs that come of it.
        #[serde(default)]
        posts: Vec<Answer>,
    },
    /// The module is killed and its store is lost; it is loaded again with these settings.
    LoseStore {
        /// The settings; `null` takes those that the module saved itself into the last ones.
        settings: Option<Value>,
    },
    /// The world changes. What is not named stays as it is.
    World {
        /// How storage answers from now on.
        storage: Option<StorageMode>,
        /// How receivers answer from now on, by URL.
        #[serde(default)]
        receivers: BTreeMap<String, Receiver>,
        /// All security systems from now on.
        systems: Option<BTreeMap<String, Doors>>,
        /// Whether the map of security systems can be read.
        map_fails: Option<bool>,
        /// What the egress rule's address part refuses from now on: URL and reason.
        #[serde(default)]
        refuse: BTreeMap<String, String>,
        /// The clock jumps to so many milliseconds from where it is.
        clock_jump_ms: Option<i64>,
        /// Puts a record into the store, as another version of the driver would have.
        #[serde(default)]
        records: BTreeMap<String, Value>,
    },
    /// What operators see.
    Status {
        /// Keys and their values.
        expect: Map<String, Value>,
    },
    /// The settings that the module saved since the last such step, by name.
    Saved {
        /// Names and values; `null` for one that must not have been saved.
        expect: Map<String, Value>,
    },
    /// How many records the store holds, by the beginning of their keys.
    Store {
        /// Beginnings and counts.
        expect: BTreeMap<String, usize>,
    },
}

/// A webhook request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestStep {
    /// The method.
    pub method: String,
    /// The body; none if absent.
    pub body: Option<Value>,
    /// The body in hexadecimal, for what is not UTF-8.
    pub bytes: Option<String>,
    /// Who asks.
    pub caller: Option<String>,
    /// Header names and values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is answered.
    pub expect: Expected,
    /// It is answered only after this time, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// It is given no time, and so ends the instance.
    #[serde(default)]
    pub trap: bool,
    /// It is made so many times, each after the one before was answered, and each must come to this.
    #[serde(default = "once")]
    pub times: u32,
    /// Whether it writes to the store; not looked at if absent.
    pub writes: Option<bool>,
    /// The POSTs that come of it.
    #[serde(default)]
    pub posts: Vec<Answer>,
    /// The unlocks that security systems are asked for: `system/door`, or `system/door by caller`.
    #[serde(default)]
    pub unlocks: Vec<String>,
}

/// What a request is answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The status.
    pub status: u16,
    /// Headers that must be there.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; empty if absent.
    pub body: Option<Value>,
}

/// A door event.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventStep {
    /// The event.
    pub event: Value,
    /// The host's name for it.
    pub id: Option<String>,
    /// `accepted`, `known`, `unsaved`, or `rejected: ` and the reason.
    pub expect: String,
    /// It is answered only after this time, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
    /// It is given no time at first, and so ends the instance.
    #[serde(default)]
    pub trap: bool,
    /// Whether it writes to the store; not looked at if absent.
    pub writes: Option<bool>,
    /// The POSTs that come of it.
    #[serde(default)]
    pub posts: Vec<Answer>,
}

/// A POST that a subscriber gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Where it goes.
    pub url: String,
    /// Headers that must be there, by lower-case name; `null` for one that must not.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body, to the byte.
    pub body: Value,
}

/// A security system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doors {
    /// Its doors: id, and what comes of unlocking it.
    #[serde(default)]
    pub doors: Vec<Door>,
    /// It does not list its doors, for this reason.
    pub list_fails: Option<String>,
    /// It lists them only after so many milliseconds.
    #[serde(default)]
    pub list_after_ms: u64,
}

/// A door of a security system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub description: Option<String>,
    /// What comes of unlocking it.
    #[serde(default)]
    pub unlock: Unlock,
    /// When, in milliseconds.
    #[serde(default)]
    pub after_ms: u64,
}

/// What comes of unlocking a door.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Unlock {
    /// It opens.
    #[default]
    Unlocked,
    /// It does not.
    Refused,
    /// The system cannot unlock.
    Unsupported,
    /// The system fails.
    Fails,
}

/// Why a POST gets no answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PostFailure {
    /// The name does not resolve.
    Dns,
    /// There is no connection.
    Refused,
    /// It took too long.
    Timeout,
    /// The receiver's TLS is not to be trusted.
    Tls,
    /// The egress rule forbids it.
    Blocked,
    /// The answer is too large.
    TooLarge,
}

impl PostFailure {
    /// Its name in fixtures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Blocked => "blocked",
            Self::TooLarge => "too_large",
        }
    }
}

/// How a receiver answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receiver {
    /// The status, 200 unless told.
    pub status: Option<u16>,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// It answers after so many milliseconds.
    pub after_ms: u64,
    /// It does not answer, for this reason.
    pub fails: Option<PostFailure>,
}

/// How storage answers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum StorageMode {
    /// As it should.
    #[default]
    Works,
    /// Commits fail, and nothing is written.
    Fails,
    /// Commits are made, but answered as failed.
    LosesAnswers,
    /// Commits are answered after a second.
    IsSlow,
    /// The next commit is made, but answered as failed, and with it the store goes down.
    GoesDown,
    /// Nothing can be read, commits fail, and nothing is written.
    IsDown,
}

/// The text that a JSON value in a fixture stands for.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn once() -> u32 {
    1
}

fn no_arguments() -> Value {
    Map::new().into()
}

fn default_settings() -> Value {
    serde_json::json!({ "organization_id": "event" })
}

fn default_systems() -> BTreeMap<String, Doors> {
    let door = |id: &str, description: &str, unlock| Door {
        id: id.to_owned(),
        description: Some(description.to_owned()),
        unlock,
        after_ms: 0,
    };
    let doors = vec![
        door("lobby", "Lobby", Unlock::Unlocked),
        door("vault", "Vault", Unlock::Refused),
        door("loading-dock", "Loading dock", Unlock::Unsupported),
    ];
    BTreeMap::from([(
        "main".to_owned(),
        Doors {
            doors,
            list_fails: None,
            list_after_ms: 0,
        },
    )])
}
