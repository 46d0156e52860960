//! `placeos-slot check`: whether this place can work.
//!
//! Each look is at the real thing, by the code that a slot runs on: a commit to the disk or to Redis, a
//! connection to each subscriber past the egress rule. Nothing that a slot owns is changed, and no
//! subscriber is sent an event.

mod clock;
mod disk;
mod finding;
mod placeos;
mod way_out;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::clock::Clocks;
use self::finding::Finding;
use self::way_out::WayOut;
use crate::cli;
use crate::connector::tls::{Roots, RootsError};
use crate::module::Manifest;
use crate::placeos::redis::{Address, AddressError, Redis};
use crate::serve::{Given, SHOWN, SavedSettings, SettingsError};

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file of `--ca-file` cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// Redis' address cannot be used.
    #[error(transparent)]
    Redis(#[from] AddressError),
}

/// Looks at everything, and hands what it finds to `print`, a line each. Answers whether all of it can
/// work.
///
/// # Errors
///
/// If it cannot be told what to look at.
pub async fn run(arguments: cli::Check, print: impl FnMut(&str)) -> Result<bool, CheckError> {
    let manifest = Manifest::embedded();
    let given = Given::read(&arguments.driver, &manifest)?;
    let roots = Roots::new(arguments.driver.ca_file.as_deref())?;
    let mut report = Report {
        print,
        can_work: true,
    };
    let mut clocks = Clocks::default();
    if given.shows_subscriptions {
        report.tell(Finding::doubtful("command line", SHOWN));
    }

    let saved = match &arguments.placeos {
        None => {
            report.tell(disk::store(arguments.data.clone()).await);
            match SavedSettings::of(&arguments.data) {
                Ok(saved) => saved.values(),
                Err(error) => {
                    report.tell(Finding::bad("saved settings", error.to_string()));
                    Map::new()
                }
            }
        }
        Some(_) => Map::new(),
    };
    let (settings, policy) = given.over(saved, &manifest)?;
    let mut subscribers = way_out::subscribers(&settings);
    if let Some(modules) = &arguments.placeos {
        let address = Address::of_environment()?;
        let redis = Redis::new(address.clone());
        report.tell(placeos::store(&redis, &address).await);
        clocks.extend(placeos::clocks(&redis).await);
        for module in modules {
            let (finding, found) = placeos::subscribers(&redis, module).await;
            report.tell(finding);
            subscribers.extend(found);
        }
    }

    report.tell(way_out::certificates(&roots));
    let ways = if subscribers.is_empty() {
        way_out::allowed(&settings)
    } else {
        subscribers
    };
    let way_out = WayOut::new(Arc::new(policy), &roots);
    for origin in ways {
        let (finding, clock) = way_out.look(&origin).await;
        report.tell(finding);
        clocks.extend(clock);
    }
    report.tell(clocks.compared());
    Ok(report.can_work)
}

struct Report<P> {
    print: P,
    can_work: bool,
}

impl<P: FnMut(&str)> Report<P> {
    fn tell(&mut self, finding: Finding) {
        self.can_work &= !finding.is_bad();
        (self.print)(&finding.to_string());
    }
}

/// The list of texts that a setting is, as far as it is one.
fn texts<'a>(settings: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let list = settings.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}
