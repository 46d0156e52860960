//! What subscribers do with the POSTs that they get.

use std::ops::RangeInclusive;

use fastrand::Rng;
use rhombus_driver::host::{Post, PostAnswer, PostFailure};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::time::SECOND;

/// How a receiver is, for a while.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    /// It answers 200 within some milliseconds.
    Healthy,
    /// It answers 204 after this long, in milliseconds. Beyond the driver's time-out the event is
    /// taken all the same, and the driver never learns of it.
    Slow(RangeInclusive<u64>),
    /// It answers everything with this status.
    Always(u16),
    /// It refuses, with this status, what contains this text, and takes the rest.
    Refuses(u16, String),
    /// It answers 429 or 503, and says when to come again.
    Busy(u16, RetryAfter),
    /// It answers 410 so many times, then is healthy.
    Gone(u8),
    /// Of a hundred POSTs, so many get a 500, the others are taken.
    Flaky(u8),
    /// It accepts the connection and never answers.
    Hangs,
    /// There is no answer, for this reason, known within a second.
    Unreachable(PostFailure),
}

/// What a receiver says of when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Absent,
    /// After so many seconds.
    Seconds(u32),
    /// At a time, in so many seconds by the module's clock.
    Date(u32),
    /// Nothing that could be read.
    Garbage,
}

/// What a receiver does with one POST.
pub(crate) struct Reply {
    /// When its answer is there, in milliseconds after the POST.
    pub(crate) after: u64,
    pub(crate) result: Result<PostAnswer, PostFailure>,
}

impl Reply {
    /// Whether the receiver has the event.
    pub(crate) fn takes(&self) -> bool {
        matches!(&self.result, Ok(answer) if (200..300).contains(&answer.status))
    }
}

impl Mood {
    /// What becomes of `post`, sent at `wall` milliseconds since 1970.
    pub(crate) fn reply(&mut self, post: &Post, wall: u64, rng: &mut Rng) -> Reply {
        let soon = rng.u64(1..40);
        let answer = |after, status, retry_after| Reply {
            after,
            result: Ok(PostAnswer {
                status,
                retry_after,
            }),
        };
        match self {
            Self::Healthy => answer(soon, 200, None),
            Self::Slow(range) => answer(rng.u64(range.clone()), 204, None),
            Self::Always(status) => answer(soon, *status, None),
            Self::Refuses(status, text) if post.body.contains(text.as_str()) => {
                answer(soon, *status, None)
            }
            Self::Refuses(..) => answer(soon, 200, None),
            Self::Busy(status, retry_after) => answer(soon, *status, retry_after.header(wall)),
            Self::Gone(left) => {
                *left -= 1;
                if *left == 0 {
                    *self = Self::Healthy;
                }
                answer(soon, 410, None)
            }
            Self::Flaky(percent) => {
                let fails = rng.u8(..100) < *percent;
                answer(soon, if fails { 500 } else { 200 }, None)
            }
            Self::Hangs => Reply {
                after: u64::MAX,
                result: Err(PostFailure::Timeout),
            },
            Self::Unreachable(failure) => Reply {
                after: rng.u64(0..SECOND),
                result: Err(failure.clone()),
            },
        }
    }
}

impl RetryAfter {
    fn header(self, wall: u64) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Seconds(seconds) => Some(seconds.to_string()),
            Self::Date(seconds) => {
                let at = i64::try_from(wall / SECOND).ok()? + i64::from(seconds);
                let at = OffsetDateTime::from_unix_timestamp(at).ok()?;
                // HTTP's own format says GMT where mail says +0000.
                Some(at.format(&Rfc2822).ok()?.replace("+0000", "GMT"))
            }
            Self::Garbage => Some("soon".to_owned()),
        }
    }
}
