//! A Redis that is a cluster: as good as a server by itself, also while its servers die.

use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue, cmd};
use rig::placeos::{CHANNEL, Core, MODULE, Redis, Reply, SYSTEM, Security};
use rig::program::until;
use rig::wire::Port;
use serde_json::{Value, json};

use crate::program::a_core_with;
use crate::receiver::Receiver;

/// How many servers share the slots of a cluster.
const MASTERS: usize = 3;
/// How many slots there are.
const SLOTS: usize = 16_384;

/// Servers that share the slots of a cluster, and others that stand by for them.
struct Cluster {
    servers: Vec<Redis>,
    /// Where the servers speak to each other.
    buses: Vec<Port>,
}

impl Cluster {
    async fn start() -> Self {
        let mut cluster = Self {
            servers: Vec::new(),
            buses: Vec::new(),
        };
        for index in 0..MASTERS {
            cluster.add().await;
            let (first, next) = (index * SLOTS / MASTERS, (index + 1) * SLOTS / MASTERS);
            let slots = cmd("CLUSTER")
                .arg("ADDSLOTSRANGE")
                .arg(first)
                .arg(next - 1)
                .clone();
            let () = cluster.servers[index].query(&slots).await;
        }
        cluster.is_whole().await;
        cluster
    }

    /// Adds a server that stands by for another, and waits until it has all that the other has.
    async fn stand_by(&mut self, master: usize) -> &Redis {
        self.add().await;
        self.is_whole().await;
        let id: String = self.servers[master].query(cmd("CLUSTER").arg("MYID")).await;
        let replica = self.servers.last().unwrap();
        let replicate = cmd("CLUSTER").arg("REPLICATE").arg(id).clone();
        let () = replica.query(&replicate).await;
        until("its copy", async || {
            let info: String = replica.query(cmd("INFO").arg("replication")).await;
            info.contains("master_link_status:up").then_some(())
        })
        .await;
        replica
    }

    /// Adds a server, and has it meet the first one.
    async fn add(&mut self) {
        let bus = Port::new();
        let server = Redis::with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus.address().port().to_string(),
            "--cluster-node-timeout",
            "2000",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
        .await;
        if let (Some(first), Some(first_bus)) = (self.servers.first(), self.buses.first()) {
            let meet = cmd("CLUSTER")
                .arg("MEET")
                .arg("127.0.0.1")
                .arg(first.port())
                .arg(first_bus.address().port())
                .clone();
            let () = server.query(&meet).await;
        }
        self.servers.push(server);
        self.buses.push(bus);
    }

    /// Waits until each server that is up knows all others, and that every slot is served.
    async fn is_whole(&self) {
        let known = format!("cluster_known_nodes:{}", self.servers.len());
        for server in &self.servers {
            until("the cluster", async || {
                let info: String = server.query(cmd("CLUSTER").arg("INFO")).await;
                let is_whole = info.contains("cluster_state:ok") && info.contains(&known);
                is_whole.then_some(())
            })
            .await;
        }
    }

    /// The server that has the records of a module.
    async fn master_of(&self, module: &str) -> usize {
        let slot: usize = self.servers[0]
            .query(cmd("CLUSTER").arg("KEYSLOT").arg(module))
            .await;
        (0..MASTERS)
            .find(|index| slot < (index + 1) * SLOTS / MASTERS)
            .unwrap()
    }

    /// A connection to all servers.
    async fn connect(&self) -> ClusterConnection {
        let client = ClusterClient::new(self.servers.iter().map(Redis::url)).unwrap();
        client.get_async_connection().await.unwrap()
    }

    /// A core with a process that is told of the server `index` only.
    async fn a_core(&self, index: usize) -> Core {
        a_core_with(&[("REDIS_URL", &self.servers[index].url())]).await
    }

    /// Publishes an event at the server `at` until a receiver has it: whoever has lost the connection
    /// needs a while to listen again.
    async fn deliver(&self, at: usize, receiver: &Receiver, name: &str) {
        let event = json!({ "door_id": "1", "action": "granted", "user_name": name }).to_string();
        until("the delivery", async || {
            if receiver.names().contains_key(name) {
                return Some(());
            }
            self.servers[at].publish(CHANNEL, &event).await;
            None
        })
        .await;
    }
}

async fn ask<T: FromRedisValue>(wire: &mut impl ConnectionLike, command: &Cmd) -> T {
    command.query_async(wire).await.unwrap()
}

async fn status(wire: &mut ClusterConnection, module: &str, key: &str) -> Value {
    until(key, async || {
        let get = cmd("HGET").arg(format!("status/{module}")).arg(key).clone();
        let json: Option<String> = ask(wire, &get).await;
        json.map(|json| serde_json::from_str(&json).unwrap())
    })
    .await
}

#[tokio::test]
async fn a_cluster_is_as_good_as_a_server() {
    let cluster = Cluster::start().await;
    let mut wire = cluster.connect().await;
    let interface = json!({
        "interface": {}, "implements": ["PlaceOS::Driver::Interface::DoorSecurity"],
    });
    let declare = cmd("SET")
        .arg("interface/mod-security")
        .arg(interface.to_string())
        .clone();
    let () = ask(&mut wire, &declare).await;
    let map = cmd("HSET")
        .arg(format!("system/{SYSTEM}"))
        .arg("Security/1")
        .arg("mod-security")
        .clone();
    let _: usize = ask(&mut wire, &map).await;

    for index in 0..MASTERS {
        let core = cluster.a_core(index).await;
        core.secure(
            "mod-security",
            Security {
                door_list: Reply::With(json!([{ "door_id": "1" }])),
                unlock: Reply::With(json!(true)),
            },
        );
        let module = format!("mod-{index}");
        core.load(&module, json!({})).await;
        let receiver = Receiver::start().await;
        core.subscribe(&module, &receiver.url()).await;
        // Whichever server it is published at.
        for from in 0..MASTERS {
            let event = json!({ "door_id": from.to_string(), "action": "granted" }).to_string();
            cluster.servers[from].publish(CHANNEL, &event).await;
        }
        receiver.wait_for(MASTERS).await;
        let (code, doors) = core.hook(&module, "GET", json!({})).await;
        assert_eq!(
            (code, doors.matches("door_id").count()),
            (200, 1),
            "{doors}"
        );
        let unlock = json!({ "door_id": "1" });
        assert_eq!(core.hook(&module, "PUT", unlock).await.0, 200);
        assert!(core.terminate().await.success());
        // Another process finds what this one has left.
        let core = cluster.a_core(index).await;
        core.load(&module, json!({})).await;
        let gone = json!({ "webhook": receiver.url() });
        assert_eq!(core.hook(&module, "DELETE", gone).await.0, 202);
        assert_eq!(status(&mut wire, &module, "durability").await, "disk");
        assert!(core.terminate().await.success());
    }
}

#[tokio::test]
async fn a_server_of_a_cluster_that_is_killed_and_comes_back_is_found_again() {
    let cluster = Cluster::start().await;
    // Told of one server only, which is killed as well.
    let core = cluster.a_core(0).await;
    core.load(MODULE, json!({})).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let mut subscribed = 0;
    for (index, server) in cluster.servers.iter().enumerate() {
        receiver.answer(503);
        let before = format!("before {index}");
        let event = json!({ "door_id": "1", "action": "granted", "user_name": before });
        server.publish(CHANNEL, &event.to_string()).await;
        let owner = &cluster.servers[cluster.master_of(MODULE).await];
        until("its acceptance", async || {
            let seen = cmd("EVAL")
                .arg("return redis.call('ZLEXCOUNT', KEYS[1], '[seen/', '[seen0')")
                .arg(1)
                .arg(format!("rhombus/{{{MODULE}}}/k"))
                .clone();
            let seen: usize = owner.query(&seen).await;
            (seen > 2 * index).then_some(())
        })
        .await;
        server.kill();
        receiver.answer(200);
        // Whatever can be answered now is answered.
        let (code, _) = core.hook(MODULE, "PUT", json!({ "door_id": "1" })).await;
        assert!([403, 501].contains(&code), "{code}");
        server.resume().await;
        cluster.is_whole().await;
        until("what was accepted before", async || {
            receiver.names().contains_key(&before).then_some(())
        })
        .await;
        cluster
            .deliver(index, &receiver, &format!("after {index}"))
            .await;
        subscribed += 1;
        let body = json!({ "webhook": format!("{}/{subscribed}", receiver.url()) });
        until("a subscription", async || {
            (core.hook(MODULE, "POST", body.clone()).await.0 == 201).then_some(())
        })
        .await;
        assert_eq!(core.hook(MODULE, "DELETE", body).await.0, 202);
    }
    // One event is one id, however often it was published and sent.
    let mut ids: Vec<_> = receiver
        .posts()
        .into_iter()
        .map(|post| (post.body["user_name"].to_string(), post.id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2 * MASTERS);
    assert!(core.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_stands_by_takes_over_for_one_that_died() {
    let mut cluster = Cluster::start().await;
    let master = cluster.master_of(MODULE).await;
    cluster.stand_by(master).await;
    let core = cluster.a_core(master).await;
    core.load(MODULE, json!({})).await;
    let receiver = Receiver::start().await;
    core.subscribe(MODULE, &receiver.url()).await;
    let replica = &cluster.servers[MASTERS];
    cluster.deliver(master, &receiver, "before").await;
    // What was acknowledged is with the one that stands by.
    let acknowledged: usize = cluster.servers[master]
        .query(
            cmd("HGET")
                .arg(format!("rhombus/{{{MODULE}}}/o"))
                .arg("commits"),
        )
        .await;
    let mut reading = replica.connect().await;
    let () = ask(&mut reading, &cmd("READONLY")).await;
    until("its copy", async || {
        let get = cmd("HGET")
            .arg(format!("rhombus/{{{MODULE}}}/o"))
            .arg("commits")
            .clone();
        let copied: Option<usize> = ask(&mut reading, &get).await;
        (copied >= Some(acknowledged)).then_some(())
    })
    .await;

    // For good.
    cluster.servers[master].kill();
    until("the new master", async || {
        let role: String = replica.query(cmd("INFO").arg("replication")).await;
        role.contains("role:master").then_some(())
    })
    .await;
    let other = (master + 1) % MASTERS;
    cluster.deliver(other, &receiver, "after").await;
    let gone = json!({ "webhook": receiver.url() });
    until("its end", async || {
        (core.hook(MODULE, "DELETE", gone.clone()).await.0 == 202).then_some(())
    })
    .await;
    assert!(!core.log().contains("lost"), "{}", core.log());
    assert!(core.terminate().await.success());
}
