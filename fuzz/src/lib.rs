//! Fuzzing: for each place where bytes of others come in, what must hold whatever they are.
//!
//! A target is a plain function of an input, which panics where something does not hold. libFuzzer looks
//! for such inputs (`cargo xtask fuzz`); those in `corpus/` are run by every `cargo test`.
//!
//! Most inputs are JSON documents, in the manner of fixtures: so a person can read what was found, and a
//! [`mutation`] changes what the document says where a flipped bit would only make it unreadable.

#![cfg_attr(not(feature = "libfuzzer"), forbid(unsafe_code))]

mod book;
mod document;
pub mod mutation;
mod signature;
mod site;
pub mod targets;

/// Looks at an input, and panics if something does not hold.
pub type Target = fn(&[u8]);

/// All targets, by their names.
pub const TARGETS: [(&str, Target); 7] = [
    ("event", targets::event::run),
    ("frames", targets::frames::run),
    ("request", targets::request::run),
    ("retry_after", targets::retry_after::run),
    ("settings", targets::settings::run),
    ("store", targets::store::run),
    ("url_rule", targets::url_rule::run),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, target)| *target)
}

/// Makes a program of a target, for libFuzzer.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! fuzz {
    ($target:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::targets::$target::run(data));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let bytes = libfuzzer_sys::fuzzer_mutate;
            $crate::mutation::mutate(data, size, max_size, seed, bytes)
        });
    };
}
