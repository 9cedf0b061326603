//! The settings of vacations.

use sestina::plugins::vacation::{LONGEST, MOST_SENDERS, Vacation};

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<Vacation>> {
    vec![
        bytes("longest", "The longest message.", |it: &mut Vacation| &mut it.longest, 1, LONGEST),
        bounded(
            "senders",
            "Senders that are told in one vacation, each once.",
            |it: &mut Vacation| &mut it.senders,
            1,
            MOST_SENDERS,
        ),
    ]
}
