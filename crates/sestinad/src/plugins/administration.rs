//! The settings of administration.

use sestina::plugins::administration::{Administration, MOST_ACCOUNTS, MOST_LISTED};

use crate::config::{Key, bounded};

pub(super) fn keys() -> Vec<Key<Administration>> {
    vec![
        bounded(
            "accounts",
            "Accounts that one command may name.",
            |it: &mut Administration| &mut it.accounts,
            1,
            MOST_ACCOUNTS,
        ),
        bounded(
            "listed",
            "Addresses that one list may have.",
            |it: &mut Administration| &mut it.listed,
            1,
            MOST_LISTED,
        ),
    ]
}
