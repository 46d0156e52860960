//! A Redis server of the tests' own.

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, cmd};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{LIMIT, until};
use crate::wire::Port;

/// The channel on which door events come, unless a setting names another organization.
pub const CHANNEL: &str = "placeos/security/event/door";

/// A server on this machine, with a folder and a port of its own. It is killed when dropped.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    /// Held while the server is down.
    port: Port,
    options: Vec<String>,
    child: Mutex<Option<Child>>,
}

impl Redis {
    /// One that loses nothing that it has acknowledged.
    pub async fn start() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// One with these options.
    pub async fn with(options: &[&str]) -> Self {
        let redis = Self::down(options);
        redis.resume().await;
        redis
    }

    /// One with these options that was never started.
    pub fn down(options: &[&str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: Port::new(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            child: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.address().port()
    }

    /// Ends it as a loss of power would, as far as the program can tell.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it, with what it has on its disk, and waits until it answers.
    ///
    /// # Panics
    ///
    /// It cannot be started.
    pub async fn resume(&self) {
        self.launch();
        until("Redis' start", async || {
            let pong: String = self.try_query(&cmd("PING")).await?;
            (pong == "PONG").then_some(())
        })
        .await;
    }

    /// The same, and waits for nothing.
    pub fn launch(&self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(self.folder.path())
            .args(["--port", &self.port().to_string()])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("redis-server cannot be run ({error}): run `cargo xtask setup`")
            });
        *self.child.lock().unwrap() = Some(child);
    }

    /// Its answer to a command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> T {
        let mut connection = self.connect().await;
        command.query_async(&mut connection).await.unwrap()
    }

    /// The same, of a server that may be down, or refuse it.
    pub async fn try_query<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut connection = self.try_connect().await?;
        command.query_async(&mut connection).await.ok()
    }

    /// Publishes; how many heard it.
    pub async fn publish(&self, channel: &str, text: &str) -> usize {
        self.query(cmd("PUBLISH").arg(channel).arg(text)).await
    }

    /// How many listen to a channel.
    pub async fn listeners(&self, channel: &str) -> usize {
        let (_, count): (String, usize) =
            self.query(cmd("PUBSUB").arg("NUMSUB").arg(channel)).await;
        count
    }

    /// Publishes a door event on [`CHANNEL`], once somebody listens to it.
    pub async fn event(&self, event: &Value) {
        let text = event.to_string();
        until("a listener", async || {
            (self.publish(CHANNEL, &text).await > 0).then_some(())
        })
        .await;
    }

    /// The status key of a module, once it is there.
    pub async fn status(&self, module: &str, key: &str) -> Value {
        until(key, async || self.status_now(module, key).await).await
    }

    /// The status key of a module, if it is there.
    pub async fn status_now(&self, module: &str, key: &str) -> Option<Value> {
        let get = cmd("HGET").arg(format!("status/{module}")).arg(key).clone();
        let json: Option<String> = self.query(&get).await;
        json.map(|json| serde_json::from_str(&json).unwrap())
    }

    /// How many records a module has whose keys begin with `prefix`, which ends with a slash.
    pub async fn count(&self, module: &str, prefix: &str) -> usize {
        // The byte after the slash.
        let end = format!("({}0", prefix.strip_suffix('/').unwrap());
        let count = cmd("ZLEXCOUNT")
            .arg(format!("rhombus/{{{module}}}/k"))
            .arg(format!("[{prefix}"))
            .arg(end)
            .clone();
        self.query(&count).await
    }

    /// A connection that stays.
    pub async fn connect(&self) -> MultiplexedConnection {
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
        let url = format!("redis://:{password}@127.0.0.1:{}", self.port());
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
