//! A building to try the driver with: a security system with a dozen doors, and people at them.

mod building;
mod people;
mod swipes;

pub use building::DemoBuilding;
pub use swipes::run;
