#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_stanza::fuzzing::data_form(data));
