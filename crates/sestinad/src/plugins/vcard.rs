//! The settings of cards.

use sestina::plugins::vcard::{LONGEST, Vcards};

use crate::config::{Key, bytes, key};

pub(super) fn keys() -> Vec<Key<Vcards>> {
    vec![
        bytes("longest", "The longest card.", |it: &mut Vcards| &mut it.longest, 1, LONGEST),
        key(
            "item-not-found",
            "Whether an account without a card is told so, instead of shown an empty one.",
            |it: &mut Vcards| &mut it.item_not_found,
        ),
    ]
}
