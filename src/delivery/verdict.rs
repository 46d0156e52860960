//! What the end of an attempt says: about the delivery, and about the subscriber.

use std::time::{Duration, SystemTime};

use crate::host::{PostAnswer, PostFailure};

/// The longest `Retry-After` that is kept.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 2xx.
    Delivered,
    /// 429 or 503: the subscriber wants to be left alone, at least so long.
    Busy(Duration),
    /// 400, 413 or 422: this body is not wanted.
    Unwelcome,
    /// 410: the subscriber says that it is no more.
    Gone,
    /// The egress rule forbids it now.
    Blocked,
    /// Anything else that was answered. Redirects are not followed.
    Failed,
    /// There was no answer, or only that of a gateway before the receiver.
    Unanswered,
}

impl Verdict {
    /// What `result` says at `now`, in milliseconds since 1970.
    pub(super) fn of(result: &Result<PostAnswer, PostFailure>, now: u64) -> Self {
        let answer = match result {
            Ok(answer) => answer,
            Err(PostFailure::Blocked(_)) => return Self::Blocked,
            Err(_) => return Self::Unanswered,
        };
        match answer.status {
            200..=299 => Self::Delivered,
            429 | 503 => {
                let wait = answer.retry_after.as_deref();
                Self::Busy(wait.map_or(Duration::ZERO, |wait| retry_after(wait, now)))
            }
            400 | 413 | 422 => Self::Unwelcome,
            410 => Self::Gone,
            502 | 504 => Self::Unanswered,
            _ => Self::Failed,
        }
    }

    /// Whether it counts as an attempt: one that the subscriber or the egress rule put off does not.
    pub(super) fn counts(self) -> bool {
        !matches!(self, Self::Busy(_) | Self::Blocked)
    }

    /// Whether the receiver itself has answered, so that it may be this delivery it does not like.
    pub(super) fn is_answered(self) -> bool {
        matches!(self, Self::Unwelcome | Self::Gone | Self::Failed)
    }
}

/// Why an attempt failed, for operators.
pub(super) fn why(result: &Result<PostAnswer, PostFailure>) -> String {
    match result {
        Ok(answer) => format!("the receiver answered {}", answer.status),
        Err(failure) => failure.to_string(),
    }
}

/// The header's seconds, or the time until its date; none if it is neither.
fn retry_after(text: &str, now: u64) -> Duration {
    let text = text.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now);
            let date = httpdate::parse_http_date(text).ok();
            date.and_then(|date| date.duration_since(now).ok())
                .unwrap_or_default()
        }
    };
    wait.min(LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, retry_after: Option<&str>) -> Verdict {
        let answer = PostAnswer {
            status,
            retry_after: retry_after.map(str::to_owned),
        };
        Verdict::of(&Ok(answer), 1_767_225_600_000)
    }

    #[test]
    fn each_status_has_its_verdict() {
        let none = Verdict::Busy(Duration::ZERO);
        for (statuses, verdict) in [
            (&[200, 201, 204, 299][..], Verdict::Delivered),
            (&[429, 503], none),
            (&[400, 413, 422], Verdict::Unwelcome),
            (&[410], Verdict::Gone),
            (&[502, 504], Verdict::Unanswered),
            (&[301, 307, 401, 403, 404, 500, 999], Verdict::Failed),
        ] {
            for status in statuses {
                assert_eq!(of(*status, None), verdict, "{status}");
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_an_hour_at_most() {
        for (text, seconds) in [
            ("30", 30),
            (" 30 ", 30),
            ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
            ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
            ("86400", 3600),
            ("Fri, 01 Jan 2027 00:00:00 GMT", 3600),
            ("99999999999999999999999", 0),
            ("-1", 0),
            ("soon", 0),
            ("", 0),
        ] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(of(429, Some(text)), Verdict::Busy(wait), "{text}");
        }
    }

    #[test]
    fn a_url_that_the_rule_forbids_is_not_the_receivers_failure() {
        let of = |failure| Verdict::of(&Err(failure), 0);
        assert_eq!(
            of(PostFailure::Blocked("private".to_owned())),
            Verdict::Blocked
        );
        assert_eq!(of(PostFailure::Timeout), Verdict::Unanswered);
        assert_eq!(of(PostFailure::TooLarge), Verdict::Unanswered);
    }
}
