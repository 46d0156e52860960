//! One scenario a file. Each answers a section of the report.

mod accepted;
mod burst;
mod growth;
mod neighbours;
mod promises;
mod start;
mod sustained;
mod verbs;

pub(super) use self::accepted::accepted;
pub(super) use self::burst::burst;
pub(super) use self::growth::growth;
pub(super) use self::neighbours::neighbours;
pub(super) use self::promises::promises;
pub(super) use self::start::start;
pub(super) use self::sustained::sustained;
pub(super) use self::verbs::verbs;
