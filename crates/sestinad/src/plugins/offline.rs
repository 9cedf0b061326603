//! The settings of messages that wait.

use std::time::Duration;

use sestina::plugins::offline::OfflineMessages;

use crate::config::{Key, bounded, bytes, live};

pub(super) fn keys() -> Vec<Key<OfflineMessages>> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    live(vec![
        bounded(
            "keep",
            "How long a message waits.",
            |it: &mut OfflineMessages| &mut it.keep,
            Duration::from_secs(60),
            DAY * 3650,
        ),
        bounded(
            "bounds.messages",
            "Messages that wait for one account.",
            |it: &mut OfflineMessages| &mut it.bounds.messages,
            1,
            10_000_000,
        ),
        bytes(
            "bounds.bytes",
            "Messages that wait for one account, together.",
            |it: &mut OfflineMessages| &mut it.bounds.bytes,
            64 << 10,
            1 << 30,
        ),
        bounded(
            "bounds.unwritten",
            "Messages for one account on their way to the store; a crash loses these.",
            |it: &mut OfflineMessages| &mut it.bounds.unwritten,
            1,
            10_000,
        ),
        bytes(
            "bounds.unwritten-bytes",
            "The same, together.",
            |it: &mut OfflineMessages| &mut it.bounds.unwritten_bytes,
            1 << 10,
            64 << 20,
        ),
    ])
}
