//! The realm that the driver runs in: its clock, its timers and its random bytes are a scenario's.

use std::cell::Cell;

use rhombus_replay::World;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen(inline_js = r#"
    const { setTimeout, clearTimeout, crypto } = globalThis;
    const now = Date.now;
    /** Timers that may fire. */
    const set = new Set();
    let count = 0;
    let isOpen = false;

    export function patch(worldNow, worldSleep, worldRandom) {
        Date.now = worldNow;
        // They are in the module's memory. An answer that took some of it could make it grow, and detach them.
        crypto.getRandomValues = (bytes) => {
            for (let at = 0; at < bytes.length; at += 1) bytes[at] = worldRandom(at);
            return bytes;
        };
        globalThis.setTimeout = (fire, ms) => {
            const id = ++count;
            if (isOpen) {
                set.add(id);
                worldSleep(ms).then(() => set.delete(id) && fire());
            }
            return id;
        };
        globalThis.clearTimeout = (id) => void set.delete(id);
    }

    export function restore() {
        Date.now = now;
        delete crypto.getRandomValues;
        Object.assign(globalThis, { setTimeout, clearTimeout });
    }

    export function open() {
        isOpen = true;
    }

    export function close() {
        isOpen = false;
        set.clear();
    }

    export function turn() {
        return new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
                port1.close();
                resolve();
            };
            port2.postMessage(null);
        });
    }
"#)]
extern "C" {
    fn patch(
        now: &Closure<dyn Fn() -> f64>,
        sleep: &Closure<dyn Fn(f64) -> js_sys::Promise>,
        random: &Closure<dyn Fn(usize) -> u8>,
    );
    fn restore();
    /// Timers that are set from now on fire.
    pub(super) fn open();
    /// No timer fires any more, set before or after: the instance that set it is dead.
    pub(super) fn close();
    /// One turn of the realm's loop of events. By its end everything is over that waits for nothing
    /// but promises.
    #[wasm_bindgen(js_name = turn)]
    async fn turn_once();
}

/// Makes the realm's clock, timers and random bytes those of `world`.
pub(super) fn enter(world: &World) {
    let [clock, timers, source] = [world.clone(), world.clone(), world.clone()];
    let now = Closure::new(move || clock.now() as f64);
    let sleep = Closure::new(move |ms: f64| {
        let passed = timers.sleep(ms as u64);
        future_to_promise(async move {
            passed.await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let drawn = Cell::new([0; 16]);
    let random = Closure::new(move |at: usize| {
        if at == 0 {
            drawn.set(source.random());
        }
        drawn.get()[at % 16]
    });
    patch(&now, &sleep, &random);
    // The realm calls them for as long as it is patched.
    now.forget();
    sleep.forget();
    random.forget();
}

/// Lets what is left come to rest, then gives the realm its own clock back.
pub(super) async fn leave() {
    turn().await;
    restore();
}

/// See [`turn_once`].
pub(super) async fn turn() {
    turn_once().await;
}
