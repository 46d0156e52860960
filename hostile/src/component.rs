//! The exports: each does what it was told to, and otherwise what a driver would.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use crate::deeds::{self, Said};
use crate::orders;
use crate::wit::exports::placeos::slot::driver as exports;

pub(crate) struct Component;

thread_local! {
    static IS_STOPPED: Cell<bool> = const { Cell::new(false) };
    static RUN: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

impl exports::Guest for Component {
    async fn load(settings: String) -> Result<(), String> {
        orders::take(&settings);
        deeds::act("load").await;
        Ok(())
    }

    async fn update(settings: String) {
        deeds::act("update").await;
        orders::take(&settings);
    }

    async fn request(
        _caller: Option<String>,
        _method: String,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        respond("request").await
    }

    async fn post(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        respond("post").await
    }

    async fn delete(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        respond("delete").await
    }

    async fn get(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        respond("get").await
    }

    async fn put(
        _caller: Option<String>,
        _headers: Vec<exports::Header>,
        _body: Vec<u8>,
    ) -> exports::Response {
        respond("put").await
    }

    async fn on_door_event(
        _event: String,
        _id: Option<String>,
    ) -> Result<exports::Acceptance, exports::EventError> {
        deeds::act("on-door-event").await;
        Ok(exports::Acceptance::Accepted)
    }

    async fn set_aside(
        _event: String,
        _id: Option<String>,
        _reason: String,
    ) -> Result<exports::Acceptance, exports::EventError> {
        deeds::act("set-aside").await;
        Ok(exports::Acceptance::Accepted)
    }

    async fn call(_function: String, _arguments: String) -> Result<String, exports::CallError> {
        deeds::act("call").await;
        Ok("null".to_owned())
    }

    async fn run() {
        if orders::deed_in("run") == "return" {
            return;
        }
        deeds::act("run").await;
        poll_fn(|context| {
            if IS_STOPPED.get() {
                return Poll::Ready(());
            }
            RUN.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    async fn stop() {
        deeds::act("stop").await;
        IS_STOPPED.set(true);
        if let Some(run) = RUN.take() {
            run.wake();
        }
    }
}

/// Acts, and answers what came of it.
async fn respond(place: &str) -> exports::Response {
    let Said {
        status,
        headers,
        body,
    } = deeds::act(place).await;
    let header = |(name, value)| exports::Header { name, value };
    exports::Response {
        status,
        headers: headers.into_iter().map(header).collect(),
        body,
    }
}
