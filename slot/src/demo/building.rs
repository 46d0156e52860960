//! The demo building's security system and its doors.

use crate::host::Answer;
use crate::host::doors::{Door, Doors, Outcome};

/// The one security system of the demo building.
pub(super) const SYSTEM: &str = "demo";

/// Its doors: id, description, and what becomes of an unlock.
const DOORS: [(&str, &str, Outcome); 12] = [
    ("lobby", "Main entrance, ground floor", Outcome::Unlocked),
    ("reception", "Reception to lifts", Outcome::Unlocked),
    ("car-park", "Car park, level -1", Outcome::Unlocked),
    ("bicycle-room", "Bicycle room", Outcome::Unlocked),
    (
        "stairs-east",
        "East stairs, ground floor",
        Outcome::Unlocked,
    ),
    (
        "stairs-west",
        "West stairs, ground floor",
        Outcome::Unlocked,
    ),
    ("office-1", "Office, first floor", Outcome::Unlocked),
    ("office-2", "Office, second floor", Outcome::Unlocked),
    ("laboratory", "Laboratory", Outcome::Unlocked),
    ("server-room", "Server room", Outcome::Unlocked),
    ("vault", "Vault; never opens from afar", Outcome::Refused),
    (
        "loading-dock",
        "Loading dock; has no remote lock",
        Outcome::Unsupported,
    ),
];

/// The doors' ids.
pub(super) fn door_ids() -> impl ExactSizeIterator<Item = &'static str> {
    DOORS.iter().map(|(id, ..)| *id)
}

/// The demo building.
#[derive(Debug, Default)]
pub struct DemoBuilding;

impl Doors for DemoBuilding {
    fn systems(&self) -> Answer<Result<Vec<String>, String>> {
        Box::pin(async { Ok(vec![SYSTEM.to_owned()]) })
    }

    fn list(&self, system: String) -> Answer<Result<Vec<Door>, String>> {
        Box::pin(async move { known(&system).map(|()| doors()) })
    }

    fn unlock(
        &self,
        system: String,
        door: String,
        caller: Option<String>,
    ) -> Answer<Result<Outcome, String>> {
        Box::pin(async move {
            known(&system)?;
            let outcome = unlock(&door)?;
            tracing::info!(
                door,
                caller,
                ?outcome,
                "the demo building was asked to unlock"
            );
            Ok(outcome)
        })
    }
}

fn known(system: &str) -> Result<(), String> {
    if system == SYSTEM {
        Ok(())
    } else {
        Err("the demo building has no such security system".to_owned())
    }
}

fn doors() -> Vec<Door> {
    let door = |(id, description, _): &(&str, &str, Outcome)| Door {
        id: (*id).to_owned(),
        description: Some((*description).to_owned()),
    };
    DOORS.iter().map(door).collect()
}

fn unlock(door: &str) -> Result<Outcome, String> {
    let found = DOORS.iter().find(|(id, ..)| *id == door);
    found
        .map(|(_, _, outcome)| *outcome)
        .ok_or_else(|| "the demo building has no such door".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn it_has_a_dozen_doors_with_different_ids() {
        assert_eq!(DemoBuilding.systems().await, Ok(vec!["demo".to_owned()]));
        let doors = DemoBuilding.list("demo".to_owned()).await.unwrap();
        let ids: BTreeSet<String> = doors.iter().map(|door| door.id.clone()).collect();
        assert_eq!(ids.len(), 12);
        assert!(doors.iter().all(|door| door.description.is_some()));
    }

    #[tokio::test]
    async fn each_kind_of_door_does_what_it_is_there_for() {
        let unlock = async |system: &str, door: &str| {
            DemoBuilding
                .unlock(system.to_owned(), door.to_owned(), None)
                .await
        };
        assert_eq!(unlock("demo", "lobby").await, Ok(Outcome::Unlocked));
        assert_eq!(unlock("demo", "vault").await, Ok(Outcome::Refused));
        assert_eq!(
            unlock("demo", "loading-dock").await,
            Ok(Outcome::Unsupported)
        );
        assert!(unlock("demo", "attic").await.is_err());
        assert!(unlock("other", "lobby").await.is_err());
        assert!(DemoBuilding.list("other".to_owned()).await.is_err());
    }
}
