//! The settings of contact lists.

use sestina::plugins::roster::Roster;

use crate::config::{Key, bounded, bytes};

pub(super) fn keys() -> Vec<Key<Roster>> {
    vec![
        bounded(
            "bounds.contacts",
            "Contacts on one list.",
            |it: &mut Roster| &mut it.bounds.contacts,
            1,
            10_000,
        ),
        bytes(
            "bounds.bytes",
            "Text on one list: addresses, names and groups.",
            |it: &mut Roster| &mut it.bounds.bytes,
            1 << 10,
            768 << 10,
        ),
        bytes(
            "bounds.name",
            "The longest name of a contact.",
            |it: &mut Roster| &mut it.bounds.name,
            1,
            4 << 10,
        ),
        bounded(
            "bounds.groups",
            "Groups of one contact.",
            |it: &mut Roster| &mut it.bounds.groups,
            0,
            1000,
        ),
        bytes(
            "bounds.group",
            "The longest name of a group.",
            |it: &mut Roster| &mut it.bounds.group,
            1,
            4 << 10,
        ),
        bounded(
            "bounds.requests",
            "Requests of strangers that an account has not answered.",
            |it: &mut Roster| &mut it.bounds.requests,
            1,
            10_000,
        ),
        bytes(
            "bounds.request",
            "How much of a request is kept until it is answered.",
            |it: &mut Roster| &mut it.bounds.request,
            0,
            64 << 10,
        ),
        bounded(
            "bounds.changes",
            "Changes that a client is told one by one when it comes back.",
            |it: &mut Roster| &mut it.bounds.changes,
            0,
            100,
        ),
        bounded(
            "bounds.directed",
            "Addresses that one session may have sent directed presence to.",
            |it: &mut Roster| &mut it.bounds.directed,
            1,
            100_000,
        ),
    ]
}
