//! A limit on how long the driver waits for its host.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::host::Host;

/// What `work` comes to, or `None` if that takes longer than `limit`.
pub(crate) async fn within<T>(
    host: &impl Host,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    before(pin!(host.sleep(limit)), work).await
}

/// What `work` comes to, or `None` if `deadline` is over first. Several pieces of work can have one
/// deadline.
pub(crate) async fn before<T>(
    deadline: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), deadline).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
