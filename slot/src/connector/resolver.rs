//! From a name to addresses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::system_conf::read_system_conf;

use crate::host::Answer;

/// Addresses in the order in which to try them, or why there are none.
pub type Addresses = Result<Vec<IpAddr>, String>;

/// How long a look-up may take.
const LOOKUP: Duration = Duration::from_secs(5);
/// After this a name server is asked again: a packet may be lost.
const ONE_QUERY: Duration = Duration::from_secs(2);
/// For how long the system's configuration is used before it is read again. It changes under a
/// program that runs for months: by DHCP, by an edited hosts file.
const CONFIGURATION: Duration = Duration::from_secs(60);

/// Who knows the addresses of names.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, which is a name.
    fn resolve(&self, host: String) -> Answer<Addresses>;
}

/// Name servers, and what else resolv.conf says; `None` if there is no such file.
pub type Configuration = Option<(ResolverConfig, ResolverOpts)>;

/// The name servers and the hosts file of this machine.
///
/// A URL's host is a complete name, so the search list of resolv.conf is not used: it could make another
/// name of one that was permitted.
pub struct SystemResolver {
    configuration: Box<dyn Fn() -> Configuration + Send + Sync>,
    current: Mutex<Option<(Instant, TokioResolver)>>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::configured_by(|| read_system_conf().ok())
    }
}

impl SystemResolver {
    /// One that reads its configuration elsewhere than in /etc/resolv.conf, and now and then again.
    pub fn configured_by(
        configuration: impl Fn() -> Configuration + Send + Sync + 'static,
    ) -> Self {
        Self {
            configuration: Box::new(configuration),
            current: Mutex::default(),
        }
    }

    /// Made at the first look-up: where a machine without name servers reaches its receivers by
    /// address, nothing is to fail.
    fn current(&self) -> Result<TokioResolver, NetError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.as_ref() {
            Some((made, resolver)) if made.elapsed() < CONFIGURATION => Ok(resolver.clone()),
            _ => {
                let resolver = resolver((self.configuration)())?;
                *current = Some((Instant::now(), resolver.clone()));
                Ok(resolver)
            }
        }
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: String) -> Answer<Addresses> {
        let resolver = self.current();
        async move {
            let found = resolver
                .map_err(reason)?
                .lookup_ip(host)
                .await
                .map_err(reason)?;
            Ok(found.iter().collect())
        }
        .boxed()
    }
}

/// A resolver in a bounded time, asked once for all who want the same name at the same moment: a
/// burst of deliveries opens many connections at once. Clones are the same.
#[derive(Clone)]
pub(crate) struct Names {
    resolver: Arc<dyn Resolve>,
    running: Arc<Mutex<HashMap<String, WeakShared<BoxFuture<'static, Addresses>>>>>,
}

impl Names {
    pub(crate) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self {
            resolver,
            running: Arc::default(),
        }
    }

    pub(super) fn lookup(&self, host: &str) -> Shared<BoxFuture<'static, Addresses>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, lookup| {
            lookup
                .upgrade()
                .is_some_and(|lookup| lookup.peek().is_none())
        });
        if let Some(lookup) = running.get(host).and_then(WeakShared::upgrade) {
            return lookup;
        }
        let answer = tokio::time::timeout(LOOKUP, self.resolver.resolve(host.to_owned()));
        let lookup = async {
            answer
                .await
                .unwrap_or_else(|_| Err("no answer from a name server in time".to_owned()))
        };
        let lookup = lookup.boxed().shared();
        running.extend(lookup.downgrade().map(|lookup| (host.to_owned(), lookup)));
        lookup
    }
}

/// Without a configuration there is still the hosts file.
fn resolver(configuration: Configuration) -> Result<TokioResolver, NetError> {
    let (servers, mut options) = configuration.unwrap_or_else(|| {
        (
            ResolverConfig::from_name_servers(Vec::new()),
            ResolverOpts::default(),
        )
    });
    // The search list stays behind.
    let (_, _, servers) = servers.into_parts();
    let servers = ResolverConfig::from_name_servers(servers);
    // Few buildings have IPv6 all the way out; where one has IPv6 only, dialling IPv4 fails at once.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = options.timeout.min(ONE_QUERY);
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build()
}

fn reason(error: NetError) -> String {
    match error {
        NetError::NoConnections => "no name server can be reached (/etc/resolv.conf)".to_owned(),
        NetError::Timeout => "no answer from a name server in time".to_owned(),
        error if error.is_nx_domain() => "there is no such name".to_owned(),
        error if error.is_no_records_found() => "it has no address".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => format!("the name server failed ({code})"),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_machine_knows_localhost_even_without_a_name_server() {
        let found = SystemResolver::default()
            .resolve("localhost".to_owned())
            .await
            .unwrap();
        assert!(
            !found.is_empty() && found.iter().all(IpAddr::is_loopback),
            "{found:?}"
        );

        let alone = resolver(None).unwrap();
        let found: Vec<_> = alone.lookup_ip("localhost").await.unwrap().iter().collect();
        assert!(
            !found.is_empty() && found.iter().all(IpAddr::is_loopback),
            "{found:?}"
        );

        let error = alone.lookup_ip("receiver.example.").await.unwrap_err();
        assert_eq!(
            reason(error),
            "no name server can be reached (/etc/resolv.conf)"
        );
    }
}
