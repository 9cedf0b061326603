#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_sasl::fuzzing::scram_server(data));
