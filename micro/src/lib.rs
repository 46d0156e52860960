//! The work of one event or request by itself, to be counted natively and timed wherever the driver runs.
//!
//! [`work`] has the parts of an event that are plain functions; [`Site`] is a whole driver, over a host
//! that costs next to nothing: it agrees at once to whatever the driver asks.

#![forbid(unsafe_code)]

mod agreeable;
mod site;
pub mod work;

pub use site::Site;

/// When everything here happens, in milliseconds since 1970.
const NOW: u64 = 1_767_225_600_000;

/// The secret of every subscriber that has one.
const SECRET: &str = "f3b0c44298fc1c149afbf4c8996fb924";

/// A door event as security systems publish it, at one of so many `doors`.
fn event(number: u64, doors: u64) -> String {
    let door = number % doors;
    format!(
        r#"{{"module_id":"mod-doors","security_system":"Building","door_id":"door-{door}","timestamp":1649030365,"action":"granted","card_id":"{number:010}","user_name":"Ann Example","user_email":"ann@example.org"}}"#
    )
}
