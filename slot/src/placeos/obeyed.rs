//! What the slot itself makes of a module's settings: which channel it listens to, where POSTs may go,
//! which system's doors it has, and what is logged.

use std::sync::Arc;

use placeos_wire::Model;
use rhombus_egress::Policy;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::doors::SystemDoors;
use super::log::ModuleLog;
use super::redis::{Heard, Subscription};
use super::slot::Site;
use crate::connector::Allowed;
use crate::host::http::Client;

/// Has the slot obey the settings as they change. Never ends while core holds the module.
pub(super) async fn obey(settings: &mut Obeyed, models: &mut watch::Receiver<Model>) {
    loop {
        tokio::select! {
            changed = models.changed() => match changed {
                Ok(()) => {
                    let model = models.borrow_and_update().clone();
                    settings.obey(&model);
                }
                Err(_) => std::future::pending().await,
            },
            () = settings.switched() => {}
        }
    }
}

/// What the slot itself makes of a module's settings.
pub(super) struct Obeyed {
    site: Arc<Site>,
    log: Arc<ModuleLog>,
    default_hosts: Value,
    allowed: Allowed,
    pub(super) way_out: Client,
    pub(super) doors: SystemDoors,
    to: mpsc::Sender<Heard>,
    organization: String,
    /// The channel that is listened to.
    pub(super) current: Subscription,
    /// The channel of another organization, until Redis has confirmed it.
    next: Option<Subscription>,
}

const ORGANIZATION: &str = "event";

impl Obeyed {
    /// Obeys `model` from the start; door events of the module `id` go to `to`.
    pub(super) fn new(
        site: Arc<Site>,
        id: &str,
        model: &Model,
        log: Arc<ModuleLog>,
        to: mpsc::Sender<Heard>,
    ) -> Self {
        let setting = |name: &str| {
            let setting = site.manifest.settings.get(name);
            setting.map_or(Value::Null, |setting| setting.default.clone())
        };
        let default_hosts = setting("allowed_hosts");
        let allowed = Allowed::new(policy(&default_hosts).unwrap_or_default());
        let organization = ORGANIZATION.to_owned();
        let organization = wanted_organization(model).unwrap_or(organization);
        let mut obeyed = Self {
            log,
            default_hosts,
            way_out: Client::new(
                allowed.clone(),
                site.roots.clone(),
                Arc::clone(&site.resolver),
            ),
            allowed,
            doors: SystemDoors::new(id.to_owned(), site.link.clone(), Arc::clone(&site.lookups)),
            current: site
                .subscriptions
                .listen(channel(&organization), to.clone()),
            to,
            organization,
            next: None,
            site,
        };
        obeyed.obey(model);
        obeyed
    }

    /// Takes a model. As in the driver, what cannot be read keeps its last good value, and what is
    /// absent has its default.
    pub(super) fn obey(&mut self, model: &Model) {
        self.doors.enter(model.system.clone());
        let Some(settings) = model.slot_settings() else {
            return;
        };
        self.log.set_least(settings.persistent_log_level.as_ref());
        let hosts = settings
            .allowed_hosts
            .as_ref()
            .filter(|hosts| !hosts.is_null());
        if let Some(policy) = policy(hosts.unwrap_or(&self.default_hosts)) {
            self.allowed.replace(policy);
        }
        if let Some(organization) = wanted_organization(model) {
            self.listen_to(organization);
        }
    }

    /// Listens to another organization's channel. The old one is left once the new one is heard.
    fn listen_to(&mut self, organization: String) {
        if organization == self.organization {
            return;
        }
        let subscriptions = &self.site.subscriptions;
        self.next = Some(subscriptions.listen(channel(&organization), self.to.clone()));
        self.organization = organization;
    }

    /// Returns when the module has come to another channel.
    async fn switched(&mut self) {
        match &mut self.next {
            Some(next) => next.confirmed().await,
            None => std::future::pending().await,
        }
        if let Some(next) = self.next.take() {
            self.current = next;
        }
    }
}

/// The organization whose events a model wants; `None` if it says nothing that can be used.
fn wanted_organization(model: &Model) -> Option<String> {
    match model.slot_settings()?.organization_id {
        None | Some(Value::Null) => Some(ORGANIZATION.to_owned()),
        Some(Value::String(organization)) if !organization.is_empty() => Some(organization),
        Some(_) => None,
    }
}

/// The channel of Redis on which an organization's door events come.
fn channel(organization: &str) -> String {
    format!("placeos/security/{organization}/door")
}

fn policy(hosts: &Value) -> Option<Policy> {
    let hosts: Option<Vec<_>> = hosts.as_array()?.iter().map(Value::as_str).collect();
    Policy::parse(hosts?).ok()
}
