#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heimdallr_fuzz::tokens(bytes));
