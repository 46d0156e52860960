//! A store that this version cannot read is refused, and stays what it is.

use std::fs;

use placeos_slot::host::store::{OpenError, Store};
use rig::program::Place;

use crate::building::Building;
use crate::kept::{self, Kept, put};
use crate::records::Records;

/// What a newer version may have written.
const NEWER: &str = r#"{"v":2,"new":true}"#;
/// Where `redb` has the version of its own format: a byte of each of the two commit slots.
const REDB_VERSIONS: [usize; 2] = [64, 192];

/// Refuses `key` of a newer version in every kept store, in both its places.
async fn is_refused(key: &str) {
    for kept in Kept::all() {
        for place in kept::Place::both(&kept).await {
            let store = place.open().await;
            put(&*store, key, NEWER).await;
            let before = Records::of(&*store).await;
            let loaded = Building::load(store.clone(), kept.records().left()).await;
            let why = loaded
                .err()
                .unwrap_or_else(|| panic!("{key} is not refused"));
            assert!(why.contains("its format is 2"), "{key}: {why}");
            assert!(why.contains(key), "{key}: {why}");
            assert_eq!(Records::of(&*store).await, before, "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_format_is_refused() {
    is_refused("format").await;
}

/// They say who is subscribed, and in which order events came: nothing can be done without them.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_book_is_newer_is_refused() {
    for key in [
        "book",
        "last-key",
        "settings",
        "subscription/00000000000000007",
        "removal/00000000000000007",
    ] {
        is_refused(key).await;
    }
}

/// Doors are not kept shut, nor others' deliveries held up, by one record of something that has been.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_has_been_a_newer_record_is_passed_over_and_stays_what_it_is() {
    for kept in Kept::all() {
        let records = kept.records();
        let (subscription, _) = records.below("subscription/").next().unwrap();
        // Too young to be dropped for its age.
        let young = records.left().as_micros() + 1;
        let keys = [
            format!("delivery/{subscription}/{young:017}"),
            format!("dead/{young:017}"),
            format!("rejected/{young:017}"),
            format!("unlock/{young:017}"),
            "seen/newer".to_owned(),
        ];
        for place in kept::Place::both(&kept).await {
            let store = place.open().await;
            for key in &keys {
                put(&*store, key, NEWER).await;
            }
            let building = Building::load(store.clone(), records.left()).await.unwrap();
            building.wait_for(records.below("delivery/").count()).await;
            building.module.stop().await;
            let after = Records::of(&*store).await;
            for key in &keys {
                assert_eq!(after.0.get(key).map(String::as_str), Some(NEWER), "{key}");
            }
        }
    }
}

#[tokio::test]
async fn a_gateway_says_in_one_line_that_its_store_is_newer() {
    for kept in Kept::all() {
        let place = a_place(&kept);
        let store = Store::open(&place.data()).unwrap();
        put(&store, "format", NEWER).await;
        let before = Records::of(&store).await;
        store.close().await.unwrap();
        drop(store);

        let output = place.serve(&[]).env("PLACEOS_SLOT_LOG", "off").output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            error,
            "placeos-slot: the driver cannot start: the store cannot be used: the record format \
             cannot be read: its format is 2, this driver reads 1\n"
        );
        let store = Store::open(&place.data()).unwrap();
        assert_eq!(Records::of(&store).await, before);
    }
}

#[test]
fn a_file_that_redb_cannot_read_is_refused_and_no_byte_of_it_changes() {
    for kept in Kept::all() {
        let place = a_place(&kept);
        let file = place.data().join("store.redb");
        let good = fs::read(&file).unwrap();
        let mut newer = good.clone();
        for at in REDB_VERSIONS {
            newer[at] += 1;
        }
        let mut garbage = good.clone();
        garbage[..64].fill(0x5a);
        let cut = good[..good.len() / 2].to_owned();
        for (what, bytes, why) in [
            ("a newer redb's", newer, "file format version"),
            ("garbage", garbage, ""),
            ("half a file", cut, ""),
            ("text", b"not a store\n".repeat(1000), ""),
        ] {
            fs::write(&file, &bytes).unwrap();
            let opened = Store::open(&place.data());
            let Err(OpenError::Damaged { reason, .. }) = opened else {
                panic!("{what}: {opened:?}");
            };
            assert!(reason.contains(why), "{what}: {reason}");
            let is_the_same = fs::read(&file).unwrap() == bytes;
            assert!(is_the_same, "{what}");
        }
    }
}

/// A place for a gateway, with a copy of the store.
fn a_place(kept: &Kept) -> Place {
    let place = Place::new(env!("CARGO_BIN_EXE_placeos-slot"));
    kept.copy_to(&place.data());
    place
}
