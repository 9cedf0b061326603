//! The settings of guests.

use sestina::plugins::anonymous::{Anonymous, Reach};

use crate::config::{Key, bounded, choices, key};

choices!(Reach { "nobody" => Nobody, "services" => Services, "accounts" => Accounts });

pub(super) fn keys() -> Vec<Key<Anonymous>> {
    vec![
        key(
            "reach",
            "Whom guests may turn to beside the server: \"nobody\", its \"services\", or \"accounts\" \
             as well.",
            |it: &mut Anonymous| &mut it.reach,
        ),
        key("keep", "Whether guests may keep anything until they go.", |it: &mut Anonymous| {
            &mut it.keep
        }),
        bounded(
            "bounds.guests",
            "Guests at a time.",
            |it: &mut Anonymous| &mut it.bounds.guests,
            1,
            1 << 20,
        ),
        bounded(
            "bounds.per-address",
            "The same, from one address.",
            |it: &mut Anonymous| &mut it.bounds.per_address,
            1,
            1 << 20,
        ),
    ]
}
