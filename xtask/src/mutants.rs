//! Shows how much the tests notice: the driver's sources are broken in every small way that the tool
//! knows, and something must fail for each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cargo::on_host;
use crate::say;
use crate::setup;
use crate::versions::MUTANTS;

/// What is broken: all that decides what is answered, delivered and let out.
const SOURCES: [&str; 7] = [
    "src/webhook/**",
    "src/delivery/**",
    "src/book.rs",
    "src/mac.rs",
    "src/signer.rs",
    "src/notification.rs",
    "egress/src/**",
];
/// Who may notice, the quick first: most mutants never meet the second. Each with how much it is optimised, for
/// what runs for a second is waited for longer while it is compiled; and with how long it may take at least, in
/// seconds, before it counts as stuck: many mutants never end, so the first is soon given up, and the second has
/// whatever a busy machine may need.
const WITNESSES: [(&str, &str, &str); 2] = [
    ("rhombus-driver,rhombus-egress", "0", "20"),
    ("simulation", "1", "300"),
];
/// What nobody notices, each with the reason why that is no fault of the tests.
const EXCUSED: &str = "tests/mutants.txt";
/// Where the tool writes, and where its lists are then.
const FOLDER: &str = "target/mutants";
const LISTS: &str = "target/mutants/mutants.out";
/// At least so many of a hundred must be noticed.
const WANTED: usize = 95;

/// Tries all mutants, prints the figure and the list of what survived.
///
/// # Errors
///
/// Too many survived, or one that has no excuse; or one is excused that does not survive.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    setup::for_mutants(shell)?;
    let excused = Excuses::read(&shell.read_file(EXCUSED)?)?;
    shell.remove_path(FOLDER)?;
    shell.create_dir(FOLDER)?;
    let mut results = Results::default();
    for (round, (witnesses, optimised, patience)) in WITNESSES.into_iter().enumerate() {
        // It ends badly when something survives, which is judged here.
        mutants(shell, witnesses, round > 0)
            .env("CARGO_MUTANTS_MINIMUM_TEST_TIMEOUT", patience)
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", optimised)
            .ignore_status()
            .run()?;
        results.add(&shell.current_dir().join(LISTS))?;
        if results.survivors.is_empty() {
            break;
        }
    }
    #[expect(clippy::print_stdout, reason = "this is the command's result")]
    {
        for survivor in &results.survivors {
            let reason = excused.reason(survivor).unwrap_or("NO REASON IS GIVEN");
            println!("survived: {survivor}: {reason}");
        }
        println!("{}", results.summary());
    }
    excused.judge(&results.survivors)?;
    ensure!(
        results.percentage() >= WANTED as f64,
        "less than {WANTED} of a hundred mutants are noticed"
    );
    Ok(())
}

/// The tool. In a second round it tries again what has survived the first.
fn mutants<'a>(shell: &'a Shell, witnesses: &str, again: bool) -> Cmd<'a> {
    let tool = setup::tool(shell, &MUTANTS);
    let packages = ["--package", "rhombus-driver", "--package", "rhombus-egress"];
    let sources = SOURCES.map(|source| ["--file", source]).concat();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = format!("--jobs={jobs}");
    let again = again.then_some("--iterate");
    let output = ["--no-shuffle", "--colors=never", "--output", FOLDER];
    let tests = ["--lib", "--tests"];
    let tool = cmd!(
        shell,
        "{tool} mutants {packages...} {sources...} --test-package {witnesses} {jobs} {again...} {output...} -- {tests...}"
    );
    // Names of lines only cost time.
    on_host(tool).env("CARGO_PROFILE_DEV_DEBUG", "0")
}

/// How the mutants fared.
#[derive(Debug, Default)]
struct Results {
    killed: usize,
    /// Not compilable: neither here nor there.
    unviable: usize,
    /// Two in one function may have the same name.
    survivors: Vec<String>,
}

impl Results {
    /// Takes a round's lists into account.
    fn add(&mut self, lists: &Path) -> anyhow::Result<()> {
        let list = |name: &str| {
            let path = lists.join(name);
            fs::read_to_string(&path).with_context(|| format!("there is no {}", path.display()))
        };
        // An endless loop is noticed by whoever waits. The tool would try it again in another round.
        let caught = list("caught.txt")? + &list("timeout.txt")?;
        fs::write(lists.join("caught.txt"), &caught)?;
        self.killed += caught.lines().count();
        self.unviable += list("unviable.txt")?.lines().count();
        let missed = list("missed.txt")?;
        self.survivors = missed.lines().map(without_position).collect();
        Ok(())
    }

    fn percentage(&self) -> f64 {
        let viable = self.killed + self.survivors.len();
        100.0 * self.killed as f64 / viable.max(1) as f64
    }

    fn summary(&self) -> String {
        format!(
            "mutants: {} of {} killed, {:.1} %; {} survived, {} could not be compiled",
            self.killed,
            self.killed + self.survivors.len(),
            self.percentage(),
            self.survivors.len(),
            self.unviable
        )
    }
}

/// A mutant's name without line and column, which change when other lines do: `src/a.rs:7:12: replace …`.
fn without_position(name: &str) -> String {
    let parts = name.splitn(4, ':').collect::<Vec<_>>();
    match parts[..] {
        [file, _, _, what] => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

/// Why some may survive: lines `<mutant>` as the tool names it, without line and column, each below a
/// paragraph of comment that gives the reason of those that follow it. A name that stands for two is there
/// twice.
#[derive(Debug)]
struct Excuses(Vec<Excuse>);

#[derive(Debug)]
struct Excuse {
    mutant: String,
    reason: String,
}

impl Excuses {
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut excuses = Vec::new();
        for paragraph in text.split("\n\n") {
            let (comment, mutants): (Vec<_>, Vec<_>) = paragraph
                .lines()
                .filter(|line| !line.is_empty())
                .partition(|line| line.starts_with('#'));
            let words = comment.iter().map(|line| line.trim_matches(['#', ' ']));
            let reason = words.collect::<Vec<_>>().join(" ");
            for mutant in mutants {
                ensure!(!reason.is_empty(), "no reason is given for: {mutant}");
                excuses.push(Excuse {
                    mutant: mutant.to_owned(),
                    reason: reason.clone(),
                });
            }
        }
        Ok(Self(excuses))
    }

    fn reason(&self, mutant: &str) -> Option<&str> {
        let excuse = self.0.iter().find(|excuse| excuse.mutant == mutant)?;
        Some(&excuse.reason)
    }

    /// Holds what survived against what may.
    fn judge(&self, survivors: &[String]) -> anyhow::Result<()> {
        let mut balance = BTreeMap::<&str, isize>::new();
        for survivor in survivors {
            *balance.entry(survivor).or_default() += 1;
        }
        for excuse in &self.0 {
            *balance.entry(&excuse.mutant).or_default() -= 1;
        }
        let mut is_even = true;
        for (mutant, balance) in balance {
            is_even &= balance == 0;
            if balance > 0 {
                say(format_args!("{EXCUSED} does not excuse: {mutant}"));
            } else if balance < 0 {
                say(format_args!(
                    "a test notices what {EXCUSED} excuses: {mutant}"
                ));
            }
        }
        ensure!(is_even, "{EXCUSED} does not say what survived");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# A wait that is
# longer is still a wait.
src/a.rs: replace > with >= in wait
src/b.rs: replace < with <= in wait

# Only speed is lost.
src/c.rs: replace is_due -> bool with true
";

    fn survivors(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_paragraph_is_the_reason_of_the_lines_below_it() {
        let excuses = Excuses::read(TEXT).unwrap();
        for (mutant, reason) in [
            (
                "src/b.rs: replace < with <= in wait",
                Some("A wait that is longer is still a wait."),
            ),
            (
                "src/c.rs: replace is_due -> bool with true",
                Some("Only speed is lost."),
            ),
            ("src/d.rs: replace", None),
        ] {
            assert_eq!(excuses.reason(mutant), reason);
        }
        assert!(Excuses::read("src/a.rs: replace > with >=\n").is_err());
        assert!(Excuses::read("# One.\n\nsrc/a.rs: replace > with >=\n").is_err());
    }

    #[test]
    fn each_survivor_needs_an_excuse_and_each_excuse_a_survivor() {
        let excuses = Excuses::read(TEXT).unwrap();
        let all = [
            "src/a.rs: replace > with >= in wait",
            "src/b.rs: replace < with <= in wait",
            "src/c.rs: replace is_due -> bool with true",
        ];
        assert!(excuses.judge(&survivors(&all)).is_ok());
        assert!(excuses.judge(&survivors(&all[1..])).is_err());
        let more = [&all[..], &all[..1]].concat();
        assert!(excuses.judge(&survivors(&more)).is_err());
    }

    #[test]
    fn an_excuse_does_not_name_the_line() {
        let name = "src/a.rs:7:12: replace Foo::bar -> Baz<H> with None";
        let without = "src/a.rs: replace Foo::bar -> Baz<H> with None";
        assert_eq!(without_position(name), without);
    }

    #[test]
    fn those_that_cannot_be_compiled_do_not_count() {
        let results = Results {
            killed: 19,
            unviable: 80,
            survivors: survivors(&["one"]),
        };
        assert!((results.percentage() - 95.0).abs() < 1e-9);
        let summary = "mutants: 19 of 20 killed, 95.0 %; 1 survived, 80 could not be compiled";
        assert_eq!(results.summary(), summary);
    }
}
