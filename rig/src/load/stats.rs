//! What many measurements of one thing come to.

use std::time::Duration;

use serde::Serialize;

/// The middle one of some values, and the farthest ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the values lie below, half above.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        assert!(!values.is_empty(), "nothing was measured");
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self {
            median,
            least: values[0],
            most: values[values.len() - 1],
        }
    }

    /// Of the ratios of pairs: what was measured one after the other, so that whatever else the machine
    /// did fell on both.
    pub fn of_ratios(ours: &[f64], others: &[f64]) -> Self {
        assert_eq!(ours.len(), others.len(), "not all are in pairs");
        Self::of(ours.iter().zip(others).map(|(ours, other)| ours / other))
    }
}

/// The time in milliseconds within which so great a `share` of `times` lie: the smallest of them that is
/// no smaller than that share of all.
///
/// # Panics
///
/// There is none.
pub(super) fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort();
    let rank = (times.len() as f64 * share).ceil() as usize;
    times[rank.saturating_sub(1)].as_secs_f64() * 1000.0
}

/// The last point of a curve to where the straight line would be that lies closest to all earlier ones: 1 for
/// a straight line, below it for a curve that flattens, above it for one that grows faster than what it is
/// drawn against. For a square at equal distances it is about 1.5.
///
/// # Panics
///
/// There are fewer than three points.
pub(super) fn overshoot(points: &[(f64, f64)]) -> f64 {
    let [earlier @ .., last] = points else {
        panic!("a curve has points");
    };
    assert!(earlier.len() > 1, "two points make no curve");
    let count = earlier.len() as f64;
    let middle_x = earlier.iter().map(|point| point.0).sum::<f64>() / count;
    let middle_y = earlier.iter().map(|point| point.1).sum::<f64>() / count;
    let (mut together, mut across) = (0.0, 0.0);
    for (x, y) in earlier {
        together += (x - middle_x) * (y - middle_y);
        across += (x - middle_x).powi(2);
    }
    last.1 / (middle_y + together / across * (last.0 - middle_x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = Spread::of([4.0, 1.0, 3.0, 10.0]);
        assert_eq!((spread.median, spread.least, spread.most), (3.5, 1.0, 10.0));
        assert_eq!(Spread::of([2.0, 9.0, 1.0]).median, 2.0);
    }

    #[test]
    fn a_ratio_is_of_what_was_measured_together() {
        let spread = Spread::of_ratios(&[2.0, 30.0, 4.0], &[1.0, 10.0, 2.0]);
        assert_eq!((spread.median, spread.least, spread.most), (2.0, 2.0, 3.0));
    }

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let mut times: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(&mut times, 0.5), 100.0);
        assert_eq!(percentile_ms(&mut times, 0.99), 198.0);
        assert_eq!(percentile_ms(&mut times[..1], 0.99), 1.0);
    }

    #[test]
    fn a_straight_line_does_not_overshoot_and_a_square_does() {
        let line = [(1.0, 12.0), (100.0, 210.0), (1000.0, 2010.0)];
        assert!((overshoot(&line) - 1.0).abs() < 1e-9);
        let square = [0.0, 1.0, 2.0, 3.0, 4.0].map(|x| (x, x * x));
        assert!(overshoot(&square) > 1.4);
        let flattens = [(1.0, 5.0), (10.0, 9.0), (20.0, 9.5)];
        assert!(overshoot(&flattens) < 0.8);
        let scatters = [(0.0, 50.0), (10.0, 52.0), (20.0, 49.0), (30.0, 55.0)];
        assert!(overshoot(&scatters) < 1.2);
    }
}
