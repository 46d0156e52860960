//! What `cargo test` and `node --test` say, counted.

use anyhow::ensure;

use super::proofs::Proofs;

/// The results of the tests, read from the output of
/// `cargo test --message-format json-render-diagnostics`, and of `node --test` as TAP.
#[derive(Debug, Default)]
pub(super) struct Tally {
    all: Counts,
    native_fixtures: u64,
    slot_fixtures: u64,
    node_fixtures: u64,
    chrome_fixtures: u64,
    /// Test programs that ended without a result.
    broken: u64,
    /// Paths of the test programs of the slot's package.
    slot_programs: Vec<String>,
    proofs: Proofs,
    suite: Suite,
    /// Whether the suite has started and not said its result yet.
    is_running: bool,
}

/// The numbers of a line `test result: …`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    /// Ignored, or filtered out.
    left_out: u64,
}

/// The scenarios run four times: against the driver itself and in the slot, as one test each, by test
/// programs that are both called `fixtures`; and as modules in Node and in Chrome, where one test plays
/// them all and says how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Suite {
    NativeFixtures,
    SlotFixtures,
    Node,
    Chrome,
    #[default]
    Other,
}

impl Tally {
    /// Takes a line into account. Answers whether it is meant for people.
    pub(super) fn read(&mut self, line: &str) -> bool {
        if line.starts_with(r#"{"reason":"#) {
            self.slot_programs.extend(slot_program(line));
            return false;
        }
        if let Some(suite) = self.suite_started_by(line) {
            self.end_suite();
            self.suite = suite;
            self.is_running = true;
        } else if let Some(counts) = Counts::parse(line) {
            self.add(counts);
            self.is_running = false;
        } else if let Some(played) = played(line) {
            match self.suite {
                Suite::Node => self.node_fixtures += played,
                Suite::Chrome => self.chrome_fixtures += played,
                _ => {}
            }
        } else if let Some(counts) = Counts::parse_tap(line) {
            self.add(counts);
        } else {
            self.proofs.read(line);
        }
        true
    }

    /// To be called when all tests have run.
    ///
    /// # Errors
    ///
    /// Something did not run as it should, although no test that ran failed.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        ensure!(
            self.broken == 0,
            "{} test programs ended without a result",
            self.broken
        );
        ensure!(
            self.all.left_out == 0,
            "{} tests were ignored or filtered out",
            self.all.left_out
        );
        let elsewhere = [self.slot_fixtures, self.node_fixtures, self.chrome_fixtures];
        ensure!(
            self.native_fixtures > 0 && elsewhere == [self.native_fixtures; 3],
            "every fixture must run natively, in the slot, in Node and in Chrome"
        );
        self.proofs.finish()
    }

    /// The lines that say what tests have looked at.
    pub(super) fn proofs(&self) -> impl Iterator<Item = &str> {
        self.proofs.lines()
    }

    /// The line that says how many scenarios ran.
    pub(super) fn fixtures(&self) -> String {
        format!(
            "fixtures: {} native, {} in the slot, {} in Node, {} in Chrome",
            self.native_fixtures, self.slot_fixtures, self.node_fixtures, self.chrome_fixtures
        )
    }

    /// The line that ends everything. If not `all_well`, it names at least one failure: a step that
    /// is no test may have failed.
    pub(super) fn verdict(&self, all_well: bool) -> String {
        let failed = self.all.failed + self.broken;
        let failed = if all_well { failed } else { failed.max(1) };
        format!("{} passed, {failed} failed", self.all.passed)
    }

    /// Recognises cargo's `Running tests/book.rs (target/debug/deps/book-0123)` and `Doc-tests name`.
    fn suite_started_by(&self, line: &str) -> Option<Suite> {
        let line = line.trim_start();
        if line.starts_with("Doc-tests ") {
            return Some(Suite::Other);
        }
        let (_, program) = line
            .strip_prefix("Running ")?
            .strip_suffix(')')?
            .rsplit_once(" (")?;
        let (_, name) = program.rsplit_once('/')?;
        let is_wasm = name.ends_with(".wasm");
        Some(if is_wasm && name.starts_with("node-") {
            Suite::Node
        } else if is_wasm && name.starts_with("web-") {
            Suite::Chrome
        } else if !name.starts_with("fixtures-") {
            Suite::Other
        } else if self.slot_programs.iter().any(|path| path.ends_with(name)) {
            Suite::SlotFixtures
        } else {
            Suite::NativeFixtures
        })
    }

    fn add(&mut self, counts: Counts) {
        self.all.passed += counts.passed;
        self.all.failed += counts.failed;
        self.all.left_out += counts.left_out;
        let ran = counts.passed + counts.failed;
        match self.suite {
            Suite::NativeFixtures => self.native_fixtures += ran,
            Suite::SlotFixtures => self.slot_fixtures += ran,
            Suite::Node | Suite::Chrome | Suite::Other => {}
        }
    }

    /// To be called when there are no more lines of a command.
    pub(super) fn end_suite(&mut self) {
        self.broken += u64::from(self.is_running);
        self.is_running = false;
    }
}

impl Counts {
    /// Reads `test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; …`.
    fn parse(line: &str) -> Option<Self> {
        let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = Self::default();
        for part in numbers.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            match what {
                "passed" => counts.passed = number.parse().ok()?,
                "failed" => counts.failed = number.parse().ok()?,
                "ignored" | "filtered out" => counts.left_out += number.parse::<u64>().ok()?,
                _ => {}
            }
        }
        Some(counts)
    }

    /// Reads a line of the end of TAP as `node --test` writes it: `# pass 5`.
    fn parse_tap(line: &str) -> Option<Self> {
        let (what, number) = line.strip_prefix("# ")?.split_once(' ')?;
        let number = number.parse().ok()?;
        let mut counts = Self::default();
        match what {
            "pass" => counts.passed = number,
            "fail" | "cancelled" => counts.failed = number,
            "skipped" | "todo" => counts.left_out = number,
            _ => return None,
        }
        Some(counts)
    }
}

/// How many scenarios a test has played, as it says: `fixtures: 346 passed, 0 failed`.
fn played(line: &str) -> Option<u64> {
    let (passed, failed) = line.strip_prefix("fixtures: ")?.split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some(passed.parse::<u64>().ok()? + failed.parse::<u64>().ok()?)
}

/// The path of the program, if this message of cargo's is about one of the slot's package.
fn slot_program(message: &str) -> Option<String> {
    if !message.contains(r#"/slot/Cargo.toml""#) {
        return None;
    }
    let (_, path) = message.split_once(r#""executable":""#)?;
    let (path, _) = path.split_once('"')?;
    Some(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
   Compiling rhombus-driver v0.1.0 (/home/me/driver)
{"reason":"compiler-artifact","package_id":"path+file:///home/me/driver/slot#placeos-slot@0.1.0","manifest_path":"/home/me/driver/slot/Cargo.toml","target":{"kind":["test"],"name":"fixtures"},"executable":"/home/me/driver/target/debug/deps/fixtures-2222","fresh":false}
{"reason":"compiler-artifact","package_id":"path+file:///home/me/driver#rhombus-driver@0.1.0","manifest_path":"/home/me/driver/Cargo.toml","target":{"kind":["test"],"name":"fixtures"},"executable":"/home/me/driver/target/debug/deps/fixtures-1111","fresh":false}
{"reason":"compiler-artifact","package_id":"path+file:///home/me/driver/slot#placeos-slot@0.1.0","manifest_path":"/home/me/driver/slot/Cargo.toml","target":{"kind":["lib"],"name":"slot"},"executable":null,"fresh":false}
    Finished `test` profile [optimized + debuginfo] target(s) in 0.03s
     Running tests/fixtures.rs (target/debug/deps/fixtures-2222)

running 3 tests
egress rows: 426
fuzz corpus: 300 inputs of 7 targets
limits: 31 held
hostile components: 12 stopped
secrets: 20 searched in 1,000,000 bytes, none found
foreign json in the slot: 7 run, 7 passed
foreign standardwebhooks from the slot: 8 run, 8 passed
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running unittests src/lib.rs (target/debug/deps/rhombus_driver-3333)

running 5 tests
foreign hmac natively: 9 run, 9 passed
foreign json natively: 7 run, 7 passed
test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/fixtures.rs (target/debug/deps/fixtures-1111)

running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests rhombus_driver

running 1 test
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

all doctests ran in 0.25s; merged doctests compilation took 0.24s
     Running tests/node.rs (target/js/wasm32-unknown-unknown/debug/deps/node-4444.wasm)
running 1 test
foreign hmac in Node: 9 run, 9 passed
fixtures: 3 passed, 0 failed
test result: ok. 1 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.05s
     Running tests/web.rs (target/js/wasm32-unknown-unknown/debug/deps/web-5555.wasm)
running 1 test
foreign hmac in Chrome: 9 run, 9 passed
fixtures: 3 passed, 0 failed
test result: ok. 1 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.05s
TAP version 13
# foreign hmac in the package: 9 run, 9 passed
# foreign json in the package: 7 run, 7 passed
# foreign standardwebhooks from the package: 8 run, 8 passed
instructions of parse a hundred times: 7, at most 8
instructions of notify a hundred times: 7, at most 8
instructions of event to 1 subscriber: 7, at most 8
instructions of event to 100 subscribers: 7, at most 8
instructions of post beside 10 subscribers: 7, at most 8
instructions of delete beside 10 subscribers: 7, at most 8
instructions of get of 30 doors: 7, at most 8
instructions of put of 30 doors: 7, at most 8
size of the module: 7 bytes, at most 8
size of the package: 7.0 kB (module 6.0, glue 1.0), at most 8.0 kB
1..5
# pass 5
# fail 0
# cancelled 0
# skipped 0
# todo 0
"#;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        for line in output.lines() {
            tally.read(line);
        }
        tally.end_suite();
        tally
    }

    #[test]
    fn all_results_are_counted() {
        let tally = tally(OUTPUT);
        tally.finish().unwrap();
        assert_eq!(tally.verdict(true), "19 passed, 0 failed");
        assert_eq!(
            tally.fixtures(),
            "fixtures: 3 native, 3 in the slot, 3 in Node, 3 in Chrome"
        );
        assert_eq!(tally.proofs().count(), 24);
    }

    #[test]
    fn a_test_that_says_nothing_of_what_it_looked_at_is_missed() {
        let silent = OUTPUT.replace("limits: 31 held", "");
        assert!(tally(&silent).finish().is_err());
    }

    #[test]
    fn only_messages_between_programs_are_kept_from_people() {
        let mut tally = Tally::default();
        let hidden: Vec<_> = OUTPUT.lines().filter(|line| !tally.read(line)).collect();
        assert_eq!(hidden.len(), 3);
        assert!(hidden.iter().all(|line| line.starts_with('{')));
    }

    #[test]
    fn failures_are_counted() {
        let output = OUTPUT.replace("ok. 5 passed; 0 failed", "FAILED. 3 passed; 2 failed");
        assert_eq!(tally(&output).verdict(false), "17 passed, 2 failed");
    }

    #[test]
    fn a_fixture_that_fails_has_run() {
        let output = OUTPUT.replacen("ok. 3 passed; 0 failed", "FAILED. 2 passed; 1 failed", 1);
        assert_eq!(
            tally(&output).fixtures(),
            "fixtures: 3 native, 3 in the slot, 3 in Node, 3 in Chrome"
        );
    }

    #[test]
    fn a_failed_step_without_tests_is_one_failure() {
        assert_eq!(Tally::default().verdict(false), "0 passed, 1 failed");
    }

    #[test]
    fn all_places_must_run_the_same_fixtures() {
        let output = OUTPUT.replacen("ok. 3 passed", "ok. 2 passed", 1);
        let tally = tally(&output);
        let reason = tally.finish().unwrap_err().to_string();
        assert_eq!(
            reason,
            "every fixture must run natively, in the slot, in Node and in Chrome"
        );
        assert_eq!(
            tally.fixtures(),
            "fixtures: 3 native, 2 in the slot, 3 in Node, 3 in Chrome"
        );
    }

    #[test]
    fn what_node_and_chrome_play_is_counted() {
        let output = OUTPUT.replacen(
            "fixtures: 3 passed, 0 failed",
            "fixtures: 1 passed, 1 failed",
            1,
        );
        let tally = tally(&output);
        assert!(tally.finish().is_err());
        assert_eq!(
            tally.fixtures(),
            "fixtures: 3 native, 3 in the slot, 2 in Node, 3 in Chrome"
        );
    }

    #[test]
    fn what_node_skips_is_left_out() {
        let output = OUTPUT.replace("# skipped 0", "# skipped 1");
        assert!(tally(&output).finish().is_err());
    }

    #[test]
    fn fixtures_must_run_at_all() {
        assert!(
            tally(&OUTPUT.replace("ok. 3 passed", "ok. 0 passed"))
                .finish()
                .is_err()
        );
    }

    #[test]
    fn a_test_left_out_is_a_failure() {
        for left_out in ["1 ignored", "1 filtered out"] {
            let none = left_out.replace('1', "0");
            let output = OUTPUT.replacen(&none, left_out, 1);
            let reason = tally(&output).finish().unwrap_err().to_string();
            assert_eq!(reason, "1 tests were ignored or filtered out");
        }
    }

    #[test]
    fn a_test_program_that_crashes_is_a_failure() {
        let crashed = OUTPUT.replacen("test result: ok. 5 passed", "signal: 11", 1);
        let tally = tally(&crashed);
        assert!(tally.finish().is_err());
        assert_eq!(tally.verdict(false), "14 passed, 1 failed");
    }

    #[test]
    fn the_last_test_program_may_crash_too() {
        let mut tally = tally(OUTPUT);
        tally.read("     Running tests/late.rs (target/debug/deps/late-4444)");
        tally.end_suite();
        assert!(tally.finish().is_err());
        assert_eq!(tally.verdict(false), "19 passed, 1 failed");
    }
}
