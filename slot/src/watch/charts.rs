//! The last hour in numbers, a minute each.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use super::millis;

/// How many minutes are shown.
const MINUTES: u64 = 60;
/// A minute, in milliseconds.
const MINUTE: u64 = 60_000;
/// Upper bounds of the buckets of latencies grow by this from one millisecond, so that a percentile is
/// known to five per cent.
const GROWTH: f64 = 1.1;
/// The last bucket has all that took longer than 43 hours.
const BUCKETS: usize = 200;

/// What happened in a minute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Minute {
    /// Its beginning, in milliseconds since 1970.
    pub at: u64,
    /// Door events that were accepted.
    pub events: u64,
    /// Deliveries that a receiver took.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// How long half of the deliveries took from the event's acceptance, in milliseconds; `None` if
    /// there were none.
    pub p50: Option<u64>,
    /// How long all but one in a hundred took.
    pub p99: Option<u64>,
    /// The most deliveries that waited at a time; `None` before it is known.
    pub pending: Option<u64>,
}

/// The minutes in which something happened, oldest first.
#[derive(Default)]
pub(super) struct Charts(VecDeque<Counts>);

/// Counts of a minute.
struct Counts {
    /// Minutes since 1970.
    minute: u64,
    events: u64,
    failed: u64,
    latencies: [u32; BUCKETS],
    /// The most that waited, and what waits at the end.
    most_pending: Option<u64>,
    pending: Option<u64>,
}

impl Charts {
    pub(super) fn accepted(&mut self, now: u64) {
        self.at(now).events += 1;
    }

    pub(super) fn delivered(&mut self, now: u64, took: Duration) {
        self.at(now).latencies[bucket(took)] += 1;
    }

    pub(super) fn failed(&mut self, now: u64) {
        self.at(now).failed += 1;
    }

    pub(super) fn pending(&mut self, now: u64, pending: u64) {
        let counts = self.at(now);
        counts.most_pending = counts.most_pending.max(Some(pending));
        counts.pending = Some(pending);
    }

    /// The last hour up to `now`, oldest first.
    pub(super) fn minutes(&self, now: u64) -> Vec<Minute> {
        let last = now / MINUTE;
        let mut pending = None;
        let mut known = self.0.iter().peekable();
        let mut minutes = Vec::new();
        for minute in last.saturating_sub(MINUTES - 1)..=last {
            // What waited stays what it was until the driver says something else.
            while let Some(earlier) = known.next_if(|counts| counts.minute < minute) {
                pending = earlier.pending;
            }
            let counts = known.next_if(|counts| counts.minute == minute);
            minutes.push(Minute {
                at: minute * MINUTE,
                events: counts.map_or(0, |counts| counts.events),
                delivered: counts.map_or(0, Counts::delivered),
                failed: counts.map_or(0, |counts| counts.failed),
                p50: counts.and_then(|counts| counts.percentile(50)),
                p99: counts.and_then(|counts| counts.percentile(99)),
                pending: pending.max(counts.and_then(|counts| counts.most_pending)),
            });
            if let Some(counts) = counts {
                pending = counts.pending;
            }
        }
        minutes
    }

    /// The counts of that time's minute; of the latest, if the clock was set back.
    fn at(&mut self, now: u64) -> &mut Counts {
        let minute = now / MINUTE;
        let last = self.0.back();
        if last.is_none_or(|last| last.minute < minute) {
            let pending = last.and_then(|last| last.pending);
            self.0.push_back(Counts {
                minute,
                events: 0,
                failed: 0,
                latencies: [0; BUCKETS],
                most_pending: pending,
                pending,
            });
            if self.0.len() as u64 > MINUTES {
                self.0.pop_front();
            }
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

impl Counts {
    fn delivered(&self) -> u64 {
        self.latencies.iter().copied().map(u64::from).sum()
    }

    /// The latency that so many per cent of the deliveries did not exceed, in milliseconds.
    fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.delivered() * percent).div_ceil(100);
        let mut counted = 0;
        let bucket = self.latencies.iter().position(|count| {
            counted += u64::from(*count);
            rank > 0 && counted >= rank
        })?;
        Some(GROWTH.powf(bucket as f64).round() as u64)
    }
}

/// The first bucket whose bound is not exceeded.
fn bucket(took: Duration) -> usize {
    let millis = millis(took).max(1) as f64;
    let bucket = millis.ln() / GROWTH.ln();
    (bucket.ceil() as usize).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_767_225_600_000;

    fn last(charts: &Charts, now: u64) -> Minute {
        charts.minutes(now).pop().unwrap()
    }

    #[test]
    fn an_hour_is_sixty_minutes_even_if_nothing_happened() {
        let minutes = Charts::default().minutes(NOW);
        assert_eq!(minutes.len(), 60);
        assert_eq!(minutes[59].at, NOW);
        assert_eq!(minutes[0].at, NOW - 59 * MINUTE);
        assert!(
            minutes
                .iter()
                .all(|one| one.events == 0 && one.p50.is_none())
        );
    }

    #[test]
    fn percentiles_are_known_to_five_per_cent() {
        let mut charts = Charts::default();
        for millis in 1..=1000 {
            charts.delivered(NOW, Duration::from_millis(millis));
        }
        let minute = last(&charts, NOW);
        assert_eq!(minute.delivered, 1000);
        let within = |value: Option<u64>, true_one: u64| {
            let value = value.unwrap() as f64 / true_one as f64;
            assert!((0.95..=1.1).contains(&value), "{minute:?}");
        };
        within(minute.p50, 500);
        within(minute.p99, 990);
    }

    #[test]
    fn the_shortest_and_the_longest_have_a_bucket() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_millis(1)), 0);
        assert!(bucket(Duration::from_secs(43 * 3600)) < BUCKETS - 1);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_waits_is_carried_on_into_minutes_in_which_nothing_is_said() {
        let mut charts = Charts::default();
        charts.pending(NOW, 7);
        charts.pending(NOW, 3);
        assert_eq!(last(&charts, NOW).pending, Some(7));
        assert_eq!(last(&charts, NOW + 5 * MINUTE).pending, Some(3));
        charts.pending(NOW + 5 * MINUTE, 0);
        assert_eq!(last(&charts, NOW + 5 * MINUTE).pending, Some(3));
        assert_eq!(last(&charts, NOW + 6 * MINUTE).pending, Some(0));
    }

    #[test]
    fn an_hour_later_it_is_forgotten() {
        let mut charts = Charts::default();
        for minute in 0..100 {
            charts.accepted(NOW + minute * MINUTE);
        }
        let minutes = charts.minutes(NOW + 99 * MINUTE);
        assert_eq!(minutes.iter().map(|one| one.events).sum::<u64>(), 60);
        assert_eq!(charts.0.len(), 60);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut charts = Charts::default();
        charts.accepted(NOW);
        charts.accepted(NOW - 10 * MINUTE);
        assert_eq!(last(&charts, NOW).events, 2);
    }
}
