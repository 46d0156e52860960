//! A clock that stands still until it is told to go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use placeos_slot::host::Answer;
use placeos_slot::host::clock::Clock;
use rig::program::until;
use tokio::sync::oneshot;

/// Clones are the same clock.
#[derive(Clone, Default)]
pub(crate) struct ManualClock(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    elapsed: Duration,
    sleepers: Vec<Sleeper>,
}

struct Sleeper {
    duration: Duration,
    until: Duration,
    wake: oneshot::Sender<()>,
}

impl ManualClock {
    /// Waits until somebody sleeps for exactly `duration`, and lets that much time pass.
    pub(crate) async fn pass(&self, duration: Duration) {
        until(&format!("somebody sleeps for {duration:?}"), async || {
            let mut state = self.0.lock().unwrap();
            state.sleepers.retain(|sleeper| !sleeper.wake.is_closed());
            let mut sleepers = state.sleepers.iter();
            sleepers
                .any(|sleeper| sleeper.duration == duration)
                .then_some(())
        })
        .await;
        self.go_on(duration);
    }

    /// Lets so much time pass.
    pub(crate) fn go_on(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.elapsed += duration;
        let now = state.elapsed;
        for sleeper in state
            .sleepers
            .extract_if(.., |sleeper| sleeper.until <= now)
        {
            // It may have given up.
            let _ = sleeper.wake.send(());
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        1_767_225_600_000 + u64::try_from(self.elapsed().as_millis()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().elapsed
    }

    fn sleep(&self, duration: Duration) -> Answer<()> {
        let mut state = self.0.lock().unwrap();
        let (wake, woken) = oneshot::channel();
        let until = state.elapsed.saturating_add(duration);
        state.sleepers.push(Sleeper {
            duration,
            until,
            wake,
        });
        woken.map(drop).boxed()
    }
}
