//! Waiting, by the host's `setTimeout`.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(fire: &Closure<dyn FnMut()>, ms: u32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// `setTimeout` takes a longer wait, 24.8 days, for none.
const LONGEST: u32 = i32::MAX as u32;

/// Returns after `duration`.
pub(super) async fn sleep(duration: Duration) {
    let mut left = duration.as_millis();
    loop {
        let part = u32::try_from(left).unwrap_or(LONGEST).min(LONGEST);
        Timer::new(part).await;
        left -= u128::from(part);
        if left == 0 {
            return;
        }
    }
}

/// One `setTimeout`, cleared when nobody waits for it any more: a timer that is left would keep a
/// process alive.
struct Timer {
    state: Rc<State>,
    id: JsValue,
    _fire: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct State {
    fired: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Timer {
    fn new(ms: u32) -> Self {
        let state = Rc::<State>::default();
        let fired = Rc::clone(&state);
        let fire = Closure::new(move || {
            fired.fired.set(true);
            if let Some(waker) = fired.waker.take() {
                waker.wake();
            }
        });
        Self {
            state,
            id: set_timeout(&fire, ms),
            _fire: fire,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.state.fired.get() {
            return Poll::Ready(());
        }
        self.state.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if !self.state.fired.get() {
            clear_timeout(&self.id);
        }
    }
}
