//! libFuzzer's program for the target `retry_after`.
#![no_main]

rhombus_fuzz::fuzz!(retry_after);
