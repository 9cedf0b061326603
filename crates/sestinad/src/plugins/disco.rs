//! The settings of service discovery.

use sestina::plugins::disco::Discovery;

use crate::config::{Key, bounded, bytes, key};

pub(super) fn keys() -> Vec<Key<Discovery>> {
    vec![
        key(
            "node",
            "A URI that stands for the software in the server's capabilities.",
            |it: &mut Discovery| &mut it.node,
        ),
        bounded(
            "clients",
            "Of how many kinds of clients it is remembered what they can do.",
            |it: &mut Discovery| &mut it.clients,
            1,
            1_000_000,
        ),
        bytes(
            "longest",
            "The most that the features of one client take.",
            |it: &mut Discovery| &mut it.longest,
            0,
            256 << 10,
        ),
    ]
}
