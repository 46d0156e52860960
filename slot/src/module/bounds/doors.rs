//! What a module may ask of the security systems, and what they may answer.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::host::Answer;
use crate::host::doors::{Door, Doors, Outcome};
use crate::host::under_way::{Limit, UnderWay};

/// Calls at once, and the bytes of their names. The driver has one for each request at most.
const LIMIT: Limit = Limit {
    calls: 4096,
    bytes: 4 << 20,
};
/// Bytes of the name of a system, a door or a caller. A door's has 512 in the driver.
const NAME: usize = 1024;
/// Security systems of a building, doors of one of them, and the bytes of their names: far more than a
/// building has. The driver keeps each list in its memory.
const SYSTEMS: usize = 1000;
const DOORS: usize = 20_000;
const LIST: usize = 4 << 20;

const LONG_NAME: &str = "a name is too long";
const TOO_MUCH: &str = "the module asks too much of the security systems at once";

/// The security systems, within bounds.
pub(super) struct BoundedDoors {
    doors: Arc<dyn Doors>,
    under_way: UnderWay,
}

impl BoundedDoors {
    pub(super) fn new(doors: Arc<dyn Doors>) -> Self {
        Self {
            doors,
            under_way: UnderWay::new(LIMIT),
        }
    }

    /// Makes a call in which names of so many bytes are given.
    fn ask<T: Send + 'static>(
        &self,
        names: [usize; 3],
        call: impl FnOnce() -> Answer<Result<T, String>>,
    ) -> Answer<Result<T, String>> {
        if names.iter().any(|bytes| *bytes > NAME) {
            return async { Err(LONG_NAME.to_owned()) }.boxed();
        }
        match self.under_way.begin(names.iter().sum()) {
            Some(place) => place.until(call()).boxed(),
            None => async { Err(TOO_MUCH.to_owned()) }.boxed(),
        }
    }
}

impl Doors for BoundedDoors {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        let systems = self.ask([0; 3], || self.doors.systems());
        let check = |systems: Vec<String>| {
            if systems.len() > SYSTEMS || systems.iter().any(|name| name.len() > NAME) {
                return Err("there are too many security systems".to_owned());
            }
            Ok(systems)
        };
        systems.map(move |systems| systems.and_then(check)).boxed()
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        let list = self.ask([system.len(), 0, 0], || self.doors.list(system));
        let check = |list: Vec<Door>| {
            let bytes =
                |door: &Door| door.id.len() + door.description.as_ref().map_or(0, String::len);
            if list.len() > DOORS || list.iter().map(bytes).sum::<usize>() > LIST {
                return Err("its list of doors is too long".to_owned());
            }
            Ok(list)
        };
        list.map(move |list| list.and_then(check)).boxed()
    }

    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        let caller_bytes = caller.as_ref().map_or(0, String::len);
        let names = [system.len(), door.len(), caller_bytes];
        self.ask(names, || self.doors.unlock(system, door, caller))
    }
}
