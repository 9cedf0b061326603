//! The settings of rules for delivery.

use sestina::plugins::amp::{Amp, MOST_RULES};

use crate::config::{Key, bounded};

pub(super) fn keys() -> Vec<Key<Amp>> {
    vec![bounded("rules", "Rules of one message.", |it: &mut Amp| &mut it.rules, 1, MOST_RULES)]
}
