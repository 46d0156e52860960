//! Ways to Redis: a password, TLS, a cluster.

use std::fs;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::core::{Core, MODULE, until};
use crate::receiver::Receiver;
use crate::redis::{Redis, free_port};

/// Subscribes a receiver, and has an event published by `publish` come to it.
async fn works(core: &Core, publish: impl AsyncFn(&str)) {
    let receiver = Receiver::start().await;
    core.load(MODULE, json!({})).await;
    until("the module's start", async || {
        let body = json!({ "webhook": receiver.url() });
        (core.hook(MODULE, "POST", body).await.0 == 201).then_some(())
    })
    .await;
    publish(r#"{"door_id":"1","action":"granted"}"#).await;
    receiver.wait_for(1).await;
}

const CHANNEL: &str = "placeos/security/event/door";

#[tokio::test]
async fn a_password_may_stand_in_either_place() {
    let redis = Redis::with(&["--requirepass", "s3cret"]).await;
    for user in ["s3cret", ":s3cret", "default:s3cret"] {
        let url = format!("redis://{user}@127.0.0.1:{}", redis.port());
        let core = Core::start_with(&[("REDIS_URL", &url)]).await;
        works(&core, async |event| {
            assert_eq!(redis.publish(CHANNEL, event).await, 1)
        })
        .await;
        assert!(core.terminate().await.success());
        let flush: String = redis.query(&redis::cmd("FLUSHALL")).await;
        assert_eq!(flush, "OK");
    }
    let url = format!("redis://wrong@127.0.0.1:{}", redis.port());
    let core = Core::start_with(&[("REDIS_URL", &url)]).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 503);
    assert!(!core.log().contains("wrong"), "{}", core.log());
    assert!(core.terminate().await.success());
}

/// A server's certificate, its key, and the certificate of who signed it.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[tokio::test]
async fn a_server_with_tls_must_prove_itself() {
    let certificates = certificates();
    let path = |name: &str| certificates.path().join(name).to_str().unwrap().to_owned();
    let tls = free_port();
    let redis = Redis::with(&[
        "--tls-port",
        &tls.to_string(),
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let url = format!("rediss://localhost:{tls}");
    let ca = path("ca.pem");
    for environment in [
        [("REDIS_URL", url.as_str()), ("SSL_CERT_FILE", ca.as_str())],
        [("REDIS_URL", url.as_str()), ("RHOMBUS_REDIS_INSECURE", "1")],
    ] {
        let core = Core::start_with(&environment).await;
        works(&core, async |event| {
            assert_eq!(redis.publish(CHANNEL, event).await, 1)
        })
        .await;
        assert!(core.terminate().await.success());
        let flush: String = redis.query(&redis::cmd("FLUSHALL")).await;
        assert_eq!(flush, "OK");
    }
    let core = Core::start_with(&[("REDIS_URL", &url)]).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 503);
    assert!(core.log().contains("certificate"), "{}", core.log());
    assert!(core.terminate().await.success());
}

/// Three servers that share the slots of a cluster, on ports of their own.
struct Cluster {
    folder: TempDir,
    servers: Vec<(u16, Child)>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, server) in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Cluster {
    async fn start() -> Self {
        let mut cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Vec::new(),
        };
        for index in 0..3 {
            // The servers speak to each other on a port of 10,000 more.
            let port = loop {
                let port = free_port();
                if port < 55_000 {
                    break port;
                }
            };
            let folder = cluster.folder.path().join(index.to_string());
            fs::create_dir(&folder).unwrap();
            let server = Command::new("redis-server")
                .args([
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--cluster-enabled",
                    "yes",
                ])
                .args(["--port", &port.to_string(), "--dir"])
                .arg(&folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let server = server.expect("redis-server is there: run `cargo xtask setup`");
            cluster.servers.push((port, server));
        }
        let bounds = [(0, 5460), (5461, 10_922), (10_923, 16_383)];
        for (index, (first, last)) in bounds.into_iter().enumerate() {
            let slots = redis::cmd("CLUSTER")
                .arg("ADDSLOTSRANGE")
                .arg(first)
                .arg(last)
                .clone();
            until("a server of the cluster", async || {
                cluster.query(index, &slots).await
            })
            .await;
            let first = cluster.servers[0].0;
            let meet = redis::cmd("CLUSTER")
                .arg("MEET")
                .arg("127.0.0.1")
                .arg(first)
                .clone();
            cluster.query(index, &meet).await.unwrap();
        }
        for index in 0..3 {
            until("the cluster", async || {
                let info: String = cluster
                    .ask(index, redis::cmd("CLUSTER").arg("INFO"))
                    .await?;
                let is_whole =
                    info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3");
                is_whole.then_some(())
            })
            .await;
        }
        cluster
    }

    async fn query(&self, index: usize, command: &redis::Cmd) -> Option<()> {
        self.ask::<String>(index, command).await.map(drop)
    }

    async fn ask<T: redis::FromRedisValue>(&self, index: usize, command: &redis::Cmd) -> Option<T> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.servers[index].0));
        let mut connection = client
            .unwrap()
            .get_multiplexed_async_connection()
            .await
            .ok()?;
        command.query_async(&mut connection).await.ok()
    }
}

#[tokio::test]
async fn a_cluster_is_as_good_as_a_server() {
    let cluster = Cluster::start().await;
    for index in 0..3 {
        let url = format!("redis://127.0.0.1:{}", cluster.servers[index].0);
        let core = Core::start_with(&[("REDIS_URL", &url)]).await;
        let module = format!("mod-{index}");
        core.load(&module, json!({})).await;
        let receiver = Receiver::start().await;
        core.subscribe(&module, &receiver.url()).await;
        // Whichever server it is published at.
        for from in 0..3 {
            let event = json!({ "door_id": from.to_string(), "action": "granted" }).to_string();
            let publish = redis::cmd("PUBLISH").arg(CHANNEL).arg(event).clone();
            cluster.ask::<usize>(from, &publish).await.unwrap();
        }
        receiver.wait_for(3).await;
        assert!(core.terminate().await.success());
        // Another process finds what this one has left.
        let core = Core::start_with(&[("REDIS_URL", &url)]).await;
        core.load(&module, json!({})).await;
        let gone = json!({ "webhook": receiver.url() });
        assert_eq!(core.hook(&module, "DELETE", gone).await.0, 202);
        let get = redis::cmd("HGET")
            .arg(format!("status/{module}"))
            .arg("durability")
            .clone();
        until("the status", async || {
            let mut found = None;
            for index in 0..3 {
                found = found.or(cluster.ask::<Option<String>>(index, &get).await.flatten());
            }
            (found.as_deref() == Some("\"none\"")).then_some(())
        })
        .await;
        assert!(core.terminate().await.success());
    }
}
