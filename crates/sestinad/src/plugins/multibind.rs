//! The settings of several resources on one stream.

use sestina::plugins::multibind::Multibind;

use crate::config::{Key, bounded};

pub(super) fn keys() -> Vec<Key<Multibind>> {
    vec![bounded(
        "resources",
        "Resources that one stream has bound at a time.",
        |it: &mut Multibind| &mut it.resources,
        2,
        1000,
    )]
}
