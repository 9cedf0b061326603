//! The settings of the directory.

use sestina::plugins::directory::{Directory, LONGEST};

use crate::config::{Key, bounded, bytes, key};

pub(super) fn keys() -> Vec<Key<Directory>> {
    vec![
        key(
            "jud",
            "Whether it is found at jud. as in old times, and not at directory.",
            |it: &mut Directory| &mut it.jud,
        ),
        bounded(
            "listings",
            "Accounts that it lists.",
            |it: &mut Directory| &mut it.listings,
            1,
            1_000_000,
        ),
        bounded(
            "results",
            "Accounts that a search finds.",
            |it: &mut Directory| &mut it.results,
            1,
            1000,
        ),
        bytes("longest", "The longest field.", |it: &mut Directory| &mut it.longest, 1, LONGEST),
    ]
}
