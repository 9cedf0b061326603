//! The settings of privacy lists.

use sestina::plugins::privacy::{MOST_BYTES, MOST_ITEMS, MOST_LISTS, Privacy};

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<Privacy>> {
    vec![
        bounded("lists", "Lists of one account.", |it: &mut Privacy| &mut it.lists, 1, MOST_LISTS),
        bounded("items", "Rules of one list.", |it: &mut Privacy| &mut it.items, 1, MOST_ITEMS),
        bytes(
            "bytes",
            "Bytes of text in all lists of one account.",
            |it: &mut Privacy| &mut it.bytes,
            1,
            MOST_BYTES,
        ),
    ]
}
