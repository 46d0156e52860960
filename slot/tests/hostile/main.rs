//! Hostile components, built from source (`hostile/`): each is stopped, or held to its bounds, is reported,
//! and loaded again after a while; and the driver beside it, in the same process, notices nothing.
//!
//! Each behaviour is a test. The last line counts those that were tried.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

mod answers;
mod clock;
mod computing;
mod ending;
mod floods;
mod host;
mod log;
mod memory;
mod neighbour;
mod site;
mod traps;
mod undeclared;
mod waiting;

use futures_util::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};

use crate::site::{Site, THREADS};

/// What a component does, and how it is seen to do no harm.
struct Behaviour {
    name: String,
    threads: usize,
    test: fn(Site) -> LocalBoxFuture<'static, ()>,
}

impl Behaviour {
    fn new(name: impl Into<String>, test: fn(Site) -> LocalBoxFuture<'static, ()>) -> Self {
        Self {
            name: name.into(),
            threads: THREADS,
            test,
        }
    }

    /// On one thread, which all modules share.
    fn on_one_thread(self) -> Self {
        Self { threads: 1, ..self }
    }

    fn trial(self) -> Trial {
        let name = self.name.clone();
        Trial::test(name, move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(self.threads)
                .enable_all()
                .build()?;
            runtime.block_on(async move {
                let site = Site::new(self.name).await;
                let neighbour = site.neighbour.clone();
                neighbour.works().await;
                (self.test)(site).await;
                neighbour.works().await;
            });
            Ok(())
        })
    }
}

fn main() {
    log::start();
    let behaviours = [
        computing::behaviours(),
        memory::behaviours(),
        traps::behaviours(),
        waiting::behaviours(),
        ending::behaviours(),
        floods::behaviours(),
        answers::behaviours(),
        undeclared::behaviours(),
    ];
    let trials = behaviours.into_iter().flatten().map(Behaviour::trial);
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    if conclusion.num_failed == 0 && conclusion.num_passed > 0 {
        #[expect(clippy::print_stdout, reason = "it is counted")]
        {
            println!(
                "hostile components: {} stopped, reported, restarted; neighbours unhurt",
                conclusion.num_passed
            );
        }
    }
    conclusion.exit()
}
