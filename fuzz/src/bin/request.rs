//! libFuzzer's program for the target `request`.
#![no_main]

rhombus_fuzz::fuzz!(request);
