//! The settings of cards.

use sestina::plugins::vcard::{LONGEST, Vcards};

use crate::config::{Key, bytes};

pub(super) fn keys() -> Vec<Key<Vcards>> {
    vec![bytes("longest", "The longest card.", |it: &mut Vcards| &mut it.longest, 1, LONGEST)]
}
