//! What a module may have of Redis is bounded, for it is everybody's.

use futures_util::future::join_all;
use placeos_slot::host::storage::{Change, Storage};
use placeos_slot::host::store::VALUE_LIMIT;
use rig::placeos::{MODULE, Redis};
use serde_json::json;

use crate::program::a_module;
use crate::receiver::Receiver;
use crate::store::{claimed, counted, there};

/// The most that a module's keys and values may have.
const MOST: u64 = 4 << 30;

fn owner() -> String {
    format!("rhombus/{{{MODULE}}}/o")
}

async fn pretend(redis: &Redis, bytes: u64) {
    let pretend = redis::cmd("HSET")
        .arg(owner())
        .arg("bytes")
        .arg(bytes)
        .clone();
    let () = redis.query(&pretend).await;
}

#[tokio::test]
async fn a_module_whose_store_is_full_takes_nothing_new_until_something_is_deleted() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    redis
        .event(&json!({ "door_id": "lobby", "action": "granted" }))
        .await;
    receiver.wait_for(1).await;

    let one_more = json!({ "webhook": format!("{}/more", receiver.url()) });
    pretend(&redis, MOST).await;
    let (status, body) = core.hook(MODULE, "POST", one_more.clone()).await;
    assert_eq!(status, 503, "{body}");
    pretend(&redis, MOST / 2).await;
    let (status, body) = core.hook(MODULE, "POST", one_more).await;
    assert_eq!(status, 201, "{body}");
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn what_the_store_counts_is_what_is_there() {
    let redis = Redis::start().await;
    let core = a_module(&redis).await;
    let receiver = Receiver::start().await;
    for number in 0..3 {
        core.subscribe(MODULE, &format!("{}/{number}", receiver.url()))
            .await;
    }
    for number in 0..5 {
        let event = json!({ "door_id": number, "action": "granted" });
        redis.event(&event).await;
    }
    receiver.wait_for(15).await;
    let gone = json!({ "webhook": format!("{}/0", receiver.url()) });
    assert_eq!(core.hook(MODULE, "DELETE", gone).await.0, 202);
    assert!(core.terminate().await.success());

    assert_eq!(counted(&redis).await, there(&redis).await);
}

#[tokio::test]
async fn a_page_is_bounded_and_so_is_what_is_read_and_not_taken() {
    let redis = Redis::start().await;
    let store = claimed(&redis, "test").await;
    for number in 0..5 {
        let value = vec![7; VALUE_LIMIT];
        let key = number.to_string();
        store
            .commit(vec![Change::Put { key, value }])
            .await
            .unwrap();
    }

    let page = store.scan(String::new(), None, 5).await;
    let said = "the page is too large; ask for fewer records";
    assert_eq!(page, Err(said.to_owned()));
    let page = store.scan(String::new(), None, 4).await.unwrap();
    assert_eq!(page.len(), 4);
    let page = store.scan("none".to_owned(), None, 5).await;
    assert_eq!(page, Ok(Vec::new()));

    let reads: Vec<_> = (0..20).map(|_| store.get("0".to_owned())).collect();
    // It is answered after them, and so they have all been read.
    store.commit(Vec::new()).await.unwrap();
    let read = join_all(reads).await;
    let refused = read.iter().filter(|read| read.is_err()).count();
    assert_eq!(refused, 20 - (64 << 20) / VALUE_LIMIT);
}
