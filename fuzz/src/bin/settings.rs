//! libFuzzer's program for the target `settings`.
#![no_main]

rhombus_fuzz::fuzz!(settings);
