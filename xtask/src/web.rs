//! The gateway's pages.

use xshell::{Shell, cmd};

use crate::setup;
use crate::versions::WEB_FOLDER;

/// Makes them, for the slot to embed; leaves those alone that have not changed.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<()> {
    setup::for_web(shell)?;
    Ok(cmd!(shell, "npm run build --silent --prefix {WEB_FOLDER}").run()?)
}
