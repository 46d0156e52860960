//! `discard`: what nobody wants any more goes. A pending delivery becomes a dead letter first, so that
//! it can still be seen, and redelivered.

use serde_json::json;

use crate::driver::Driver;
use crate::host::{Change, CommitError, Host};
use crate::kept;

use super::CallError;
use super::arguments::Arguments;
use super::selection::{Filter, Kind, Selection};

/// Why a pending delivery that is discarded is given up.
const REASON: &str = "it was discarded by an operator";

impl<H: Host + 'static> Driver<H> {
    /// Discards the records of `ids`, or those of a `state` (dead letters unless told) whose event
    /// happened in a time. Answers how many.
    pub(super) async fn discard(&self, mut arguments: Arguments) -> Result<String, CallError> {
        let ids = arguments.texts("ids")?;
        let kind = Kind::of(&mut arguments)?;
        let filter = Filter::of(&mut arguments)?;
        arguments.end()?;
        if ids.is_some() && kind.is_some() {
            return Err(Selection::ambiguous());
        }
        let mut selection = Selection::of(ids, kind.unwrap_or(Kind::Dead), filter)?;
        if let Selection::Named(ids) = &selection
            && let Some(id) = ids.iter().find(|id| Kind::of_record(id).is_none())
        {
            return Err(CallError::Invalid(format!("{id:?} is the id of nothing")));
        }
        let mut discarded = 0;
        let failed = |why: String, discarded: usize| {
            CallError::Failed(format!(
                "{discarded} are discarded, then the store failed: {why}"
            ))
        };
        loop {
            let _turn = self.0.dead_letters.turn().await;
            let page = selection.next(&self.0.host).await;
            let Some(page) = page.map_err(|error| failed(error.0, discarded))? else {
                break;
            };
            discarded += self
                .discard_records(page.records)
                .await
                .map_err(|error| failed(error.to_string(), discarded))?;
        }
        self.0.touch();
        Ok(json!({ "discarded": discarded }).to_string())
    }

    async fn discard_records(&self, records: Vec<(String, Vec<u8>)>) -> Result<usize, CommitError> {
        let inner = &*self.0;
        let is = |kind| move |name: &str| Kind::of_record(name) == Some(kind);
        let (pending, kept): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|(name, _)| is(Kind::Pending)(name));
        let discarded = kept.len();
        if !kept.is_empty() {
            let dead = kept.iter().filter(|(name, _)| is(Kind::Dead)(name)).count();
            let changes = kept.into_iter().map(|(key, _)| Change::Delete { key });
            inner.host.commit(changes.collect()).await?;
            inner.kept.remove(kept::Kind::Dead, dead);
            inner.kept.remove(kept::Kind::Rejected, discarded - dead);
        }
        Ok(discarded + self.bury(pending, REASON).await?)
    }
}
