#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_compression::fuzzing::inflate(data));
