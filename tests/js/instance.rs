//! The exported class as an instance of a scenario. It is called as JavaScript calls it: by the names
//! of its members, through the glue.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use rhombus_driver::RhombusDriver;
use rhombus_replay::{Call, Instance, Outcome, Response, Ticket, World};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{host, realm};

type MakeOdd = Box<dyn Fn(&JsValue)>;

thread_local! {
    /// What is done to a host once a driver has been loaded on it.
    pub(super) static MAKE_ODD: RefCell<Option<MakeOdd>> = const { RefCell::new(None) };
}

/// An object of the class. Dropping it kills the driver: it reaches nothing any more.
pub(super) struct Module {
    driver: JsValue,
    is_alive: Rc<Cell<bool>>,
    outcomes: Rc<RefCell<Vec<(Ticket, Outcome)>>>,
}

impl Instance for Module {
    async fn load(world: &World, settings: &str) -> Result<Self, String> {
        let class = class().await;
        // The one before comes to rest, and sets its last timers, which never fire.
        realm::turn().await;
        realm::open();
        let is_alive = Rc::new(Cell::new(true));
        let host = host::object(world, &is_alive);
        let mut module = Self {
            driver: JsValue::UNDEFINED,
            is_alive,
            outcomes: Rc::default(),
        };
        let driver = call(&class, "load", &[host.clone(), settings.into()]).await;
        module.driver = driver.map_err(|error| message(&error))?;
        MAKE_ODD.with_borrow(|make_odd| make_odd.iter().for_each(|make_odd| make_odd(&host)));
        let running = call(&module.driver, "run", &[]);
        spawn_local(async {
            running.await.expect("run does not fail");
        });
        Ok(module)
    }

    fn begin(&mut self, ticket: Ticket, call: Call) {
        let answered = begin(&self.driver, call);
        let outcomes = Rc::clone(&self.outcomes);
        spawn_local(async move {
            let outcome = answered.await;
            outcomes.borrow_mut().push((ticket, outcome));
        });
    }

    async fn settle(&mut self) {
        realm::turn().await;
    }

    fn outcomes(&mut self) -> Vec<(Ticket, Outcome)> {
        self.outcomes.take()
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        self.is_alive.set(false);
        realm::close();
    }
}

/// Calls the member `name` of `this`: at once, not when the answer is waited for.
pub(super) fn call(
    this: &JsValue,
    name: &str,
    arguments: &[JsValue],
) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let called = call_now(this, name, arguments);
    async move { JsFuture::from(called?.dyn_into::<Promise>()?).await }
}

/// Calls the member `name` of `this`, which answers at once.
pub(super) fn call_now(
    this: &JsValue,
    name: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let function = Reflect::get(this, &name.into())?.dyn_into::<Function>()?;
    let arguments: Array = arguments.iter().collect();
    Reflect::apply(&function, this, &arguments)
}

/// The class, as the glue has it: the constructor of any of its objects.
pub(super) async fn class() -> JsValue {
    let is_alive = Rc::new(Cell::new(true));
    let host = host::object(&World::default(), &is_alive);
    let any = RhombusDriver::load(host, "{}".to_owned()).await;
    let any = any.map_err(JsValue::from).expect("it loads");
    Reflect::get(&any.into(), &"constructor".into()).expect("an object has a constructor")
}

/// What an error says.
pub(super) fn message(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into());
    message
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn begin(driver: &JsValue, asked: Call) -> impl Future<Output = Outcome> + use<> {
    let is_event = matches!(asked, Call::Event { .. });
    let is_function = matches!(asked, Call::Function { .. });
    let is_update = matches!(asked, Call::Update(_));
    let answered = match asked {
        Call::Request {
            caller,
            method,
            headers,
            body,
        } => {
            let pairs = headers
                .iter()
                .map(|(name, value)| Array::of2(&name.as_str().into(), &value.as_str().into()));
            let headers = pairs.collect::<Array>().into();
            let body = Uint8Array::from(body.as_slice()).into();
            let caller = caller.into();
            match method.as_str() {
                "POST" | "DELETE" | "GET" | "PUT" => {
                    call(driver, &method.to_lowercase(), &[headers, body, caller])
                }
                _ => call(driver, "request", &[method.into(), headers, body, caller]),
            }
        }
        Call::Event { event, id } => call(driver, "on_door_event", &[event.into(), id.into()]),
        Call::Function { name, arguments } => {
            call(driver, "call", &[name.into(), arguments.into()])
        }
        Call::Update(settings) => call(driver, "update", &[settings.into()]),
    };
    async move {
        match answered.await {
            Ok(_) if is_update => Outcome::Updated,
            Ok(answer) if is_event => Outcome::Event(answer.as_string().expect("text")),
            Ok(answer) if is_function => Outcome::Function(answer.as_string().expect("text")),
            Ok(answer) => Outcome::Response(response(&answer)),
            Err(error) if is_event => Outcome::Event(refusal(&error)),
            Err(error) if is_function => Outcome::Function(call_error(&error)),
            Err(error) => panic!("a call was rejected: {error:?}"),
        }
    }
}

/// A `DoorEventError` as fixtures write it.
fn refusal(error: &JsValue) -> String {
    let member = |name: &str| {
        let member = Reflect::get(error, &name.into());
        member.unwrap().as_string().expect("text")
    };
    assert_eq!(member("name"), "DoorEventError");
    match member("kind").as_str() {
        "rejected" => format!("rejected: {}", member("reason")),
        kind => kind.to_owned(),
    }
}

/// A `CallError` as fixtures write it.
fn call_error(error: &JsValue) -> String {
    let member = |name: &str| {
        let member = Reflect::get(error, &name.into());
        member.unwrap().as_string().expect("text")
    };
    assert_eq!(member("name"), "CallError");
    match member("kind").as_str() {
        "unknown" => "unknown".to_owned(),
        kind => format!("{kind}: {}", message(error)),
    }
}

pub(super) fn response(triple: &JsValue) -> Response {
    let triple: &Array = triple.dyn_ref().expect("a triple");
    let pair = |pair: JsValue| {
        let pair: Array = pair.dyn_into().expect("a pair");
        let text = |at| pair.get(at).as_string().expect("text");
        (text(0), text(1))
    };
    let headers: Array = triple.get(1).dyn_into().expect("pairs");
    Response {
        status: triple.get(0).as_f64().expect("a number") as u16,
        headers: headers.iter().map(pair).collect(),
        body: triple.get(2).as_string().expect("text"),
    }
}
