//! A module's records in Redis, through the interface a module has: they are what a map in memory has, and
//! their bytes are counted.

use std::collections::{BTreeSet, HashMap};

use placeos_slot::host::storage::{Change, Storage};
use placeos_slot::placeos::redis::{Address, RedisStore};
use rig::placeos::{MODULE, Redis};

use crate::model::{Dice, Model};

#[tokio::test]
async fn it_does_what_a_map_does() {
    let redis = Redis::start().await;
    let mut model = Model::default();
    for seed in 0..4 {
        let store = claimed(&redis, &seed.to_string()).await;
        let mut dice = Dice(seed);
        for _ in 0..60 {
            model.compare(&store, &mut dice).await;
        }
        let bytes = model.0.iter().map(|(key, value)| key.len() + value.len());
        assert_eq!(counted(&redis).await, bytes.sum::<usize>() as u64);
        assert_eq!(counted(&redis).await, there(&redis).await);
    }
}

/// More than one command of Redis takes at once.
#[tokio::test]
async fn an_event_for_thousands_of_subscribers_is_saved_and_settled_whole() {
    let redis = Redis::start().await;
    let store = claimed(&redis, "test").await;
    let keys: Vec<_> = (0..9_999)
        .map(|number| format!("delivery/{number}"))
        .collect();
    let put = |key: &String| Change::Put {
        key: key.clone(),
        value: b"an event".to_vec(),
    };
    store.commit(keys.iter().map(put).collect()).await.unwrap();
    let bytes = keys.iter().map(|key| key.len() + b"an event".len());
    assert_eq!(counted(&redis).await, bytes.sum::<usize>() as u64);
    for key in ["delivery/0", "delivery/1000", "delivery/9998"] {
        assert_eq!(
            store.get(key.to_owned()).await,
            Ok(Some(b"an event".to_vec()))
        );
    }

    let delete = |key: &String| Change::Delete { key: key.clone() };
    let all_but_one = keys[1..].iter().map(delete);
    store.commit(all_but_one.collect()).await.unwrap();
    let left = store.scan(String::new(), None, 10).await.unwrap();
    assert_eq!(left, [(keys[0].clone(), b"an event".to_vec())]);
    assert_eq!(counted(&redis).await, there(&redis).await);
}

/// The records of the module, taken over by an instance of this name. Its connection lives as long as the test.
pub(crate) async fn claimed(redis: &Redis, instance: &str) -> RedisStore {
    let address = Address::parse(&redis.url(), false).unwrap();
    let connection = placeos_slot::placeos::redis::Redis::new(address);
    let watching = connection.clone();
    tokio::spawn(async move { watching.watch().await });
    let mut connected = connection.connected();
    connected.wait_for(Option::is_some).await.unwrap();
    let store = RedisStore::claim(connection, MODULE, instance.to_owned());
    store.await.unwrap()
}

/// What the module's store says of its size.
pub(crate) async fn counted(redis: &Redis) -> u64 {
    let [.., owner] = RedisStore::keys(MODULE);
    redis
        .query(redis::cmd("HGET").arg(owner).arg("bytes"))
        .await
}

/// What its records have, and that each is in both of the places where Redis has it.
pub(crate) async fn there(redis: &Redis) -> u64 {
    let [values, keys, _owner] = RedisStore::keys(MODULE);
    let values = redis::cmd("HGETALL").arg(values).clone();
    let values: HashMap<String, Vec<u8>> = redis.query(&values).await;
    let keys = redis::cmd("ZRANGE").arg(keys).arg(0).arg(-1).clone();
    let keys: BTreeSet<String> = redis.query(&keys).await;
    assert_eq!(keys, values.keys().cloned().collect());
    let bytes = values.iter().map(|(key, value)| key.len() + value.len());
    bytes.sum::<usize>() as u64
}
