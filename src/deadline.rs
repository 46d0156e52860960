//! A limit on how long the driver waits for its host.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::host::Host;

/// What `work` comes to, or `None` if that takes longer than `limit`.
pub(crate) async fn within<T>(
    host: &impl Host,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), pin!(host.sleep(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
