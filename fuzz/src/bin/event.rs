//! libFuzzer's program for the target `event`.
#![no_main]

rhombus_fuzz::fuzz!(event);
