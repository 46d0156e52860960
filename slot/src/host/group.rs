//! Commits that wait while one is being made durable go together in the next.

use tokio::sync::oneshot;

use super::storage::Change;

/// Changes that are made together or not at all, and who waits for the verdict.
pub(crate) struct Commit<A> {
    pub(crate) changes: Vec<Change>,
    pub(crate) answer: oneshot::Sender<A>,
}

/// Where a group ends, so that its first commit does not wait long for its last.
pub(crate) struct Bounds {
    pub(crate) commits: usize,
    pub(crate) bytes: usize,
}

/// The commits that wait behind `first`, and the call that ended the group if it was another. `next`
/// gives what waits: a commit, or another call.
pub(crate) fn grouped<A, C>(
    first: Commit<A>,
    bounds: &Bounds,
    mut next: impl FnMut() -> Option<Result<Commit<A>, C>>,
) -> (Vec<Commit<A>>, Option<C>) {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    while group.len() < bounds.commits && bytes < bounds.bytes {
        match next() {
            Some(Ok(commit)) => {
                bytes += commit.bytes();
                group.push(commit);
            }
            Some(Err(other)) => return (group, Some(other)),
            None => break,
        }
    }
    (group, None)
}

impl<A> Commit<A> {
    fn bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }
}
