#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_digest_md5::fuzzing::digest_md5(data));
