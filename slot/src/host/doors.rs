//! The building's security systems.

use super::Answer;

/// A door that a security system has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The security system's name for it; stable, Rhombus keys its cameras by it.
    pub id: String,
    /// What people call it.
    pub description: Option<String>,
}

/// What came of asking a security system to unlock a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The door is open.
    Unlocked,
    /// It is not.
    Refused,
    /// This security system cannot unlock.
    Unsupported,
}

/// The security systems of a module's building.
pub trait Doors: Send + Sync {
    /// Their names.
    fn systems(&self) -> Answer<Result<Vec<String>, String>>;
    /// The doors of one.
    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>>;
    /// Unlocks a door of one.
    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>>;
}

/// A building without a security system.
#[derive(Debug, Default)]
pub struct NoDoors;

impl Doors for NoDoors {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        Box::pin(async move { Err(format!("there is no security system {system}")) })
    }

    fn unlock(
        &self,
        system: String,
        _door: String,
        _caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        Box::pin(async move { Err(format!("there is no security system {system}")) })
    }
}
