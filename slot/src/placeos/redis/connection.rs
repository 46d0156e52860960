//! One connection to Redis for all modules of a process, made again whenever it breaks.

use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, Pipeline,
    RedisError, RedisFuture, ServerErrorKind, Value, cmd,
};
use tokio::sync::{Mutex, watch};

use super::address::Address;

/// How long connecting may take, and how long a command.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a server that could not be reached is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the connection is tried while nobody uses it.
const WATCH: Duration = Duration::from_secs(5);

/// The way to Redis. Clones share a connection.
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    address: Address,
    /// The other servers of a cluster, as far as they are known: the one at `address` may be gone.
    nodes: StdMutex<Vec<ConnectionAddr>>,
    wire: Mutex<Line>,
    /// How many connections were made; the last one is up.
    connected: watch::Sender<Option<u64>>,
}

#[derive(Default)]
struct Line {
    wire: Option<Wire>,
    made: u64,
    failed: Option<(Instant, RedisFailure)>,
}

/// A connection to a server, or to all servers of a cluster.
#[derive(Clone)]
pub(super) enum Wire {
    Alone(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why Redis did not do what it was asked. Whether it did it all the same may not be known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis failed: {0}")]
pub struct RedisFailure(String);

impl Redis {
    /// A way to the Redis at `address`. Connects when it is used, and [`watch`](Self::watch) does.
    pub fn new(address: Address) -> Self {
        Self(Arc::new(Shared {
            address,
            nodes: StdMutex::default(),
            wire: Mutex::default(),
            connected: watch::Sender::new(None),
        }))
    }

    /// Sends a command; its answer comes within ten seconds, or a failure does.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisFailure> {
        self.with(async |mut wire| command.query_async(&mut wire).await)
            .await
    }

    /// The answers of every server that holds a part of the data, to a command about the server
    /// itself.
    pub async fn query_servers<T: FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> Result<Vec<T>, RedisFailure> {
        self.with(async |wire| match wire {
            Wire::Alone(mut wire) => Ok(vec![command.query_async(&mut wire).await?]),
            Wire::Cluster(mut wire) => {
                use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
                let all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                match wire.route_command(command.clone(), all).await? {
                    Value::Map(answers) => answers
                        .into_iter()
                        .map(|(_, answer)| Ok(T::from_redis_value(answer)?))
                        .collect(),
                    answer => Ok(vec![T::from_redis_value(answer)?]),
                }
            }
        })
        .await
    }

    /// Keeps the connection up while nobody uses it, and notices when it is not. Never ends.
    pub async fn watch(&self) {
        loop {
            let alive: Result<String, _> = self.query(&cmd("PING")).await;
            tokio::time::sleep(if alive.is_ok() { WATCH } else { PAUSE }).await;
        }
    }

    /// Which connection is up: each one has its own number. `None` while there is none.
    pub fn connected(&self) -> watch::Receiver<Option<u64>> {
        self.0.connected.subscribe()
    }

    /// A connection of its own for subscriptions, to the first server that can be reached.
    pub(super) async fn pubsub(&self) -> Result<PubSub, RedisFailure> {
        let mut failure = None;
        for address in self.addresses() {
            match Client::open(address)?.get_async_pubsub().await {
                Ok(pubsub) => return Ok(pubsub),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or_else(|| RedisFailure("no address".to_owned()), Into::into))
    }

    /// Where Redis is: the address that was given, then the other servers of the cluster.
    fn addresses(&self) -> Vec<ConnectionInfo> {
        let given = &self.0.address.0;
        let nodes = self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let others = nodes.iter().filter(|node| *node != given.addr());
        std::iter::once(given.clone())
            .chain(others.map(|node| given.clone().set_addr(node.clone())))
            .collect()
    }

    async fn with<T>(
        &self,
        work: impl AsyncFnOnce(Wire) -> Result<T, RedisError>,
    ) -> Result<T, RedisFailure> {
        let (made, wire) = self.wire().await?;
        let answer = tokio::time::timeout(LIMIT + PAUSE, work(wire)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if is_of_connection(&error) {
                    self.drop_wire(made, &error.clone().into()).await;
                }
                Err(error.into())
            }
            Err(_) => {
                let failure = RedisFailure("no answer in time".to_owned());
                self.drop_wire(made, &failure).await;
                Err(failure)
            }
        }
    }

    async fn wire(&self) -> Result<(u64, Wire), RedisFailure> {
        let mut line = self.0.wire.lock().await;
        if let Some(wire) = &line.wire {
            return Ok((line.made, wire.clone()));
        }
        if let Some((at, failure)) = &line.failed
            && at.elapsed() < PAUSE
        {
            return Err(failure.clone());
        }
        let wire = tokio::time::timeout(LIMIT, self.connect()).await;
        let wire = wire.unwrap_or_else(|_| Err(RedisFailure("no connection in time".to_owned())));
        match wire {
            Ok(wire) => {
                line.made += 1;
                line.wire = Some(wire.clone());
                line.failed = None;
                self.0.connected.send_replace(Some(line.made));
                tracing::info!("connected to Redis");
                Ok((line.made, wire))
            }
            Err(failure) => {
                if line.failed.is_none() {
                    tracing::warn!("{failure}; it is tried again until it succeeds");
                }
                line.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn drop_wire(&self, made: u64, failure: &RedisFailure) {
        let mut line = self.0.wire.lock().await;
        if line.made == made && line.wire.take().is_some() {
            tracing::warn!("{failure}; connecting anew");
            self.0.connected.send_replace(None);
        }
    }

    async fn connect(&self) -> Result<Wire, RedisFailure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let mut failure = None;
        for address in self.addresses() {
            let client = Client::open(address)?;
            match client
                .get_multiplexed_async_connection_with_config(&config)
                .await
            {
                Ok(alone) => return self.told_apart(alone).await,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or_else(|| RedisFailure("no address".to_owned()), Into::into))
    }

    /// A server by itself stays what it is; of a cluster the others are wanted too.
    async fn told_apart(&self, mut alone: MultiplexedConnection) -> Result<Wire, RedisFailure> {
        match cmd("CLUSTER").arg("MYID").exec_async(&mut alone).await {
            Ok(()) => {}
            Err(error) if is_not_of_cluster(&error) => return Ok(Wire::Alone(alone)),
            Err(error) => return Err(error.into()),
        }
        let slots: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut alone).await?;
        let nodes = nodes(self.0.address.0.addr(), slots);
        *self.0.nodes.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
        let mut builder = ClusterClient::builder(self.addresses())
            .connection_timeout(LIMIT)
            .response_timeout(LIMIT)
            // Whoever asks decides what is asked again.
            .retries(3);
        if let ConnectionAddr::TcpTls { insecure, .. } = self.0.address.0.addr() {
            builder = builder.tls(if *insecure {
                redis::TlsMode::Insecure
            } else {
                redis::TlsMode::Secure
            });
        }
        Ok(Wire::Cluster(
            builder.build()?.get_async_connection().await?,
        ))
    }
}

/// The servers that `CLUSTER SLOTS` names: each slot range has its first and last slot, then its
/// servers with host and port.
fn nodes(given: &ConnectionAddr, slots: Vec<Vec<Value>>) -> Vec<ConnectionAddr> {
    let mut nodes = Vec::new();
    for node in slots
        .into_iter()
        .flat_map(|range| range.into_iter().skip(2))
    {
        let Value::Array(node) = node else { continue };
        let mut node = node.into_iter();
        let host = node
            .next()
            .and_then(|host| String::from_redis_value(host).ok());
        let port = node
            .next()
            .and_then(|port| u16::from_redis_value(port).ok());
        // A server that does not know its own name leaves it out.
        let (Some(host), Some(port)) = (host.filter(|host| !host.is_empty()), port) else {
            continue;
        };
        let node = match given {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    nodes
}

/// PlaceOS goes by the same words.
fn is_not_of_cluster(error: &RedisError) -> bool {
    error
        .to_string()
        .contains("This instance has cluster support disabled")
}

/// Whether another connection may do better: the server is gone, or is not a master any more.
fn is_of_connection(error: &RedisError) -> bool {
    let is_of_role = matches!(
        error.kind(),
        redis::ErrorKind::Server(
            ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown
        )
    );
    error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() || is_of_role
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Alone(wire) => wire.req_packed_command(command),
            Self::Cluster(wire) => wire.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Alone(wire) => wire.req_packed_commands(pipeline, offset, count),
            Self::Cluster(wire) => wire.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

impl From<RedisError> for RedisFailure {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redis").field(&self.0.address).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_names_its_servers_once_each() {
        let server = |host: Value, port: i64| Value::Array(vec![host, Value::Int(port)]);
        let named = |host: &str| Value::BulkString(host.as_bytes().to_vec());
        let range = |servers: Vec<Value>| [vec![Value::Int(0), Value::Int(9)], servers].concat();
        let slots = vec![
            range(vec![
                server(named("10.0.0.1"), 7000),
                server(named("10.0.0.2"), 7001),
            ]),
            range(vec![
                server(named("10.0.0.1"), 7000),
                server(Value::Nil, 7002),
            ]),
        ];
        let given = ConnectionAddr::Tcp("cache.example".to_owned(), 6379);
        let servers = [("10.0.0.1", 7000), ("10.0.0.2", 7001)];
        let expected = servers.map(|(host, port)| ConnectionAddr::Tcp(host.to_owned(), port));
        assert_eq!(nodes(&given, slots), expected);
    }
}
