//! What the real program has accepted reaches every subscriber, however often it is killed and however
//! its receivers fail. `cargo xtask crash` does the same for longer.

use std::path::Path;

use rig::crash::{self, Store};

#[expect(
    clippy::print_stdout,
    reason = "who looks into a failure needs the report"
)]
async fn kills_lose_nothing(store: Store, kills: usize) {
    let program = Path::new(env!("CARGO_BIN_EXE_placeos-slot"));
    let report = crash::run(program, store, kills, fastrand::u64(..)).await;
    println!("{report}");
    assert!(report.events.accepted > 0 && report.unsubscribed > 0);
    assert!(report.rows.iter().all(|row| row.received > 0));
    assert!(report.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing() {
    kills_lose_nothing(Store::Redb, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_of_a_driver_of_placeos_and_of_its_redis_lose_nothing() {
    kills_lose_nothing(Store::Redis, 10).await;
}
