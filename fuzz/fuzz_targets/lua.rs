#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_foreign::fuzzing::lua(data));
