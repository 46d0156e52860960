//! Whether the gateway's folder keeps what is committed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::statfs;
use tempfile::TempDir;

use super::finding::Finding;
use crate::host::storage::{Change, Storage};
use crate::host::store::{OpenError, Store};

/// File systems that forget, by the numbers that Linux gives them.
const TMPFS: i64 = 0x0102_1994;
const RAMFS: i64 = 0x8584_58f6;
const OVERLAY: i64 = 0x794c_7630;

/// Commits to a store beside the gateway's own, which may be in use.
pub(super) async fn store(folder: PathBuf) -> Finding {
    let what = format!("store {}", folder.display());
    match try_out(&folder).await {
        Err(trouble) => Finding::bad(what, trouble.to_string()),
        Ok(milliseconds) => {
            let kept = format!("a commit is on the disk after {milliseconds:.1} ms");
            match kind(existing(&folder)) {
                Ok(TMPFS | RAMFS) => Finding::bad(
                    what,
                    "it is in memory, which a loss of power empties; choose a folder on a disk",
                ),
                Ok(OVERLAY) => Finding::doubtful(
                    what,
                    format!(
                        "{kept}; it is in a container's own layer, which goes with the container: \
                         mount a volume there"
                    ),
                ),
                _ => Finding::good(what, kept),
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("nothing can be made in it ({0}); change its owner or permissions")]
    Folder(io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("a commit failed: {0}")]
    Commit(String),
}

/// How many milliseconds a commit takes.
async fn try_out(folder: &Path) -> Result<f64, Trouble> {
    let place = TempDir::with_prefix_in(".check-", existing(folder)).map_err(Trouble::Folder)?;
    let own = place.path().to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::open(&own));
    let store = opened
        .await
        .map_err(|error| Trouble::Folder(error.into()))??;
    let change = Change::Put {
        key: "check".to_owned(),
        value: vec![0; 300],
    };
    let begun = Instant::now();
    let made = store.commit(vec![change]).await;
    made.map_err(|error| Trouble::Commit(error.to_string()))?;
    let took = begun.elapsed();
    store.close().await.map_err(Trouble::Commit)?;
    Ok(took.as_secs_f64() * 1000.0)
}

/// The folder, or the nearest one above it that there is: the gateway makes what is missing.
fn existing(folder: &Path) -> &Path {
    let mut above = folder.ancestors().filter(|above| above.exists());
    above.next().unwrap_or(Path::new("."))
}

fn kind(folder: &Path) -> io::Result<i64> {
    Ok(statfs(folder)?.f_type)
}
