//! The settings of private storage.

use sestina::plugins::private::{LONGEST, PrivateStorage};

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<PrivateStorage>> {
    vec![
        bounded(
            "elements",
            "Elements that an account can keep.",
            |it: &mut PrivateStorage| &mut it.elements,
            1,
            10_000,
        ),
        bytes(
            "longest",
            "The longest element.",
            |it: &mut PrivateStorage| &mut it.longest,
            1,
            LONGEST,
        ),
    ]
}
