//! Reading the records of a kind, page by page.

use crate::host::{Host, StorageFailed};

/// How many records one read of the store asks for.
pub(crate) const PAGE: u32 = 256;

/// The records whose keys begin alike, in key order, as far as they have not been read.
pub(crate) struct Pages {
    prefix: String,
    after: Option<String>,
}

impl Pages {
    /// Those whose key begins with `prefix`.
    pub(crate) fn of(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let after = None;
        Self { prefix, after }
    }

    /// The next page; `None` after the last.
    pub(crate) async fn next(
        &mut self,
        host: &impl Host,
    ) -> Result<Option<Vec<(String, Vec<u8>)>>, StorageFailed> {
        let page = host.scan(&self.prefix, self.after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(None);
        };
        self.after = Some(last.clone());
        Ok(Some(page))
    }
}
