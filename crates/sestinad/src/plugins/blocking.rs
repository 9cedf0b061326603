//! The settings of blocking.

use sestina::plugins::blocking::{Blocking, MOST_BYTES, MOST_ITEMS};

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<Blocking>> {
    vec![
        bounded(
            "items",
            "Addresses that one account blocks.",
            |it: &mut Blocking| &mut it.items,
            1,
            MOST_ITEMS,
        ),
        bytes(
            "bytes",
            "Bytes of all addresses that one account blocks.",
            |it: &mut Blocking| &mut it.bytes,
            1,
            MOST_BYTES,
        ),
    ]
}
