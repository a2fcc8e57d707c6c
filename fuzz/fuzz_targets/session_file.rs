#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| symbolon_fuzz_targets::session_file::run(data));
