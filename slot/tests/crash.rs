//! What the real program has accepted reaches every subscriber, however often it is killed and however
//! its receivers fail. `cargo xtask crash` does the same for longer.

use std::path::Path;

use rig::crash;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing() {
    let program = Path::new(env!("CARGO_BIN_EXE_placeos-slot"));
    let report = crash::run(program, 20, fastrand::u64(..)).await;
    println!("{report}");
    assert!(report.events.accepted > 0 && report.unsubscribed > 0);
    assert!(report.rows.iter().all(|row| row.received > 0));
    assert!(report.is_clean());
}
