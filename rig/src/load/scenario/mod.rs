//! One scenario a file. Each answers a section of the report.

mod accepted;
mod burst;
mod growth;
mod neighbours;
mod promises;
mod sandbox;
mod start;
mod sustained;
mod verbs;

use crate::load::receivers::Manner;

pub(super) use self::accepted::accepted;
pub(super) use self::burst::burst;
pub(super) use self::growth::growth;
pub(super) use self::neighbours::neighbours;
pub(super) use self::promises::promises;
pub(super) use self::sandbox::sandbox;
pub(super) use self::start::start;
pub(super) use self::sustained::sustained;
pub(super) use self::verbs::verbs;

/// So many subscribers, and how they answer.
fn answering(subscribers: usize, manner: Manner) -> String {
    let how = match manner {
        Manner::AtOnce => "at once".to_owned(),
        Manner::After(time) => format!("in {} ms", time.as_millis()),
        Manner::Never => "never".to_owned(),
    };
    match subscribers {
        1 => format!("1 subscriber that answers {how}"),
        more => format!("{more} subscribers that answer {how}"),
    }
}

/// `count` things of this name, which forms its plural by an s.
fn counted(count: impl Into<u64>, name: &str) -> String {
    match count.into() {
        1 => format!("1 {name}"),
        more => format!("{more} {name}s"),
    }
}
