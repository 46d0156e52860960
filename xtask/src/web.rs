//! The gateway's pages.

use xshell::{Shell, cmd};

use crate::package;
use crate::setup::{self, WasmToolchain};
use crate::versions::WEB_FOLDER;

/// Makes them, for the slot to embed; leaves those alone that have not changed. The playground loads the
/// package's module, so the package is made first.
pub(crate) fn build(shell: &Shell, wasm: WasmToolchain) -> anyhow::Result<()> {
    package::build(shell, wasm)?;
    setup::for_web(shell)?;
    Ok(cmd!(shell, "npm run build --silent --prefix {WEB_FOLDER}").run()?)
}
