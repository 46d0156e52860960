//! The egress policy in force.

use std::sync::{Arc, PoisonError, RwLock};

use rhombus_egress::Policy;

/// The policy in force, shared by whoever sets it and whoever obeys it. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Allowed(Arc<RwLock<Arc<Policy>>>);

impl Allowed {
    /// Begins with `policy`.
    pub fn new(policy: Policy) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(policy))))
    }

    /// Puts `policy` in force: every POST that begins from now on obeys it. An equal one changes
    /// nothing, so that connections are kept.
    pub fn replace(&self, policy: Policy) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if **current != policy {
            *current = Arc::new(policy);
        }
    }

    /// The policy of this moment. While it stays in force, it is the same allocation.
    pub(crate) fn current(&self) -> Arc<Policy> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
