//! What the driver's work costs, in instructions: it must not grow unnoticed.

use std::fmt;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::tally::Tally;
use crate::cargo::on_host;
use crate::setup;
use crate::versions::COUNTER;

/// Selects the benchmarks. Of this package alone: which features others want of a crate that it uses must
/// change no count. In the profile of the tests, because an optimised one is built for minutes.
const BENCHMARKS: [&str; 7] = [
    "--locked",
    "--package",
    "micro",
    "--bench",
    "instructions",
    "--profile",
    "dev",
];

/// What each took when somebody last looked at it, by [`MEASURED_WITH`].
const MEASURED: [(&str, u64); 8] = [
    ("parse a hundred times", 2_096_160),
    ("notify a hundred times", 4_719_311),
    ("event to 1 subscriber", 109_969),
    ("event to 100 subscribers", 1_949_597),
    ("post beside 10 subscribers", 342_661),
    ("delete beside 10 subscribers", 334_037),
    ("get of 30 doors", 154_377),
    ("put of 30 doors", 42_496),
];
const MEASURED_WITH: &str = "Rust 1.95.0 on x86_64";

/// How much more it may be, in hundredths. The same sources in another folder, or compiled without
/// increments, differ by less than one; how much another architecture does, nobody has measured.
const TOLERANCE: u64 = if cfg!(target_arch = "x86_64") { 5 } else { 50 };

/// Counts, and has each count said to `tally`.
///
/// # Errors
///
/// One is beyond its limit, or is of a benchmark that has none.
pub(super) fn run(shell: &Shell, tally: &mut Tally) -> anyhow::Result<()> {
    setup::for_counting(shell)?;
    let runner = setup::tool(shell, &COUNTER);
    let count = cmd!(shell, "cargo bench {BENCHMARKS...} -- --output-format=json");
    // On standard output is a line of JSON a benchmark, and nothing else.
    let told = on_host(count).env("GUNGRAUN_RUNNER", runner).read()?;
    let counts = told.lines().map(Count::read);
    let counts = counts.collect::<anyhow::Result<Vec<_>>>()?;
    for count in &counts {
        tally.read(&count.to_string());
    }
    let compiler = cmd!(shell, "rustc --version").quiet().read()?;
    judge(&counts)
        .with_context(|| format!("the limits are those of {MEASURED_WITH}, this is {compiler}"))
}

fn judge(counts: &[Count]) -> anyhow::Result<()> {
    let grown = counts
        .iter()
        .filter(|count| count.instructions > count.limit);
    let grown: Vec<_> = grown.map(Count::to_string).collect();
    ensure!(grown.is_empty(), "too many {}", grown.join("; too many "));
    Ok(())
}

/// What a benchmark took.
#[derive(Debug, PartialEq)]
struct Count {
    name: &'static str,
    instructions: u64,
    limit: u64,
}

impl Count {
    /// Reads the line of a benchmark. Its name is that of its function and of its case.
    fn read(line: &str) -> anyhow::Result<Self> {
        let text = |name: &str| Some(after(line, name)?.split_once('"')?.0);
        let function = text(r#""function_name":""#).context("a benchmark without a name")?;
        let case = text(r#""id":""#).unwrap_or_default();
        let wanted = format!("{function} {case}").replace('_', " ");
        let (name, measured) = MEASURED
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .with_context(|| format!("the benchmark {wanted} has no limit"))?;
        let instructions = after(line, r#""Ir":"#).and_then(|rest| after(rest, r#""new":"#));
        let instructions =
            instructions.and_then(|rest| rest.split([',', '}']).next()?.parse().ok());
        Ok(Self {
            name,
            instructions: instructions.with_context(|| format!("no count of {name}"))?,
            limit: measured + measured * TOLERANCE / 100,
        })
    }
}

impl fmt::Display for Count {
    /// One of the proofs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            instructions,
            limit,
        } = self;
        write!(f, "instructions of {name}: {instructions}, at most {limit}")
    }
}

/// What of a text follows the first `mark`.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"benchmark_file":"micro/benches/instructions.rs","function_name":"get","group":"driver","id":"of_30_doors","profiles":[{"data":{"parts":[{"metrics":{"Ir":{"change":{"diff_pct":"0","factor":"1"},"values":{"new":7000,"old":7001}}},"tool_run":{"new":{"pid":4991}}}]}}],"version":"7"}"#;

    #[test]
    fn a_count_is_read_and_said_with_its_limit() {
        let count = Count::read(LINE).unwrap();
        assert_eq!(count.name, "get of 30 doors");
        assert_eq!(count.instructions, 7000);
        let said = format!(
            "instructions of get of 30 doors: 7000, at most {}",
            count.limit
        );
        assert_eq!(count.to_string(), said);
    }

    #[test]
    fn the_first_run_in_a_folder_has_nothing_to_compare_with() {
        let line = LINE.replace(
            r#""values":{"new":7000,"old":7001}"#,
            r#""values":{"new":7000}"#,
        );
        assert_eq!(Count::read(&line).unwrap().instructions, 7000);
    }

    #[test]
    fn what_has_grown_beyond_its_limit_is_named_and_nothing_else() {
        let counts = |more| {
            MEASURED.map(|(name, measured)| Count {
                name,
                instructions: measured + if name.starts_with("put") { more } else { 0 },
                limit: measured + 10,
            })
        };
        judge(&counts(10)).unwrap();
        let error = judge(&counts(11)).unwrap_err().to_string();
        assert!(
            error.starts_with("too many instructions of put of 30 doors: "),
            "{error}"
        );
        assert!(!error.contains("post"), "{error}");
    }

    #[test]
    fn a_benchmark_without_a_limit_is_an_error() {
        let error = Count::read(&LINE.replace("of_30", "of_31")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the benchmark get of 31 doors has no limit"
        );
    }

    #[test]
    fn a_benchmark_without_a_count_is_an_error() {
        let error = Count::read(&LINE.replace("7000", "many")).unwrap_err();
        assert_eq!(error.to_string(), "no count of get of 30 doors");
    }
}
