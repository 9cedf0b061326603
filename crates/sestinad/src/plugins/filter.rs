//! The settings of rules for what comes.

use std::time::Duration;

use sestina::plugins::filter::{Action, Actionless, Condition, Filter, MOST_BYTES};

use crate::config::{Key, bounded, bytes, choices, key};

choices!(Actionless { "drop" => Drop, "pass" => Pass });

choices!(Condition {
    "unavailable" => Unavailable,
    "from" => From,
    "resource" => Resource,
    "subject" => Subject,
    "body" => Body,
    "show" => Show,
    "type" => Type,
    "roster" => Roster,
    "group" => Group,
    "ns" => Ns,
});

choices!(Action {
    "reply" => Reply,
    "error" => Error,
    "settype" => Settype,
    "forward" => Forward,
    "offline" => Offline,
    "continue" => Continue,
});

pub(super) fn keys() -> Vec<Key<Filter>> {
    vec![
        bounded("rules", "Rules of one account.", |it: &mut Filter| &mut it.rules, 1, 10_000),
        bytes("bytes", "The same, together.", |it: &mut Filter| &mut it.bytes, 1 << 10, MOST_BYTES),
        bounded(
            "forwards",
            "To how many one message is passed on.",
            |it: &mut Filter| &mut it.forwards,
            0,
            100,
        ),
        bounded(
            "hops",
            "How often one message is passed on, from each to the next.",
            |it: &mut Filter| &mut it.hops,
            0,
            20,
        ),
        bounded(
            "pause",
            "How long a sender who was answered by a rule is not answered again.",
            |it: &mut Filter| &mut it.pause,
            Duration::from_secs(1),
            Duration::from_secs(24 * 60 * 60),
        ),
        bounded(
            "absent",
            "Accounts without a session whose rules stay in memory.",
            |it: &mut Filter| &mut it.absent,
            0,
            100_000,
        ),
        key(
            "actionless",
            "What a rule does that says nothing of it: to what it holds for.",
            |it: &mut Filter| &mut it.actionless,
        ),
        key("conditions", "What rules may ask.", |it: &mut Filter| &mut it.conditions),
        key("actions", "What rules may do.", |it: &mut Filter| &mut it.actions),
        key(
            "defaults",
            "Rules that stand behind those of every account, such as \"<rule>…</rule>\".",
            |it: &mut Filter| &mut it.defaults,
        ),
    ]
}
