//! How long a module is waited for. A call that waits uses no time of its own and never traps; but what
//! all others depend on must end some time.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::host::clock::Clock;

/// How long a module may take to load. The driver reads its subscriptions and the counts of what is
/// pending.
pub(super) const LOAD: Duration = Duration::from_secs(60);
/// How long it may take over an event that is offered again, while nothing else is.
pub(super) const OFFER: Duration = Duration::from_secs(60);
/// How long it may take to end after it was told to. The driver lets attempts under way end, which have
/// ten seconds each.
pub(super) const STOP: Duration = Duration::from_secs(15);

/// What `work` comes to, or `None` if that takes longer than `limit`.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    // What need not wait needs no clock.
    if let Poll::Ready(value) = futures_util::poll!(&mut work) {
        return Some(value);
    }
    tokio::select! {
        biased;
        value = work => Some(value),
        () = clock.sleep(limit) => None,
    }
}
