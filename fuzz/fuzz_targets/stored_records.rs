#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_store::fuzzing::records(data));
