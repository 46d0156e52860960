//! Who is logged in at the console: sessions, in memory.
//!
//! What a browser shows is a random id that stands for a session and is worth nothing once it has
//! ended; the admin key is never kept in a browser. Only a hash of the id is kept here, and it is the
//! hash that is looked up, so how long that takes says nothing about any id.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::host::random::{Random, SystemRandom};

/// How many there can be. For one more, the one ends that has not been used for longest.
const MOST: usize = 64;
/// How long one lasts that is not used: a working day with its breaks.
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);

/// All sessions of a gateway.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Hash, Kept>>);

/// A session that was found. It can tell when it has ended.
#[derive(Clone, Debug)]
pub(super) struct Session(watch::Receiver<()>);

type Hash = [u8; 32];

#[derive(Debug)]
struct Kept {
    used: Instant,
    /// Dropped at its end, which those that wait for the end notice.
    open: watch::Sender<()>,
}

impl Session {
    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Sessions {
    /// Begins one; answers its id, for its owner only.
    pub(super) fn begin(&self) -> Zeroizing<String> {
        self.begin_at(Instant::now())
    }

    /// The session of that id, which is in use now.
    pub(super) fn find(&self, id: &[u8]) -> Option<Session> {
        self.find_at(id, Instant::now())
    }

    /// Ends the session of that id, if it is one.
    pub(super) fn end(&self, id: &[u8]) {
        self.kept().remove(&hash(id));
    }

    fn begin_at(&self, now: Instant) -> Zeroizing<String> {
        let bytes = Zeroizing::new(SystemRandom.bytes(32));
        let id = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(&*bytes));
        let mut kept = self.kept();
        kept.retain(|_, session| !session.is_over(now));
        if kept.len() == MOST {
            let longest = kept.iter().min_by_key(|(_, session)| session.used);
            if let Some(longest) = longest.map(|(hash, _)| *hash) {
                kept.remove(&longest);
            }
        }
        let open = watch::Sender::default();
        kept.insert(hash(id.as_bytes()), Kept { used: now, open });
        id
    }

    fn find_at(&self, id: &[u8], now: Instant) -> Option<Session> {
        let mut kept = self.kept();
        let session = kept.get_mut(&hash(id))?;
        if session.is_over(now) {
            return None;
        }
        session.used = now;
        Some(Session(session.open.subscribe()))
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Hash, Kept>> {
        // Nothing that is done under the lock can leave a session half begun.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// One that somebody holds is in use: a console that is open shows what happens, and asks nothing.
    fn is_over(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(self.used);
        idle > IDLE && self.open.receiver_count() == 0
    }
}

fn hash(id: &[u8]) -> Hash {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn an_id_is_random_and_only_its_whole_self() {
        let sessions = Sessions::default();
        let [one, other] = [sessions.begin(), sessions.begin()];
        assert_ne!(*one, *other);
        assert_eq!(one.len(), 43);
        assert!(sessions.find(one.as_bytes()).is_some());
        for wrong in [b"".as_slice(), &one.as_bytes()[1..], b"a"] {
            assert!(sessions.find(wrong).is_none());
        }
    }

    #[test]
    fn one_that_has_ended_is_found_no_more_and_says_so() {
        let sessions = Sessions::default();
        let id = sessions.begin();
        let mut held = sessions.find(id.as_bytes()).unwrap();
        assert!(held.ended().now_or_never().is_none());
        sessions.end(id.as_bytes());
        assert!(held.ended().now_or_never().is_some());
        assert!(sessions.find(id.as_bytes()).is_none());
    }

    #[test]
    fn it_ends_when_it_was_not_used_for_twelve_hours() {
        let sessions = Sessions::default();
        let begun = Instant::now();
        let id = sessions.begin_at(begun);
        let find = |after| sessions.find_at(id.as_bytes(), begun + after);
        assert!(find(IDLE).is_some());
        assert!(find(2 * IDLE).is_some());
        assert!(find(4 * IDLE).is_none());
    }

    #[test]
    fn one_that_is_held_is_in_use() {
        let sessions = Sessions::default();
        let begun = Instant::now();
        let id = sessions.begin_at(begun);
        let held = sessions.find_at(id.as_bytes(), begun);
        assert!(sessions.find_at(id.as_bytes(), begun + 4 * IDLE).is_some());
        drop(held);
        assert!(sessions.find_at(id.as_bytes(), begun + 9 * IDLE).is_none());
    }

    #[test]
    fn of_too_many_the_one_ends_that_was_not_used_for_longest() {
        let sessions = Sessions::default();
        let begun = Instant::now();
        let second = |seconds| begun + Duration::from_secs(seconds);
        let first = sessions.begin_at(begun);
        let ids: Vec<_> = (1..MOST as u64)
            .map(|at| sessions.begin_at(second(at)))
            .collect();
        assert!(sessions.find_at(first.as_bytes(), second(100)).is_some());
        let last = sessions.begin_at(second(101));
        let is_there = |id: &str| sessions.find_at(id.as_bytes(), second(102)).is_some();
        assert!(is_there(&first) && is_there(&last) && is_there(&ids[1]));
        assert!(!is_there(&ids[0]));
    }
}
