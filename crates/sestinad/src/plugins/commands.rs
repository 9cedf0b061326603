//! The settings of commands.

use std::time::Duration;

use sestina::plugins::commands::{Commands, LONGEST_PATIENCE, MOST_ONGOING};

use crate::config::{Key, bounded};

pub(super) fn keys() -> Vec<Key<Commands>> {
    vec![
        bounded(
            "ongoing",
            "Commands that one client has begun and not ended.",
            |it: &mut Commands| &mut it.ongoing,
            1,
            MOST_ONGOING,
        ),
        bounded(
            "patience",
            "How long a command waits for its next step.",
            |it: &mut Commands| &mut it.patience,
            Duration::from_secs(1),
            LONGEST_PATIENCE,
        ),
    ]
}
