//! Which doors there are, and whose: what the security systems listed last.
//!
//! Rhombus keys its cameras by door, so a list with a hole would take cameras from their doors. A
//! system that fails is therefore represented by its last good list, and one that vanishes is
//! missed only after a while: core rewrites a system's map field by field.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::deadline::within;
use crate::door::{Door, DoorId};
use crate::driver::{Driver, Inner};
use crate::host::{Host, Level, ListedDoor};
use crate::joint::Joint;
use crate::sorted::SortedMap;

/// How long one security system may take to list its doors.
const LIST_LIMIT: Duration = Duration::from_secs(5);
/// How long a list is good, in milliseconds.
const GOOD_FOR: u64 = 24 * 60 * 60 * 1000;
/// How long a system must be missing from the map before it counts as gone, in milliseconds.
const GONE_AFTER: u64 = 2000;
/// At most this often, in milliseconds, an unknown door has the lists fetched.
const FETCH_EVERY: u64 = 5000;

/// What is known of the security systems.
#[derive(Default)]
pub(crate) struct Directory {
    systems: RefCell<SortedMap<String, System>>,
    /// The latest fetch for an unknown door, and when it began.
    fetch: RefCell<Option<(u64, Joint<()>)>>,
}

#[derive(Default)]
struct System {
    listed: Option<Listed>,
    /// Since when the map has not had it.
    missing_since: Option<u64>,
}

struct Listed {
    doors: Rc<[Door]>,
    at: u64,
}

impl Listed {
    fn is_good(&self, now: u64) -> bool {
        now.saturating_sub(self.at) <= GOOD_FOR
    }
}

/// Whose a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This security system's.
    System(String),
    /// More than one system lists it.
    Several,
    /// No system lists it.
    Unknown,
    /// There is no security system.
    NoSystem,
}

impl<H: Host + 'static> Driver<H> {
    /// All doors, each once. The error, for the log, says why the list would have a hole.
    pub(crate) async fn all_doors(&self) -> Result<Vec<Door>, String> {
        self.0.fetch_lists().await?;
        let now = self.0.host.now();
        let systems = self.0.directory.systems.borrow();
        let mut lists = Vec::new();
        for (name, system) in systems.iter() {
            match &system.listed {
                Some(listed) if listed.is_good(now) => lists.push(&*listed.doors),
                // What vanishes from the map without ever having listed anything is no loss.
                _ if system.missing_since.is_some() => {}
                _ => {
                    return Err(format!(
                        "the security system {name} gave no list of its doors"
                    ));
                }
            }
        }
        Ok(each_once(&lists))
    }

    /// Whose door `id` is. The error, for the log, says why it cannot be told.
    pub(crate) async fn owner_of(&self, id: &DoorId) -> Result<Owner, String> {
        self.0.read_map().await?;
        let owner = self.0.directory.owner_of(id, self.0.host.now());
        if owner != Owner::Unknown {
            return Ok(owner);
        }
        self.fetch_for_unknown().await;
        Ok(self.0.directory.owner_of(id, self.0.host.now()))
    }

    /// Fetches the lists, together with whoever else asks, at most every five seconds.
    async fn fetch_for_unknown(&self) {
        let now = self.0.host.now();
        let fetch = {
            let mut latest = self.0.directory.fetch.borrow_mut();
            match &*latest {
                Some((at, fetch)) if (*at..at.saturating_add(FETCH_EVERY)).contains(&now) => {
                    fetch.clone()
                }
                _ => {
                    let inner = Rc::clone(&self.0);
                    let fetch = async move {
                        if let Err(why) = inner.fetch_lists().await {
                            inner.warn(&why);
                        }
                    };
                    let fetch = Joint::begin(&self.0.tasks, fetch);
                    *latest = Some((now, fetch.clone()));
                    fetch
                }
            }
        };
        fetch.outcome(&self.0.running).await;
    }
}

impl<H: Host> Inner<H> {
    /// Reads the map of security systems. One that is missing from it counts as gone after a while.
    async fn read_map(&self) -> Result<(), String> {
        let map = within(&self.host, LIST_LIMIT, self.host.systems()).await;
        let map = map.unwrap_or_else(|| Err("no answer in time".to_owned()));
        let map = map.map_err(|why| format!("the security systems cannot be told: {why}"))?;
        let now = self.host.now();
        let mut systems = self.directory.systems.borrow_mut();
        for name in &map {
            systems
                .get_or_insert_with(name.clone(), System::default)
                .missing_since = None;
        }
        systems.retain(|name, system| {
            if map.contains(name) {
                return true;
            }
            let since = *system.missing_since.get_or_insert(now);
            now.saturating_sub(since) < GONE_AFTER
        });
        Ok(())
    }

    /// Has every system list its doors, at the same time.
    async fn fetch_lists(&self) -> Result<(), String> {
        self.read_map().await?;
        let names: Vec<_> = {
            let systems = self.directory.systems.borrow();
            let there = systems
                .iter()
                .filter(|(_, system)| system.missing_since.is_none());
            there.map(|(name, _)| name.clone()).collect()
        };
        let lists = names.iter().map(async |name| {
            let list = within(&self.host, LIST_LIMIT, self.host.doors(name)).await;
            (name, list)
        });
        let mut lists: FuturesUnordered<_> = lists.collect();
        while let Some((name, list)) = lists.next().await {
            match list.unwrap_or_else(|| Err("no answer in time".to_owned())) {
                Ok(doors) => {
                    let doors = doors
                        .into_iter()
                        .filter_map(|door| self.addressable(name, door))
                        .collect();
                    if let Some(system) = self.directory.systems.borrow_mut().get_mut(name) {
                        let at = self.host.now();
                        system.listed = Some(Listed { doors, at });
                    }
                }
                Err(why) => {
                    let fields = [("system", name.as_str()), ("reason", why.as_str())];
                    self.host.log(
                        Level::Warn,
                        "a security system did not list its doors",
                        &fields,
                    );
                }
            }
        }
        Ok(())
    }

    /// A door without an id that could be used is of no use to anybody; the others are.
    fn addressable(&self, system: &str, door: ListedDoor) -> Option<Door> {
        match DoorId::parse(door.id) {
            Ok(door_id) => Some(Door {
                door_id,
                description: door.description,
            }),
            Err(why) => {
                let fields = [("system", system), ("reason", why)];
                self.host.log(
                    Level::Warn,
                    "a security system lists a door whose id cannot be used",
                    &fields,
                );
                None
            }
        }
    }
}

/// The doors of all lists, in their order; of those with one id the first. There may be ten thousand: a sorted
/// vector of those that are known would move half of its members for each that comes.
fn each_once(lists: &[&[Door]]) -> Vec<Door> {
    let doors: Vec<_> = lists.iter().copied().flatten().collect();
    let mut by_id: Vec<_> = (0..doors.len()).collect();
    by_id.sort_unstable_by_key(|at| (&doors[*at].door_id, *at));
    let mut is_first = vec![false; doors.len()];
    for same in by_id.chunk_by(|one, other| doors[*one].door_id == doors[*other].door_id) {
        is_first[same[0]] = true;
    }
    let first = doors.into_iter().zip(is_first).filter(|(_, it)| *it);
    first.map(|(door, _)| door.clone()).collect()
}

impl Directory {
    fn owner_of(&self, id: &DoorId, now: u64) -> Owner {
        let systems = self.systems.borrow();
        if systems.is_empty() {
            return Owner::NoSystem;
        }
        let has_door = |system: &System| {
            let mut doors = system
                .listed
                .iter()
                .filter(|listed| listed.is_good(now))
                .flat_map(|listed| listed.doors.iter());
            doors.any(|door| door.door_id == *id)
        };
        let mut owners = systems.iter().filter(|(_, system)| has_door(system));
        match (owners.next(), owners.next()) {
            (None, _) => Owner::Unknown,
            (Some((name, _)), None) => Owner::System(name.clone()),
            (Some(_), Some(_)) => Owner::Several,
        }
    }
}
