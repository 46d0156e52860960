//! GET lists doors.

use serde::Serialize;

use crate::door::Door;
use crate::driver::Driver;
use crate::host::Host;
use crate::settings::Contract;

use super::Response;

impl<H: Host + 'static> Driver<H> {
    /// Lists the doors of all security systems. A list that would have a hole is not given: 502.
    pub async fn get(&self) -> Response {
        #[derive(Serialize)]
        struct Doors {
            doors: Vec<Door>,
        }
        let doors = match self.all_doors().await {
            Ok(doors) => doors,
            Err(why) => {
                self.0.warn(&why);
                return Response::error(502, "the security systems gave no complete list of doors");
            }
        };
        match self.0.state.borrow().settings.contract {
            Contract::Document => Response::json(200, &doors),
            Contract::Deployed => Response::json(200, &Doors { doors }),
        }
    }
}
