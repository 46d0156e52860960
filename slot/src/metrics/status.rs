//! The module's status keys that are numbers, or can be counted.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use serde_json::{Map, Value};

use crate::host::status::Latest;

/// A status key that is a count since the module was loaded.
const COUNTERS: [(&str, &str, &str); 2] = [
    (
        "event_count",
        "events",
        "Door events accepted since the module was loaded",
    ),
    (
        "delivered",
        "delivered",
        "Deliveries that a receiver has taken since the module was loaded",
    ),
];

/// A status key that is a number.
const GAUGES: [(&str, &str, Option<Unit>, &str); 3] = [
    (
        "pending",
        "pending_deliveries",
        None,
        "Deliveries that wait, of all subscribers",
    ),
    (
        "dead_letters",
        "dead_letters",
        None,
        "Deliveries that were given up and are kept",
    ),
    (
        "oldest_pending_seconds",
        "oldest_pending",
        Some(Unit::Seconds),
        "How long ago the oldest delivery that waits was accepted; 0 if none waits",
    ),
];

/// What a subscription can be.
const STATES: [&str; 4] = ["open", "paused", "disabled", "refused"];

/// The numbers in a module's status, as they are when they are asked for.
#[derive(Debug)]
pub(super) struct ModuleStatus(Arc<Latest>);

impl ModuleStatus {
    pub(super) fn new(status: Arc<Latest>) -> Self {
        Self(status)
    }
}

impl Collector for ModuleStatus {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.0.all();
        for (key, name, help) in COUNTERS {
            let count = status.get(key).and_then(Value::as_u64).unwrap_or(0);
            let into = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(into)?;
        }
        for (key, name, unit, help) in &GAUGES {
            if let Some(number) = status.get(*key).and_then(Value::as_i64) {
                let unit = unit.as_ref();
                let into = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
                ConstGauge::new(number).encode(into)?;
            }
        }
        let help = "What needs an operator's eye: the sentences of the status key alert";
        let into = encoder.encode_descriptor("alerts", help, None, MetricType::Gauge)?;
        ConstGauge::new(count(&status, "alert", |_| true)).encode(into)?;

        let help = "Subscriptions, by whether they are sent to";
        let mut into = encoder.encode_descriptor("subscriptions", help, None, MetricType::Gauge)?;
        for state in STATES {
            let number = count(&status, "subscriptions", |one| one["state"] == state);
            ConstGauge::new(number).encode(into.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }
}

/// How many elements of the list `key` are so.
fn count(status: &Map<String, Value>, key: &str, is_so: impl Fn(&Value) -> bool) -> i64 {
    let list = status.get(key).and_then(Value::as_array);
    let number = list.map_or(0, |list| list.iter().filter(|one| is_so(one)).count());
    i64::try_from(number).unwrap_or(i64::MAX)
}
