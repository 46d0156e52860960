//! A driver in its sandbox: one long-lived instance, many calls in flight, restarted when it traps.

/// A webhook request, as PlaceOS hands it to a driver.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks, as far as the slot knows; for a webhook `webhook.<trigger>`.
    pub caller: Option<String>,
    /// The HTTP method, in upper case.
    pub method: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the driver answers: PlaceOS's triple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty means none.
    pub body: String,
}

/// What became of a door event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Saved, and on its way to every subscriber.
    Accepted,
    /// One of this id was accepted before.
    Known,
}

/// Why a door event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It cannot be read; it is kept as rejected, with this reason.
    #[error("{0}")]
    Rejected(String),
    /// It is not known to be saved.
    #[error("{0}")]
    Unsaved(String),
}

/// A loaded module. Cheap to clone; all clones speak to the same instance.
#[derive(Clone, Debug)]
pub struct Module;

impl Module {
    /// Answers a webhook request. It never fails: a trap is answered as design has it, 403 for a PUT, else 500.
    pub async fn request(&self, request: Request) -> Response {
        let _ = request;
        unimplemented!()
    }

    /// Offers a door event, as JSON text; returns when it is durable. `id` names it; `None` lets the driver name it.
    pub async fn door_event(&self, event: String, id: Option<String>) -> Result<Acceptance, EventError> {
        let _ = (event, id);
        unimplemented!()
    }

    /// Gives the module whole new settings, a JSON object.
    pub async fn update(&self, settings: String) {
        let _ = settings;
        unimplemented!()
    }

    /// Whether an instance is up and loaded.
    pub fn is_ready(&self) -> bool {
        unimplemented!()
    }

    /// Lets calls under way finish, starts nothing new, and returns when the instance has ended.
    pub async fn stop(&self) {
        unimplemented!()
    }
}
