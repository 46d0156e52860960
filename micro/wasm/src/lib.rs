//! The work of an event, as a module for any engine of WebAssembly: it imports nothing, and exports each
//! function of `micro::work` under its name. It is built for wasm32 only.

#![cfg(target_arch = "wasm32")]

use micro::work;

macro_rules! export {
    ($($work:ident)*) => {
        $(
            #[doc = concat!("See [`work::", stringify!($work), "`].")]
            // SAFETY: nothing else in the module has this name.
            #[unsafe(no_mangle)]
            pub extern "C" fn $work(times: u32) -> u32 {
                work::$work(times)
            }
        )*
    };
}

export! { parse sign serialise notify event }
