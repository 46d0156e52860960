//! libFuzzer's program for the target `store`.
#![no_main]

rhombus_fuzz::fuzz!(store);
