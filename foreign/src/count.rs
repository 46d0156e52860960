//! How a suite went.

/// How many cases of a suite were run, and what is wrong with those that failed.
#[derive(Debug, Default)]
pub struct Count {
    run: usize,
    failures: Vec<String>,
}

impl Count {
    /// One case more. An error says which one it is and what is wrong.
    pub fn add(&mut self, outcome: Result<(), String>) {
        self.run += 1;
        self.failures.extend(outcome.err());
    }

    /// The line that `cargo xtask test` looks for: how many cases of `suite` were run, and passed.
    ///
    /// # Errors
    ///
    /// Says what failed. A suite of which nothing was run has failed too.
    pub fn line(&self, suite: &str) -> Result<String, String> {
        if self.run == 0 {
            return Err(format!("nothing of {suite} was run"));
        }
        if self.failures.is_empty() {
            return Ok(format!("foreign {suite}: {0} run, {0} passed", self.run));
        }
        let failed = self.failures.len();
        let failures = self.failures.join("\n");
        Err(format!("{failed} of {} failed:\n{failures}", self.run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_passes_says_how_much_was_run() {
        let mut count = Count::default();
        count.add(Ok(()));
        count.add(Ok(()));
        let line = count.line("hmac natively");
        assert_eq!(line.unwrap(), "foreign hmac natively: 2 run, 2 passed");
    }

    #[test]
    fn one_failure_or_nothing_at_all_gives_no_line() {
        let mut count = Count::default();
        assert!(count.line("hmac natively").is_err());
        count.add(Ok(()));
        count.add(Err("case 2: another tag".to_owned()));
        let told = count.line("hmac natively").unwrap_err();
        assert_eq!(told, "1 of 2 failed:\ncase 2: another tag");
    }
}
