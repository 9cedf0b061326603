//! The settings of last activity.

use sestina::plugins::last::{LONGEST_STATUS, LastActivity};

use crate::config::{Key, bytes};

pub(super) fn keys() -> Vec<Key<LastActivity>> {
    vec![bytes(
        "status",
        "How much is kept of what an account said when it went.",
        |it: &mut LastActivity| &mut it.status,
        0,
        LONGEST_STATUS,
    )]
}
