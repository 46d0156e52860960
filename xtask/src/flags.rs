//! What can be typed after `cargo xtask`.

use std::ffi::OsString;
use std::path::PathBuf;

xflags::xflags! {
    /// Builds, runs and tests the Rhombus driver.
    ///
    /// Every command does its own set-up first and can be repeated: what is there already is not
    /// done again.
    cmd cargo-xtask {
        /// Make sure that the tools are here: clippy, rustfmt, a C compiler, and Rust for
        /// wasm32-unknown-unknown; for the package, npm's; for its tests, Chromium and a test runner;
        /// for tests of the slot, Redis; for fuzzing, cargo-fuzz and a C++ compiler; for the slot that
        /// ships, Rust and a C compiler for musl.
        cmd setup {}

        /// Build the driver as a component, compile it ahead of time, and build the slot around it;
        /// fill pkg, the package for JavaScript; and build the component that does harm, for the slot's
        /// tests.
        cmd build {}

        /// Build, then run the gateway with the demo building: `placeos-slot serve --demo`.
        cmd serve {
            /// Passed on to `placeos-slot serve`; `cargo xtask serve --help` lists them.
            repeated args: OsString
        }

        /// Remove one safeguard after the other from a copy of the sources, and show what notices.
        cmd sabotage {}

        /// Break the driver's sources in many small ways, one at a time and in a copy, and count what no test
        /// notices. Fails if that is more than a twentieth, or something that `tests/mutants.txt` does not
        /// give a reason for.
        cmd mutants {}

        /// Run the native driver through random histories on a simulated host, and hold it to the laws. A
        /// seed makes one history, to the byte.
        cmd simulate {
            /// How many; 1 if not said
            optional --histories count: u64
            /// The seed of the first; the others follow it
            optional --seed seed: u64
            /// Print all that happens in the history of that seed
            optional --trace
        }

        /// Have libFuzzer look for an input that breaks what must hold whatever comes in: requests, settings,
        /// door events, core's frames, URLs, `Retry-After`, stored records. Fails if it finds one, and says
        /// how to see it again.
        cmd fuzz {
            /// For how long in all; the targets share it, as many at once as there are cores. 7 if not said
            optional --minutes minutes: u64
        }

        /// Build, then kill the slot while events flow, again and again, before receivers that fail, hang,
        /// reset and answer half; and count what was accepted, received, lost and doubled.
        cmd crash {
            /// Where it has its records: `redb`, a file of its own, or `redis`; with Redis, which is
            /// killed too, it is the driver of a PlaceOS core. `redb` if not said
            optional --store store: String
            /// How often; 20 if not said
            optional --kills count: usize
            /// Repeats the random choices of an earlier run
            optional --seed seed: u64
        }

        /// Make what ships, in target/dist: the slot, one static program for this machine's
        /// architecture, which needs nothing else; the package for npm; what is in them; and the sums of
        /// all. Fails if the slot is too large.
        cmd dist {
            /// Make it twice instead, of the last commit, in two folders; fails if a byte differs
            optional --reproduce
            /// Then run it in a root folder with only a CA file and resolv.conf, up to a POST over TLS; as
            /// root
            optional --empty-root
        }

        /// Check the licences, sources and versions of all that the project depends on, and what is known
        /// against them, as far as that can be fetched.
        cmd deny {
            /// Fail if the advisories cannot be fetched
            optional --advisories
        }

        /// Build, then have the slot write a store with every kind of record in it, and keep it in
        /// slot/tests/upgrade/stores under this version's number, for later ones to open.
        cmd store-fixture {}

        /// Make the slot as it ships, then measure it: `slow-subscriber`, `backlog`, `start` or
        /// `hostile-clients`, which fail if the slot does not keep what is promised; or `load`. Without a name
        /// all of it is measured, and BENCHMARKS.md is written, with the data and the curves in `benchmarks`.
        cmd bench {
            /// What to measure
            optional benchmark: String
            /// Of the load only these, with commas between: `burst`, `neighbours`, `sustained`, `accepted`,
            /// `verbs`, `start`, `growth`, `sandbox`, `promises`
            optional --only scenarios: String
            /// Measure another driver's executable beside the slot: one that speaks PlaceOS' process protocol
            optional --peer path: PathBuf
        }

        /// Build, then check the format, run clippy, all tests and rustdoc. The last line counts.
        cmd test {}
    }
}

impl CargoXtask {
    /// Reads the program's arguments, the program's own name left out.
    pub(crate) fn parse(mut args: Vec<OsString>) -> xflags::Result<Self> {
        match args.first() {
            None => args.push("--help".into()),
            // What follows `serve` is for another program, its flags included.
            Some(command) if command == "serve" => args.insert(1, "--".into()),
            Some(_) => {}
        }
        Self::from_vec(args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> xflags::Result<CargoXtask> {
        CargoXtask::parse(args.iter().map(OsString::from).collect())
    }

    #[test]
    fn commands_are_recognised() {
        assert!(matches!(
            parse(&["setup"]).unwrap().subcommand,
            CargoXtaskCmd::Setup(_)
        ));
        assert!(matches!(
            parse(&["build"]).unwrap().subcommand,
            CargoXtaskCmd::Build(_)
        ));
        assert!(matches!(
            parse(&["mutants"]).unwrap().subcommand,
            CargoXtaskCmd::Mutants(_)
        ));
        assert!(matches!(
            parse(&["sabotage"]).unwrap().subcommand,
            CargoXtaskCmd::Sabotage(_)
        ));
        assert!(matches!(
            parse(&["test"]).unwrap().subcommand,
            CargoXtaskCmd::Test(_)
        ));
    }

    #[test]
    fn crash_takes_a_store_a_count_and_a_seed() {
        let args = ["crash", "--store", "redis", "--kills", "200", "--seed", "7"];
        let CargoXtaskCmd::Crash(crash) = parse(&args).unwrap().subcommand else {
            panic!("not the command crash");
        };
        assert_eq!(crash.store.as_deref(), Some("redis"));
        assert_eq!((crash.kills, crash.seed), (Some(200), Some(7)));
    }

    #[test]
    fn fuzz_takes_minutes() {
        let args = ["fuzz", "--minutes", "30"];
        let CargoXtaskCmd::Fuzz(fuzz) = parse(&args).unwrap().subcommand else {
            panic!("not the command fuzz");
        };
        assert_eq!(fuzz.minutes, Some(30));
    }

    #[test]
    fn bench_takes_a_name_or_measures_everything() {
        let bench = |args: &[&str]| match parse(args).unwrap().subcommand {
            CargoXtaskCmd::Bench(bench) => bench,
            _ => panic!("not the command bench"),
        };
        let all = bench(&["bench", "--peer", "other/driver"]);
        assert_eq!(all.benchmark, None);
        assert_eq!(all.peer, Some(PathBuf::from("other/driver")));
        let some = bench(&["bench", "load", "--only", "burst,verbs"]);
        assert_eq!(some.benchmark.as_deref(), Some("load"));
        assert_eq!(some.only.as_deref(), Some("burst,verbs"));
    }

    #[test]
    fn dist_may_be_asked_to_try_it_or_to_do_it_twice() {
        for (args, empty_root, reproduce) in [
            (&["dist"][..], false, false),
            (&["dist", "--empty-root"], true, false),
            (&["dist", "--reproduce"], false, true),
        ] {
            let CargoXtaskCmd::Dist(dist) = parse(args).unwrap().subcommand else {
                panic!("not the command dist");
            };
            assert_eq!((dist.empty_root, dist.reproduce), (empty_root, reproduce));
        }
    }

    #[test]
    fn deny_may_insist_on_advisories() {
        for (args, expected) in [(&["deny"][..], false), (&["deny", "--advisories"], true)] {
            let CargoXtaskCmd::Deny(deny) = parse(args).unwrap().subcommand else {
                panic!("not the command deny");
            };
            assert_eq!(deny.advisories, expected);
        }
    }

    #[test]
    fn serve_passes_on_all_that_follows() {
        let args = ["serve", "--allow", "127.0.0.1", "--help", "--", "-x"];
        let CargoXtaskCmd::Serve(serve) = parse(&args).unwrap().subcommand else {
            panic!("not the command serve");
        };
        assert_eq!(serve.args, args[1..]);
    }

    #[test]
    fn nothing_asked_is_a_call_for_help() {
        assert!(parse(&[]).unwrap_err().is_help());
        assert!(parse(&["--help"]).unwrap_err().is_help());
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(!parse(&["tset"]).unwrap_err().is_help());
        assert!(!parse(&["test", "--quick"]).unwrap_err().is_help());
    }
}
