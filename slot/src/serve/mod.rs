//! `placeos-slot serve`: puts the gateway, the module and what it may reach together, and takes
//! them apart in the right order.

mod banner;
mod saved;
mod settings;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rhombus_egress::Policy;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use url::Url;

pub use saved::SavedError;
pub(crate) use saved::SavedSettings;
pub use settings::SettingsError;
pub(crate) use settings::{Given, SHOWN};

use self::banner::{RECEIVER, banner};
use crate::cli;
use crate::connector::Allowed;
use crate::connector::resolver::SystemResolver;
use crate::connector::tls::{Roots, RootsError};
use crate::demo::{self, DemoBuilding};
use crate::gateway::{Access, Driver, Gateway, Hosts, Keys, KeysError, Limits, Site};
use crate::host::Capabilities;
use crate::host::clock::SystemClock;
use crate::host::doors::{Doors, NoDoors};
use crate::host::http::Client;
use crate::host::log::Tracing;
use crate::host::random::SystemRandom;
use crate::host::status::{Latest, Status};
use crate::host::store::{OpenError, Store};
use crate::metrics::Metrics;
use crate::module::{Manifest, Module, StartError};
use crate::private_file::PrivateFileError;
use crate::signals;
use crate::watch::Watch;

/// Why the gateway cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data folder's store cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The keys in the data folder cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The saved settings in the data folder cannot be used.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// `access.json` cannot be written.
    #[error(transparent)]
    Access(#[from] PrivateFileError),
    /// The file of `--ca-file` cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The program carries a driver that it cannot run.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The driver cannot work with what it found.
    #[error("the driver cannot start: {0}")]
    Load(String),
    /// The disk failed.
    #[error("{0}")]
    Broken(String),
    /// The driver is gone, and was not told to.
    #[error("the driver has ended unexpectedly")]
    Ended,
    /// The system refuses something.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// Whether the command line is to blame.
    pub fn is_of_use(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::Roots(_))
    }
}

/// The status key `durability`: a commit to the store is synced before it is answered.
const DURABILITY: &str = "\"disk\"";

/// How long the driver may take to end, and then the store.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
///
/// If it cannot begin, or cannot go on.
pub async fn run(arguments: cli::Serve) -> Result<(), ServeError> {
    let stop = signals::stop()?;
    let manifest = Manifest::embedded();
    let given = Given::read(&arguments.driver, &manifest)?;
    if given.shows_subscriptions {
        tracing::warn!("{SHOWN}");
    }
    let roots = Roots::new(arguments.driver.ca_file.as_deref())?;
    let listener = listen(arguments.listen).await?;
    // The store before anything else in the folder: it tells whether another process is there.
    let store = open_store(arguments.data.clone()).await?;
    Access::withdraw_stale(&arguments.data)?;
    let keys = Keys::of(&arguments.data)?;
    let saved = SavedSettings::of(&arguments.data)?;
    let (settings, policy) = given.over(saved.values(), &manifest)?;

    let site = Site {
        module: manifest.generic_name.clone(),
        channel: channel(&settings),
        keys,
        hosts: Hosts::new(arguments.host.clone()),
    };
    let reaches_receiver = Url::parse(RECEIVER).is_ok_and(|url| policy.check_url(&url).is_ok());
    let status = Arc::new(Latest::default());
    status.set("durability", DURABILITY);
    let metrics = Metrics::new(status.clone());
    let watch = Watch::default();
    let capabilities = watch.over(metrics.counting(Capabilities {
        storage: Arc::new(store.clone()),
        http: Arc::new(way_out(policy, roots)),
        doors: doors(arguments.demo),
        status: status.clone(),
        settings: Arc::new(saved),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
        log: Arc::new(Tracing),
    }));
    let (module, supervisor) = Module::embedded(capabilities, Value::from(settings).to_string())?;
    let restarts = metrics.clone();
    let supervisor = supervisor.on_restart(move || restarts.module_restarted());
    let supervised = tokio::spawn(supervisor.run());
    let driver = watch.driver(Arc::new(module.clone()));
    let limits = Limits::default();
    let gateway = Gateway::start(
        listener,
        site.clone(),
        driver.clone(),
        status,
        metrics,
        watch,
        limits,
    )?;
    let access = Access::publish(&arguments.data, gateway.address(), &site)?;

    let outcome = tokio::select! {
        () = stop => Ok(()),
        _ = supervised => Err(ServeError::Ended),
        // Whoever looks after this process starts it again, and then the file is repaired.
        reason = store.broken() => Err(ServeError::Broken(reason)),
        error = work(&module, driver, &arguments, || announce(gateway.address(), &site, reaches_receiver)) => Err(error),
    };

    tracing::info!("stopping");
    gateway.stop().await;
    end(&module, &store).await;
    drop(access);
    outcome
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })
}

async fn open_store(folder: PathBuf) -> Result<Store, ServeError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder));
    Ok(opened.await.map_err(io::Error::from)??)
}

/// `security/{organization_id}/door`, as the driver has it.
fn channel(settings: &Map<String, Value>) -> String {
    let organization = settings.get("organization_id").and_then(Value::as_str);
    format!("security/{}/door", organization.unwrap_or("event"))
}

fn way_out(policy: Policy, roots: Roots) -> Client {
    let resolver = Arc::new(SystemResolver::default());
    Client::new(Allowed::new(policy), roots, resolver)
}

fn doors(demo: bool) -> Arc<dyn Doors> {
    if demo {
        Arc::new(DemoBuilding)
    } else {
        Arc::new(NoDoors)
    }
}

/// Waits for the driver, then has the demo building's people come and go. Ends only with an error.
async fn work(
    module: &Module,
    driver: Arc<dyn Driver>,
    arguments: &cli::Serve,
    announce: impl FnOnce(),
) -> ServeError {
    if let Err(reason) = module.ready().await {
        return ServeError::Load(reason);
    }
    announce();
    if arguments.demo && arguments.swipe_every > 0 {
        let interval = Duration::from_secs(arguments.swipe_every.into());
        demo::run(driver, interval).await
    } else {
        std::future::pending().await
    }
}

fn announce(listen: SocketAddr, site: &Site, reaches_receiver: bool) {
    tracing::info!(%listen, "serving");
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        let banner = banner(listen, site, reaches_receiver);
        // Whoever closed the terminal does not want it.
        let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());
    }
}

/// Ends the driver, then the store that it writes to.
async fn end(module: &Module, store: &Store) {
    if tokio::time::timeout(GRACE, module.stop()).await.is_err() {
        tracing::warn!("the driver did not end in time; the next start takes up what it left");
    }
    match tokio::time::timeout(GRACE, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => tracing::warn!(reason, "the store was not closed cleanly"),
        Err(_) => {
            tracing::warn!("the store was not closed in time; it is repaired at the next start")
        }
    }
}
