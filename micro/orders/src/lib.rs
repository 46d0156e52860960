//! How a program is told what work to do, and how it says how long that took.
//!
//! Each place where the driver's code runs is a process that lives as long as the run: so rounds can take
//! turns, and whatever an engine learns of the code stays learned. It reads orders, a line each, and
//! answers each by a line: `event 0 1000` by `2310400 77123`. The scripts in `micro/js` do the same.

#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, BufRead, Write};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// What is to be done, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The name of the work.
    pub work: String,
    /// The bytes that it is given each time, for work that takes any.
    pub bytes: usize,
    /// How often it is done.
    pub times: u32,
}

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How long all of it took.
    pub took: Duration,
    /// A sum of what came out, the same wherever the same was done.
    pub sum: u32,
}

/// A line that is no order, or no sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

/// Does what standard input says, until it ends; `work` answers the sum.
///
/// # Errors
///
/// A line is no order, or cannot be read or answered.
pub fn obey(mut work: impl FnMut(&Order) -> u32) -> io::Result<()> {
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let order: Order = line?.parse().map_err(io::Error::other)?;
        let begun = Instant::now();
        let sum = work(&order);
        let took = begun.elapsed();
        writeln!(answers, "{}", Sample { took, sum })?;
        answers.flush()?;
    }
    Ok(())
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, bytes, times } = self;
        write!(f, "{work} {bytes} {times}")
    }
}

impl FromStr for Order {
    type Err = Unreadable;

    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let words: Vec<_> = line.split(' ').collect();
        let unreadable = || Unreadable(line.to_owned());
        let [work, bytes, times] = words[..] else {
            return Err(unreadable());
        };
        Ok(Self {
            work: work.to_owned(),
            bytes: bytes.parse().map_err(|_| unreadable())?,
            times: times.parse().map_err(|_| unreadable())?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.took.as_nanos(), self.sum)
    }
}

impl FromStr for Sample {
    type Err = Unreadable;

    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let unreadable = || Unreadable(line.to_owned());
        let (took, sum) = line.split_once(' ').ok_or_else(unreadable)?;
        Ok(Self {
            took: Duration::from_nanos(took.parse().map_err(|_| unreadable())?),
            sum: sum.parse().map_err(|_| unreadable())?,
        })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not to be understood: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_samples_are_read_as_they_are_written() {
        let order = Order {
            work: "call".to_owned(),
            bytes: 65_536,
            times: 1000,
        };
        assert_eq!(order.to_string().parse(), Ok(order));
        let sample = Sample {
            took: Duration::from_micros(20_000),
            sum: u32::MAX,
        };
        assert_eq!(sample.to_string().parse(), Ok(sample));
    }

    #[test]
    fn another_line_is_not_understood() {
        for line in ["", "event", "event 0", "event 0 -1", "event 0 1 2"] {
            assert!(line.parse::<Order>().is_err(), "{line}");
            assert!(line.parse::<Sample>().is_err(), "{line}");
        }
    }
}
