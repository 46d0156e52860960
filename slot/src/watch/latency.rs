//! When an event came, for telling how long it took until it was delivered.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// Of how many events it is remembered.
const MOST: usize = 4_096;

/// When the latest events came, by their ids.
#[derive(Default)]
pub(super) struct Arrivals {
    came: HashMap<String, Instant>,
    order: VecDeque<String>,
}

impl Arrivals {
    /// When the event of that id came: `at`, if it is not known. That is when it was accepted, if its
    /// sender has named it; when it was first sent out, which is at once, if the driver has; and for
    /// one that is forgotten, when this attempt began.
    pub(super) fn came(&mut self, id: &str, at: Instant) -> Instant {
        if let Some(came) = self.came.get(id) {
            return *came;
        }
        if self.order.len() == MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.came.remove(&oldest);
        }
        self.came.insert(id.to_owned(), at);
        self.order.push_back(id.to_owned());
        at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_event_came_when_it_was_first_heard_of() {
        let mut arrivals = Arrivals::default();
        let first = Instant::now();
        let later = first + Duration::from_secs(5);
        assert_eq!(arrivals.came("a", first), first);
        assert_eq!(arrivals.came("a", later), first);
        assert_eq!(arrivals.came("b", later), later);
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut arrivals = Arrivals::default();
        let first = Instant::now();
        for id in 0..=MOST {
            arrivals.came(&id.to_string(), first);
        }
        assert_eq!(arrivals.came.len(), MOST);
        let later = first + Duration::from_secs(5);
        assert_eq!(arrivals.came("1", later), first);
        assert_eq!(arrivals.came("0", later), later);
    }
}
