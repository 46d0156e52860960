//! A test program of suites.

use std::process::ExitCode;
use std::sync::mpsc;

use libtest_mimic::{Arguments, Trial};

/// Runs a suite, and says how it went.
pub type Suite = fn() -> Result<String, String>;

/// Runs suites by name, each as a test. What a suite returns is printed after all of them: a harness would
/// keep it from whoever counts.
pub fn main<const N: usize>(suites: [(&str, Suite); N]) -> ExitCode {
    let arguments = Arguments::from_args();
    let (say, said) = mpsc::channel();
    let trials = suites.map(|(name, run)| {
        let say = say.clone();
        Trial::test(name, move || Ok(say.send(run()?)?))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    #[expect(clippy::print_stdout, reason = "these lines are what it is run for")]
    for line in said.try_iter() {
        println!("{line}");
    }
    conclusion.exit_code()
}
