//! A Redis server of the tests' own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue};
use tempfile::TempDir;

use crate::core::{LIMIT, until};

/// A server on this machine, with a folder of its own. It is killed when dropped.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// One that loses nothing that it has acknowledged.
    pub(crate) async fn start() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// One with these options.
    pub(crate) async fn with(options: &[&str]) -> Self {
        let mut redis = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            child: None,
        };
        redis.resume().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a loss of power would, as far as the program can tell.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again, with what it has on its disk.
    pub(crate) async fn resume(&mut self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string()])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("redis-server is there: run `cargo xtask setup`"));
        until("Redis' start", async || {
            let mut connection = self.try_connect().await?;
            let pong: String = redis::cmd("PING").query_async(&mut connection).await.ok()?;
            (pong == "PONG").then_some(())
        })
        .await;
    }

    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let mut connection = self.try_connect().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }

    /// Publishes; how many heard it.
    pub(crate) async fn publish(&self, channel: &str, text: &str) -> usize {
        self.query(redis::cmd("PUBLISH").arg(channel).arg(text))
            .await
    }

    /// Publishes a door event on the default channel, once somebody listens to it.
    pub(crate) async fn event(&self, event: &serde_json::Value) {
        let text = event.to_string();
        until("a listener", async || {
            (self.publish("placeos/security/event/door", &text).await > 0).then_some(())
        })
        .await;
    }

    /// The status key of a module, once it is there.
    pub(crate) async fn status(&self, module: &str, key: &str) -> serde_json::Value {
        until(key, async || self.status_now(module, key).await).await
    }

    /// The status key of a module, if it is there.
    pub(crate) async fn status_now(&self, module: &str, key: &str) -> Option<serde_json::Value> {
        let get = redis::cmd("HGET")
            .arg(format!("status/{module}"))
            .arg(key)
            .clone();
        let json: Option<String> = self.query(&get).await;
        json.map(|json| serde_json::from_str(&json).unwrap())
    }

    /// A connection that stays.
    pub(crate) async fn connect(&self) -> MultiplexedConnection {
        self.try_connect().await.unwrap()
    }

    async fn try_connect(&self) -> Option<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(5)))
            .set_response_timeout(Some(LIMIT));
        let password = self
            .options
            .iter()
            .skip_while(|option| *option != "--requirepass");
        let password = password.skip(1).take(1).cloned().collect::<String>();
        let url = format!("redis://:{password}@127.0.0.1:{}", self.port);
        let client = Client::open(url).unwrap();
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .ok()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
