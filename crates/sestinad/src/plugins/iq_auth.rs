//! The settings of authentication without SASL.

use sestina::plugins::iq_auth::{IqAuth, LONGEST_CHAIN};

use crate::config::{Key, bounded, key};

pub(super) fn keys() -> Vec<Key<IqAuth>> {
    vec![
        key(
            "plain",
            "Whether passwords are taken as they are, where PLAIN is offered.",
            |it: &mut IqAuth| &mut it.plain,
        ),
        key(
            "digest",
            "Whether hashes of passwords are taken, for which the passwords themselves are kept.",
            |it: &mut IqAuth| &mut it.digest,
        ),
        key(
            "zero-knowledge",
            "Whether hashes that are shown once are taken, for which hashes are kept that passwords \
             are easily guessed from.",
            |it: &mut IqAuth| &mut it.zero_knowledge,
        ),
        key(
            "learn",
            "Whether what those two need is kept for accounts from before, once their password was \
             shown.",
            |it: &mut IqAuth| &mut it.learn,
        ),
        bounded(
            "sequences",
            "Logins by hashes that are shown once until the password is needed once more.",
            |it: &mut IqAuth| &mut it.sequences,
            1,
            LONGEST_CHAIN,
        ),
    ]
}
