#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_proxy65::fuzzing::handshake(data));
