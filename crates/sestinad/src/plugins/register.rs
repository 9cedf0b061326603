//! The settings of registration.

use std::time::Duration;

use sestina::plugins::register::{Detail, Open, Registration};

use crate::config::{Key, bounded, bytes, choices, key, live};

choices!(Open { "nobody" => Nobody, "loopback" => Loopback, "everybody" => Everybody });

choices!(Detail {
    "address" => Address,
    "city" => City,
    "date" => Date,
    "email" => Email,
    "first" => First,
    "last" => Last,
    "name" => Name,
    "nick" => Nick,
    "phone" => Phone,
    "state" => State,
    "url" => Url,
    "zip" => Zip,
});

pub(super) fn keys() -> Vec<Key<Registration>> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    live(vec![
        key(
            "open",
            "Who may make an account: peers on this machine are \"loopback\", and \"everybody\" is \
             everybody over TLS.",
            |it: &mut Registration| &mut it.open,
        ),
        key("instructions", "What people are told to do.", |it: &mut Registration| {
            &mut it.instructions
        }),
        key("details", "What is asked for beside name and password.", |it: &mut Registration| {
            &mut it.details
        }),
        key("change", "Whether passwords can be changed.", |it: &mut Registration| &mut it.change),
        key("remove", "Whether accounts can be removed.", |it: &mut Registration| &mut it.remove),
        key(
            "rate.attempts",
            "How often one address may ask for an account in the time below.",
            |it: &mut Registration| &mut it.rate.attempts,
        ),
        bounded(
            "rate.per",
            "The time for so many attempts.",
            |it: &mut Registration| &mut it.rate.per,
            Duration::from_secs(1),
            DAY,
        ),
        key(
            "rate.loopback",
            "Whether peers on this machine are counted as well.",
            |it: &mut Registration| &mut it.rate.loopback,
        ),
        bounded(
            "rate.addresses",
            "How many addresses are counted apart.",
            |it: &mut Registration| &mut it.rate.addresses,
            1,
            1 << 24,
        ),
        bytes(
            "bounds.username",
            "The longest user name.",
            |it: &mut Registration| &mut it.bounds.username,
            1,
            1023,
        ),
        bounded(
            "bounds.shortest-password",
            "The fewest characters of a password.",
            |it: &mut Registration| &mut it.bounds.shortest_password,
            1,
            1024,
        ),
        bytes(
            "bounds.password",
            "The longest password.",
            |it: &mut Registration| &mut it.bounds.password,
            1,
            1024,
        ),
        bytes(
            "bounds.detail",
            "The longest detail.",
            |it: &mut Registration| &mut it.bounds.detail,
            1,
            64 << 10,
        ),
    ])
}
