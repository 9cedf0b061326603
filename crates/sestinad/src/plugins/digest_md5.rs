//! The settings of DIGEST-MD5.

use std::time::Duration;

use sestina::plugins::digest_md5::DigestMd5;

use crate::config::{Key, bounded};

pub(super) fn keys() -> Vec<Key<DigestMd5>> {
    vec![
        bounded(
            "keep",
            "How long after a login a client may come again in a single step; 0 s for never.",
            |it: &mut DigestMd5| &mut it.keep,
            Duration::ZERO,
            Duration::from_secs(7 * 24 * 60 * 60),
        ),
        bounded("nonces", "How many clients may.", |it: &mut DigestMd5| &mut it.nonces, 0, 1 << 20),
    ]
}
