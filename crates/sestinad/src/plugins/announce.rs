//! The settings of announcements.

use sestina::plugins::announce::{Announcements, LONGEST};

use crate::config::{Key, bytes, live};

pub(super) fn keys() -> Vec<Key<Announcements>> {
    live(vec![bytes(
        "longest",
        "A text that is announced, or kept as message of the day or welcome.",
        |it: &mut Announcements| &mut it.longest,
        1,
        LONGEST,
    )])
}
