//! Listing records, page by page: for the functions that show what is kept.

use serde_json::{Value, json};

use crate::driver::Driver;
use crate::host::Host;

use super::CallError;
use super::arguments::Arguments;

/// How many are listed at most, and unless told.
const MOST: u32 = 500;
const USUAL: u32 = 100;
/// How much of the store is read for one answer; the rest follows `next`.
const PAGES: usize = 100;

/// Where a list begins, and how long it may be.
pub(super) struct Range {
    after: Option<String>,
    limit: u32,
}

impl Range {
    /// The arguments `after`, which is the `next` of the call before, and `limit`.
    pub(super) fn of(arguments: &mut Arguments) -> Result<Self, CallError> {
        Ok(Self {
            after: arguments.text("after")?,
            limit: arguments.count("limit", MOST)?.unwrap_or(USUAL),
        })
    }

    /// Begins after the record of this name, unless it was said where.
    pub(super) fn or_after(self, name: Option<String>) -> Self {
        Self {
            after: self.after.or(name),
            ..self
        }
    }
}

impl<H: Host + 'static> Driver<H> {
    /// Lists what `entry` makes of the records whose names begin with `prefix`, in their order, under
    /// `name`: `{name: […], "next": text or null}`.
    pub(super) async fn list(
        &self,
        name: &str,
        prefix: &str,
        range: Range,
        entry: impl Fn(&str, &[u8]) -> Option<Value>,
    ) -> Result<String, CallError> {
        let Range { mut after, limit } = range;
        let mut listed = Vec::new();
        'pages: for _ in 0..PAGES {
            let page = self.0.host.scan(prefix, after.as_deref(), limit).await;
            let page = page.map_err(|error| CallError::Failed(error.0))?;
            if page.is_empty() {
                after = None;
                break;
            }
            for (name, value) in page {
                listed.extend(entry(&name, &value));
                after = Some(name);
                if listed.len() == limit as usize {
                    break 'pages;
                }
            }
        }
        Ok(json!({ name: listed, "next": after }).to_string())
    }
}
