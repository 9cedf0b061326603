//! The settings of compression.

use sestina::plugins::compression::Compression;

use crate::config::{Key, bounded, bytes, key};

pub(super) fn keys() -> Vec<Key<Compression>> {
    vec![
        key("before-login", "Whether strangers are offered it.", |it: &mut Compression| {
            &mut it.before_login
        }),
        key(
            "over-tls",
            "Whether it is offered under TLS, where it lets whoever watches guess at secrets.",
            |it: &mut Compression| &mut it.over_tls,
        ),
        bounded(
            "level",
            "From 1, the fastest, to 9, the smallest.",
            |it: &mut Compression| &mut it.level,
            1,
            9,
        ),
        bounded(
            "bounds.streams",
            "Compressed streams at a time, each of some 350 KiB.",
            |it: &mut Compression| &mut it.bounds.streams,
            1,
            1 << 20,
        ),
        bounded(
            "bounds.ratio",
            "How many bytes one byte may stand for in the long run.",
            |it: &mut Compression| &mut it.bounds.ratio,
            1,
            10_000,
        ),
        bytes(
            "bounds.burst",
            "How much may come of next to nothing before that counts.",
            |it: &mut Compression| &mut it.bounds.burst,
            32 << 10,
            64 << 20,
        ),
    ]
}
