//! Where a scenario is played: the native driver, the slot, a JavaScript host.

/// What is asked of a module.
#[derive(Clone, Debug)]
pub enum Call {
    /// A webhook request.
    Request {
        /// Who asks.
        caller: Option<String>,
        /// The method.
        method: String,
        /// Header names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// A door event.
    Event {
        /// JSON text.
        event: String,
        /// The host's name for it.
        id: Option<String>,
    },
    /// A function for operators.
    Function {
        /// Its name.
        name: String,
        /// A JSON object, as text.
        arguments: String,
    },
    /// New settings, JSON text.
    Update(String),
}

/// What a module answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// To a request.
    Response(Response),
    /// To an event: `accepted`, `known`, `unsaved`, or `rejected: ` and the reason.
    Event(String),
    /// To a function: its JSON, or `unknown`, or `invalid: ` or `failed: ` and the reason.
    Function(String),
    /// To new settings.
    Updated,
}

/// What is answered to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Names a call that was begun.
pub type Ticket = usize;

/// A module in its host, over a scenario's [`World`](crate::World).
#[expect(async_fn_in_trait, reason = "a player has one stage, on one thread")]
pub trait Stage {
    /// Loads a module with these settings; one that is there is killed first. The error says why
    /// it does not load.
    async fn load(&mut self, settings: &str) -> Result<(), String>;
    /// Begins a call. One that is given no time ends the instance.
    fn begin(&mut self, call: Call, without_time: bool) -> Ticket;
    /// Returns when nothing goes on any more but what waits for time to pass.
    async fn settle(&mut self);
    /// What a call has come to, if it has.
    fn outcome(&mut self, ticket: Ticket) -> Option<Outcome>;
}
