//! The lines by which tests say how much they have looked at.
//!
//! A test that looks at nothing passes too. So those of security, and suites that others wrote at each place
//! where these run, say what it was; what may not grow is said with its limit. Each of these lines must come.

use anyhow::ensure;

/// How they begin.
const NAMES: [&str; 24] = [
    "egress rows: ",
    "fuzz corpus: ",
    "limits: ",
    "hostile components: ",
    "secrets: ",
    "foreign hmac natively: ",
    "foreign hmac in Node: ",
    "foreign hmac in Chrome: ",
    "foreign hmac in the package: ",
    "foreign json natively: ",
    "foreign json in the slot: ",
    "foreign json in the package: ",
    "foreign standardwebhooks from the slot: ",
    "foreign standardwebhooks from the package: ",
    "instructions of parse a hundred times: ",
    "instructions of notify a hundred times: ",
    "instructions of event to 1 subscriber: ",
    "instructions of event to 100 subscribers: ",
    "instructions of post beside 10 subscribers: ",
    "instructions of delete beside 10 subscribers: ",
    "instructions of get of 30 doors: ",
    "instructions of put of 30 doors: ",
    "size of the module: ",
    "size of the package: ",
];

/// Those that have come.
#[derive(Debug, Default)]
pub(super) struct Proofs([Option<String>; NAMES.len()]);

impl Proofs {
    /// Keeps a line, if it is one of them.
    pub(super) fn read(&mut self, line: &str) {
        // In TAP what a test prints is a comment.
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(nth) = NAMES.iter().position(|name| line.starts_with(name)) {
            self.0[nth] = Some(line.to_owned());
        }
    }

    /// To be called when all tests have run.
    ///
    /// # Errors
    ///
    /// One or more have not come.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        let missing = NAMES.iter().zip(&self.0);
        let missing: Vec<_> = missing
            .filter_map(|(name, proof)| proof.is_none().then_some(*name))
            .collect();
        ensure!(
            missing.is_empty(),
            "no test has said what it looked at: {}",
            missing.concat()
        );
        Ok(())
    }

    /// Those that have come, in their own order.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs(lines: impl IntoIterator<Item = String>) -> Proofs {
        let mut proofs = Proofs::default();
        lines.into_iter().for_each(|line| proofs.read(&line));
        proofs
    }

    #[test]
    fn they_are_kept_as_they_came() {
        let said = || NAMES.map(|name| format!("{name}7"));
        let proofs = proofs(said());
        proofs.finish().unwrap();
        assert!(proofs.lines().eq(said()));
    }

    #[test]
    fn those_in_tap_are_comments() {
        let proofs = proofs(NAMES.map(|name| format!("# {name}7")));
        proofs.finish().unwrap();
        assert_eq!(proofs.lines().next(), Some("egress rows: 7"));
    }

    #[test]
    fn one_that_does_not_come_is_missed() {
        for silent in NAMES {
            let others = NAMES.into_iter().filter(|name| *name != silent);
            let error = proofs(others.map(str::to_owned)).finish().unwrap_err();
            let told = format!("no test has said what it looked at: {silent}");
            assert_eq!(error.to_string(), told);
        }
    }

    #[test]
    fn what_only_mentions_one_is_none() {
        let proofs = proofs(["  limits: 31 held".to_owned(), "the limits: 31".to_owned()]);
        assert_eq!(proofs.lines().count(), 0);
    }
}
