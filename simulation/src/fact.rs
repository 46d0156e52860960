//! What happens in a history, as the host sees it: what the laws judge, and the trace shows.

use std::fmt;
use std::rc::Rc;

use rhombus_driver::host::{Change, CommitError, Post, PostAnswer, PostFailure};

/// A subscriber's address.
pub(crate) type Url = Rc<str>;

/// One life of the driver, from loading to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instance(pub(crate) u32);

/// A call of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// A POST that the driver sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub(crate) u32);

/// A door event: its place in the order in which the site had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventNumber(pub usize);

/// What the driver is called for.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// To load, with these settings.
    Load(String),
    /// To take settings.
    Update(String),
    /// To subscribe.
    Post {
        /// Whom.
        url: Url,
        /// With which secret.
        secret: Option<String>,
    },
    /// To unsubscribe.
    Delete {
        /// Whom.
        url: Url,
    },
    /// To unlock a door.
    Put {
        /// Which.
        door: &'static str,
    },
    /// To take a door event.
    Event(EventNumber),
    /// To keep a door event as rejected, unread.
    SetAside(EventNumber),
    /// A function of an operator's.
    Operate {
        /// Which.
        function: &'static str,
        /// About which subscription, if it is about one only.
        url: Option<Url>,
        /// Its arguments, as JSON.
        arguments: String,
    },
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An instance is loaded.
    Loaded,
    /// It is not.
    NotLoaded(String),
    /// Settings were taken, or are not needed any more.
    Updated,
    /// The status of a webhook request.
    Status(u16),
    /// An event is saved.
    Accepted,
    /// It was before.
    Known,
    /// It cannot be read.
    Rejected,
    /// It is not known to be saved.
    Unsaved,
    /// A function did what it was called for, and answers this.
    Operated(String),
    /// It did not, or is not known to have.
    NotOperated(String),
}

/// Something that happened.
pub(crate) enum Fact<'a> {
    /// An instance was started and took the module over; loading begins.
    Started(Instance),
    /// An instance is told to stop.
    Stopping(Instance),
    /// An instance ended: `run` has returned, or it was killed.
    Ended {
        /// Which.
        instance: Instance,
        /// How, in a word.
        how: &'a str,
    },
    /// A call begins.
    Called {
        /// Which.
        call: CallId,
        /// Of this instance.
        instance: Instance,
        /// For what.
        what: &'a Call,
    },
    /// A call was answered.
    Answered {
        /// Which.
        call: CallId,
        /// With what.
        answer: &'a Answer,
    },
    /// A call will never be answered: its instance has ended.
    Unanswered(CallId),
    /// A commit was made.
    Committed {
        /// By this instance.
        instance: Instance,
        /// What was changed.
        changes: &'a [Change],
        /// Whether its instance is told so.
        told: bool,
    },
    /// A commit was not made, and its instance is told.
    NotCommitted {
        /// By this instance.
        instance: Instance,
        /// Why.
        why: &'a CommitError,
    },
    /// An attempt starts.
    Attempt {
        /// Which.
        attempt: AttemptId,
        /// Of this instance.
        instance: Instance,
        /// What is sent.
        post: &'a Post,
    },
    /// The security system is asked to unlock a door.
    Asked {
        /// By this instance.
        instance: Instance,
        /// Which door.
        door: &'a str,
    },
    /// A receiver has the event of this attempt and answers with a 2xx.
    Taken(AttemptId),
    /// An attempt's result reaches the driver.
    Result {
        /// Which attempt.
        attempt: AttemptId,
        /// What came of it.
        result: &'a Result<PostAnswer, PostFailure>,
    },
    /// The driver, or its end, has dropped an attempt under way.
    Dropped(AttemptId),
    /// The wall clock jumps.
    Jumped(i64),
    /// A status key is set.
    Status {
        /// By this instance.
        instance: Instance,
        /// The key.
        key: &'a str,
        /// Its value.
        json: &'a str,
    },
    /// The driver's copy of its book reaches the settings.
    Saved(&'a str),
    /// All that was durable is gone.
    StoreLost,
    /// A minute has passed, or some.
    Minute {
        /// The calls of the host in that time.
        host_calls: u64,
    },
    /// Everything is healthy from now on, and nothing new comes in.
    Healing,
    /// Something around the driver changes.
    World(&'a str),
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

impl fmt::Display for EventNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(settings) => write!(f, "load {settings}"),
            Self::Update(settings) => write!(f, "update {settings}"),
            Self::Post { url, secret } => write!(f, "POST {url} {secret:?}"),
            Self::Delete { url } => write!(f, "DELETE {url}"),
            Self::Put { door } => write!(f, "PUT {door}"),
            Self::Event(event) => write!(f, "event {event}"),
            Self::SetAside(event) => write!(f, "set aside {event}"),
            Self::Operate {
                function,
                url: _,
                arguments,
            } => write!(f, "{function} {arguments}"),
        }
    }
}

impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(instance) => write!(f, "{instance} starts"),
            Self::Stopping(instance) => write!(f, "{instance} is told to stop"),
            Self::Ended { instance, how } => write!(f, "{instance} ends: {how}"),
            Self::Called {
                call,
                instance,
                what,
            } => write!(f, "{instance} {call} {what}"),
            Self::Answered { call, answer } => write!(f, "   {call} answers {answer:?}"),
            Self::Unanswered(call) => write!(f, "   {call} is never answered"),
            Self::Committed {
                instance,
                changes,
                told,
            } => {
                write!(f, "{instance} commit")?;
                for change in *changes {
                    match change {
                        Change::Put { key, .. } => write!(f, " {key}"),
                        Change::PutIfAbsent { key, .. } => write!(f, " +{key}"),
                        Change::Delete { key } => write!(f, " -{key}"),
                    }?;
                }
                f.write_str(if *told { "" } else { ", its answer lost" })
            }
            Self::NotCommitted { instance, why } => write!(f, "{instance} commit fails: {why}"),
            Self::Attempt {
                attempt,
                instance,
                post,
            } => write!(f, "{instance} {attempt} to {} {}", post.url, post.body),
            Self::Asked { instance, door } => write!(f, "{instance} asks for {door}"),
            Self::Taken(attempt) => write!(f, "   {attempt} is taken"),
            Self::Result { attempt, result } => match result {
                Ok(PostAnswer {
                    status,
                    retry_after,
                }) => {
                    write!(f, "   {attempt} {status}")?;
                    retry_after
                        .iter()
                        .try_for_each(|after| write!(f, ", Retry-After: {after}"))
                }
                Err(failure) => write!(f, "   {attempt} {failure}"),
            },
            Self::Dropped(attempt) => write!(f, "   {attempt} is dropped"),
            Self::Jumped(by) => write!(f, "the wall clock jumps by {by} ms"),
            Self::Status {
                instance,
                key,
                json,
            } => write!(f, "{instance} {key} = {json}"),
            Self::Saved(json) => write!(f, "saved_subscriptions = {json}"),
            Self::StoreLost => f.write_str("the store is lost"),
            Self::Minute { host_calls } => write!(f, "a minute with {host_calls} host calls"),
            Self::Healing => f.write_str("everything heals"),
            Self::World(text) => f.write_str(text),
        }
    }
}
