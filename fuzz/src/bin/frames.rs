//! libFuzzer's program for the target `frames`.
#![no_main]

rhombus_fuzz::fuzz!(frames);
