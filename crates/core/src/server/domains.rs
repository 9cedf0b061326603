//! The domains of a server, and how one logs in there.

use std::{collections::BTreeMap, fmt, sync::Arc};

use sestina_sasl::{Clear, Mechanisms, Policy, ServerSecret};
use sestina_stanza::Jid;
use sestina_stream::{Domain, TlsOffer};

use crate::{live::Live, settings::Authentication};

/// The domains, by name.
pub(super) struct Domains {
    /// What the mechanisms of the core are made with, unless somebody else has the passwords.
    secret: Option<Arc<ServerSecret>>,
    /// Those of plugins.
    mechanisms: Mechanisms,
    by_name: BTreeMap<Box<str>, Served>,
}

/// A domain, whose policy can change.
pub(super) struct Served {
    name: Jid,
    domain: Live<Domain>,
}

impl Domains {
    pub(super) fn new(secret: Option<ServerSecret>, mechanisms: Mechanisms) -> Self {
        Self { secret: secret.map(Arc::new), mechanisms, by_name: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, domain: Domain) {
        let name = domain.name.clone();
        let served = Served { name: name.clone(), domain: Live::new(domain) };
        self.by_name.insert(name.domain().into(), served);
    }

    /// Whoever begins a stream from here on finds it by this policy.
    pub(super) fn go_by(&self, authentication: &Authentication) {
        let Authentication { allow_plaintext, require_tls, tls, recipe, attempts, .. } =
            authentication;
        let mut policy = Policy::default();
        if *allow_plaintext {
            policy.clear = Clear::Always;
            policy.clear_password = Clear::Always;
        }
        let mechanisms = match &self.secret {
            Some(secret) => Mechanisms::standard(recipe, secret.clone()),
            None => Mechanisms::asking(),
        };
        let mechanisms = Arc::new(mechanisms.with_policy(policy).with_all(&self.mechanisms));
        for Served { domain, .. } in self.by_name.values() {
            let mut changed = Domain::clone(&domain.now());
            changed.mechanisms = mechanisms.clone();
            changed.attempts = *attempts;
            changed.tls = match (tls, require_tls) {
                (false, _) => TlsOffer::Absent,
                (true, false) => TlsOffer::Offered,
                (true, true) => TlsOffer::Required,
            };
            domain.set(changed);
        }
    }

    pub(super) fn domain(&self, name: &str) -> Option<Arc<Domain>> {
        Some(self.by_name.get(name)?.domain.now())
    }

    pub(super) fn by_name(&self) -> &BTreeMap<Box<str>, Served> {
        &self.by_name
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Jid> {
        self.by_name.values().map(|served| &served.name)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

impl fmt::Debug for Domains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
