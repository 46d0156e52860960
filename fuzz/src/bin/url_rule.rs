//! libFuzzer's program for the target `url_rule`.
#![no_main]

rhombus_fuzz::fuzz!(url_rule);
