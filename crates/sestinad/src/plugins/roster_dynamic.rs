//! The settings of what is known of contacts.

use sestina::plugins::roster_dynamic::{DynamicRoster, LONGEST};

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<DynamicRoster>> {
    vec![
        bounded(
            "contacts",
            "Contacts of which an account can keep something.",
            |it: &mut DynamicRoster| &mut it.contacts,
            1,
            100_000,
        ),
        bytes(
            "longest",
            "The most that is kept of one contact.",
            |it: &mut DynamicRoster| &mut it.longest,
            1,
            LONGEST,
        ),
    ]
}
