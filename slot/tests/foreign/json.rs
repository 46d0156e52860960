//! JSONTestSuite, read by the component in the slot's engine.
//!
//! Not over HTTP: there the gateway would answer for it, with a limit or a check of its own.

use foreign::json::{self, SETTINGS, cases};
use futures_util::FutureExt;
use placeos_slot::replay::Slot;
use rhombus_replay::Stage;

use crate::repository;

/// One and the same instance is given everything, so that it must outlive each case, and what a case takes
/// of its memory must be free again for the next.
pub(crate) fn json_is_what_others_read_and_takes_no_memory() -> Result<String, String> {
    judge().now_or_never().expect("the world's time is virtual")
}

async fn judge() -> Result<String, String> {
    let cases = cases(&repository()).unwrap();
    let world = json::world();
    let mut slot = Slot::new(world.clone());
    slot.load(SETTINGS).await?;
    let line = json::run(&mut slot, &world, &cases)
        .await
        .line("json in the slot")?;
    let once = slot.memory();
    assert!(once > 0, "it has memory");
    json::run(&mut slot, &world, &cases)
        .await
        .line("json in the slot")?;
    let twice = slot.memory();
    if twice != once {
        return Err(format!("{once} bytes of memory have become {twice}"));
    }
    Ok(line)
}
