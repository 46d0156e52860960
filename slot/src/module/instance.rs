//! One instance of a module, from load to its end.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures_util::future::pending;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut, Store};

use crate::host::clock::Clock;
use crate::host::{self, Capabilities};

use super::bounds::{self, Shown, answers};
use super::calls::{
    Acceptance, CallError, Command, EventError, Offer, Reply, Request, Response, Time,
};
use super::guard::{Guard, Limits};
use super::imports::State;
use super::imports::bindings::Module as Bindings;
use super::imports::bindings::exports::placeos::slot::driver as exports;
use super::patience::{self, within};
use super::prepared::Prepared;

/// How an instance ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was stopped, and finished what was under way.
    Stopped,
    /// It could not be loaded.
    NotLoaded(String),
    /// It trapped, which ended all of its calls.
    Trapped(String),
}

/// A call that has not been answered.
pub(super) enum Call {
    Request {
        request: Request,
        reply: Reply<Response>,
    },
    Event(Offer),
    Function {
        reply: Reply<Result<String, CallError>>,
    },
    Update {
        reply: Reply<()>,
    },
}

/// What lives longer than an instance.
pub(super) struct Work<'a> {
    pub(super) settings: &'a mut String,
    pub(super) queue: &'a mut mpsc::UnboundedReceiver<Command>,
    /// Calls under way; what is left here when an instance has trapped got no answer.
    pub(super) calls: &'a mut HashMap<u64, Call>,
    /// Events that the instance before this one did not answer, oldest first.
    pub(super) again: &'a mut Vec<Offered>,
    /// Set once the instance is loaded.
    pub(super) is_loaded: &'a mut bool,
    /// Set once the module is told to stop.
    pub(super) is_stopping: &'a mut bool,
    /// How much memory the instance has, in bytes.
    pub(super) memory: &'a Arc<AtomicUsize>,
    /// Called when the instance takes calls.
    pub(super) ready: &'a mut (dyn FnMut() + Send),
}

/// An event that an instance has trapped over, or beside.
pub(super) struct Offered {
    pub(super) offer: Offer,
    /// An instance that did nothing else trapped over it.
    pub(super) to_set_aside: bool,
    /// It was given to the present instance.
    pub(super) is_under_way: bool,
}

/// Runs an instance until it ends.
pub(super) async fn live(prepared: &Prepared, capabilities: Capabilities, work: Work<'_>) -> End {
    let clock = Arc::clone(&capabilities.clock);
    let state = State {
        capabilities,
        manifest: Arc::clone(&prepared.manifest),
        limits: Limits::new(Arc::clone(work.memory)),
        shown: Shown::new(),
    };
    let mut store = Store::new(&prepared.engine, state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(bounds::CALL);
    store.set_max_component_handles(bounds::WAITING);
    let guard = Guard::new();
    guard.watch(&mut store);
    let run = async {
        let instance = prepared.linked.instantiate_async(&mut store).await?;
        store
            .run_concurrent(async |accessor| {
                serve(accessor, &instance, &guard, &*clock, work).await
            })
            .await?
    };
    // The store is dropped with this call; what it has asked of the storage before goes first there.
    match Arc::clone(&guard).timed(run).await {
        Ok(end) => end,
        Err(trap) => End::Trapped(told(&trap)),
    }
}

/// What has happened, and then where in the module, whose functions have names of its own choice.
fn told(trap: &wasmtime::Error) -> String {
    let (what, place) = (trap.root_cause().to_string(), trap.to_string());
    if what == place {
        return answers::reason(what);
    }
    format!(
        "{}: {}",
        answers::reason(what),
        bounds::clipped(&place, 4096)
    )
}

type Calling<'a> =
    Pin<Box<dyn Future<Output = wasmtime::Result<Option<(u64, Answer)>>> + Send + 'a>>;

enum Answer {
    Request(Response),
    Event(Result<Acceptance, EventError>),
    Function(Result<String, CallError>),
    Update,
}

async fn serve(
    accessor: &Accessor<State>,
    instance: &Bindings,
    guard: &Guard,
    clock: &dyn Clock,
    work: Work<'_>,
) -> wasmtime::Result<End> {
    let driver = instance.placeos_slot_driver();
    let loading = driver.call_load(accessor, work.settings.clone());
    match within(clock, patience::LOAD, loading).await {
        Some(loaded) => {
            if let Err(why) = loaded? {
                return Ok(End::NotLoaded(answers::reason(why)));
            }
        }
        None => {
            let why = format!("the module did not load within {:?}", patience::LOAD);
            return Ok(End::NotLoaded(why));
        }
    }
    *work.is_loaded = true;
    offer_again(accessor, driver, clock, work.again).await?;
    (work.ready)();

    let mut calling = FuturesUnordered::<Calling<'_>>::new();
    calling.push(Box::pin(
        driver.call_run(accessor).map(|ended| ended.map(|()| None)),
    ));
    let mut last = 0;
    // Ends when the module has had its time to end.
    let mut patience: host::Answer<()> = pending().boxed();
    loop {
        if *work.is_stopping && calling.is_empty() {
            return Ok(End::Stopped);
        }
        tokio::select! {
            biased;
            Some(called) = calling.next() => match called? {
                Some((id, answer)) => finish(work.calls, id, answer),
                None if *work.is_stopping => {}
                None => wasmtime::bail!("the module's run has ended by itself"),
            },
            command = work.queue.recv(), if !*work.is_stopping => {
                last += 1;
                // A module that nobody holds is stopped.
                match command.unwrap_or(Command::Stop) {
                    Command::Request { request, time, reply } => {
                        limit(accessor, guard, time);
                        calling.push(Box::pin(call_request(accessor, driver, last, request.clone())));
                        work.calls.insert(last, Call::Request { request, reply });
                    }
                    Command::Event(offer) => {
                        limit(accessor, guard, offer.time);
                        calling.push(Box::pin(call_event(accessor, driver, last, offer.event.clone(), offer.id.clone())));
                        work.calls.insert(last, Call::Event(offer));
                    }
                    Command::Function { name, arguments, reply } => {
                        let call = driver.call_call(accessor, name, arguments);
                        calling.push(Box::pin(call.map(move |ended| {
                            let answer = ended?.map_err(Into::into);
                            Ok(Some((last, Answer::Function(answer))))
                        })));
                        work.calls.insert(last, Call::Function { reply });
                    }
                    Command::Update { settings, reply } => {
                        work.settings.clone_from(&settings);
                        let call = driver.call_update(accessor, settings);
                        calling.push(Box::pin(call.map(move |ended| ended.map(|()| Some((last, Answer::Update))))));
                        work.calls.insert(last, Call::Update { reply });
                    }
                    Command::Stop => *work.is_stopping = true,
                }
                if *work.is_stopping {
                    calling.push(Box::pin(
                        driver.call_stop(accessor).map(|ended| ended.map(|()| None)),
                    ));
                    patience = clock.sleep(patience::STOP);
                }
            }
            () = &mut patience => wasmtime::bail!(
                "the module did not end within {:?} after it was told to",
                patience::STOP
            ),
        }
    }
}

/// Offers each event that was not answered, with nothing else beside it: an instance that traps now
/// traps over that one. One that has done so before is set aside instead.
async fn offer_again(
    accessor: &Accessor<State>,
    driver: &exports::Guest,
    clock: &dyn Clock,
    again: &mut Vec<Offered>,
) -> wasmtime::Result<()> {
    while let Some(offered) = again.first_mut() {
        offered.is_under_way = true;
        let Offer { event, id, .. } = &offered.offer;
        let (event, id) = (event.clone(), Some(id.clone()));
        let offering = async {
            if offered.to_set_aside {
                let reason = "the module fails on it".to_owned();
                driver.call_set_aside(accessor, event, id, reason).await
            } else {
                driver.call_on_door_event(accessor, event, id).await
            }
        };
        match within(clock, patience::OFFER, offering).await {
            Some(answer) => again.remove(0).offer.reply.send(taken(answer?)),
            None => {
                let why = format!("it was not answered within {:?}", patience::OFFER);
                again
                    .remove(0)
                    .offer
                    .reply
                    .send(Err(EventError::Unsaved(why)));
                wasmtime::bail!("the module did not answer an event");
            }
        }
    }
    Ok(())
}

fn taken(
    answer: Result<exports::Acceptance, exports::EventError>,
) -> Result<Acceptance, EventError> {
    match answer {
        Ok(acceptance) => Ok(acceptance.into()),
        Err(error) => Err(answers::event(error.into())),
    }
}

async fn call_request(
    accessor: &Accessor<State>,
    driver: &exports::Guest,
    id: u64,
    request: Request,
) -> wasmtime::Result<Option<(u64, Answer)>> {
    let Request {
        caller,
        method,
        headers,
        body,
    } = request;
    let headers = headers
        .into_iter()
        .map(|(name, value)| exports::Header { name, value })
        .collect();
    let response = match method.as_str() {
        "POST" => driver.call_post(accessor, caller, headers, body).await?,
        "DELETE" => driver.call_delete(accessor, caller, headers, body).await?,
        "GET" => driver.call_get(accessor, caller, headers, body).await?,
        "PUT" => driver.call_put(accessor, caller, headers, body).await?,
        _ => {
            driver
                .call_request(accessor, caller, method, headers, body)
                .await?
        }
    };
    Ok(Some((id, Answer::Request(response.into()))))
}

async fn call_event(
    accessor: &Accessor<State>,
    driver: &exports::Guest,
    call: u64,
    event: String,
    id: String,
) -> wasmtime::Result<Option<(u64, Answer)>> {
    let accepted = driver.call_on_door_event(accessor, event, Some(id)).await?;
    Ok(Some((call, Answer::Event(taken(accepted)))))
}

/// Gives the next call no time, if so asked.
fn limit(accessor: &Accessor<State>, guard: &Guard, time: Time) {
    if time == Time::None {
        guard.take_all_time();
        accessor.with(|mut access| access.as_context_mut().set_epoch_deadline(0));
    }
}

/// Answers a call.
fn finish(calls: &mut HashMap<u64, Call>, id: u64, answer: Answer) {
    match (calls.remove(&id), answer) {
        (Some(Call::Request { request, reply }), Answer::Request(response)) => {
            reply.send(match answers::unusable(&response) {
                None => response,
                Some(why) => {
                    tracing::error!(reason = %why, "the module's answer to a request is not usable");
                    request.when_unusable()
                }
            });
        }
        (Some(Call::Event(offer)), Answer::Event(accepted)) => offer.reply.send(accepted),
        (Some(Call::Function { reply }), Answer::Function(answer)) => {
            reply.send(answers::function(answer));
        }
        (Some(Call::Update { reply }), Answer::Update) => reply.send(()),
        _ => unreachable!("a call is answered once, with its own kind of answer"),
    }
}

impl From<exports::Response> for Response {
    fn from(response: exports::Response) -> Self {
        let headers = response
            .headers
            .into_iter()
            .map(|header| (header.name, header.value));
        Self {
            status: response.status,
            headers: headers.collect(),
            body: response.body,
        }
    }
}

impl From<exports::Acceptance> for Acceptance {
    fn from(acceptance: exports::Acceptance) -> Self {
        match acceptance {
            exports::Acceptance::Accepted => Self::Accepted,
            exports::Acceptance::Known => Self::Known,
        }
    }
}

impl From<exports::EventError> for EventError {
    fn from(error: exports::EventError) -> Self {
        match error {
            exports::EventError::Rejected(reason) => Self::Rejected(reason),
            exports::EventError::Unsaved(why) => Self::Unsaved(why),
        }
    }
}

impl From<exports::CallError> for CallError {
    fn from(error: exports::CallError) -> Self {
        match error {
            exports::CallError::Unknown => Self::Unknown,
            exports::CallError::Invalid(why) => Self::Invalid(why),
            exports::CallError::Failed(why) => Self::Failed(why),
        }
    }
}
