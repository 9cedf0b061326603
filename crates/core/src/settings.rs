//! What an assembly is told, and what bounds it.

use std::{fmt, sync::Arc, time::Duration};

use sestina_sasl::{Recipe, ThrottleSettings};
use sestina_stanza::Jid;
use sestina_store::Store;

use crate::{
    account_source::AccountSource,
    assembly::CORE,
    clock::{Clock, Entropy, SystemClock, SystemEntropy},
    error::AssemblyError,
    observe::Observer,
    queue::QueueBounds,
    switchboard::Switchboard,
};

/// Everything an assembly needs beside its plugins.
pub struct Settings {
    /// The domains to serve, at least one.
    pub domains: Vec<Jid>,
    /// The bare JIDs of those who administer the server, for plugins with something for them.
    pub administrators: Vec<Jid>,
    /// Where everything is kept.
    pub store: Store,
    /// Who has the accounts, if the server is not to keep them itself.
    pub accounts: Option<Arc<dyn AccountSource>>,
    /// Where it finds its neighbours: other servers of this process that share it. By default it has
    /// one to itself.
    pub switchboard: Switchboard,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Sees what happens, to count it; nobody does by default.
    pub observer: Option<Arc<dyn Observer>>,
    /// What a stream may do before and while it authenticates.
    pub authentication: Authentication,
    /// How much of everything.
    pub bounds: Bounds,
    /// What happens to a session whose peer does not read.
    pub overflow: Overflow,
    /// What happens when a resource is bound that is already there.
    pub conflict: Conflict,
}

impl Settings {
    /// Settings for one domain over a store; everything else is as by default.
    #[must_use]
    pub fn new(domain: Jid, store: Store) -> Self {
        Self {
            domains: vec![domain],
            administrators: Vec::new(),
            store,
            accounts: None,
            switchboard: Switchboard::default(),
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(SystemEntropy),
            observer: None,
            authentication: Authentication::default(),
            bounds: Bounds::default(),
            overflow: Overflow::default(),
            conflict: Conflict::default(),
        }
    }
}

impl Settings {
    /// Those that can change while the server runs.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            administrators: self.administrators.clone(),
            authentication: self.authentication.clone(),
            bounds: self.bounds,
            overflow: self.overflow,
            conflict: self.conflict,
        }
    }

    /// Looks whether a server can be made of them.
    pub(crate) fn check(&self) -> Result<(), AssemblyError> {
        for (at, domain) in self.domains.iter().enumerate() {
            if !domain.is_domain() {
                return wrong("domains", format!("addresses of domains, unlike {domain}"));
            }
            if self.domains.iter().take(at).any(|before| before == domain) {
                return wrong(
                    "domains",
                    format!("different from each other: {domain} is there twice"),
                );
            }
        }
        self.rules().check()
    }
}

/// What of its [`Settings`] can change while a server runs: [`Server::set_rules`](crate::Server::set_rules).
#[derive(Clone, Debug)]
pub struct Rules {
    /// See [`Settings::administrators`].
    pub administrators: Vec<Jid>,
    /// See [`Settings::authentication`].
    pub authentication: Authentication,
    /// See [`Settings::bounds`].
    pub bounds: Bounds,
    /// See [`Settings::overflow`].
    pub overflow: Overflow,
    /// See [`Settings::conflict`].
    pub conflict: Conflict,
}

impl Rules {
    /// Looks whether a server can go by them.
    pub(crate) fn check(&self) -> Result<(), AssemblyError> {
        for (name, bound) in [
            ("bounds.queue.stanzas", self.bounds.queue.stanzas),
            ("bounds.queue.bytes", self.bounds.queue.bytes),
            ("bounds.sessions_per_account", self.bounds.sessions_per_account),
            ("authentication.attempts", self.authentication.attempts.into()),
        ] {
            if bound == 0 {
                return wrong(name, "at least 1".to_owned());
            }
        }
        let throttle = &self.authentication.throttle;
        for (name, time) in [
            ("authentication.throttle.address.forget", throttle.address.forget),
            ("authentication.throttle.account.forget", throttle.account.forget),
            ("authentication.throttle.attempt", throttle.attempt),
        ] {
            if time.is_zero() {
                return wrong(name, "more than no time".to_owned());
            }
        }
        Ok(())
    }
}

fn wrong(name: &'static str, expected: String) -> Result<(), AssemblyError> {
    Err(AssemblyError::Setting { plugin: CORE, name, expected })
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("domains", &self.domains)
            .field("administrators", &self.administrators)
            .field("accounts", &self.accounts)
            .field("authentication", &self.authentication)
            .field("bounds", &self.bounds)
            .field("overflow", &self.overflow)
            .field("conflict", &self.conflict)
            .finish_non_exhaustive()
    }
}

/// How clients prove who they are.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Offer mechanisms without TLS to peers that are not on this machine; off by default.
    pub allow_plaintext: bool,
    /// Refuse to go on without TLS, on this machine too; off by default. Set it where a proxy on this
    /// machine passes connections on: by their address they seem to come from here, and are offered
    /// what does not protect the password.
    pub require_tls: bool,
    /// Offer TLS on streams that begin without it; on by default. Off is for servers whose
    /// listeners have no certificate.
    pub tls: bool,
    /// How verifiers are made of passwords.
    pub recipe: Recipe,
    /// What slows down whoever guesses passwords.
    pub throttle: ThrottleSettings,
    /// Failed attempts on one stream before it is closed; the default is 3.
    pub attempts: u8,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            allow_plaintext: false,
            require_tls: false,
            tls: true,
            recipe: Recipe::default(),
            throttle: ThrottleSettings::default(),
            attempts: 3,
        }
    }
}

/// Bounds of the core. Those of streams and listeners are theirs.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What may wait for a session.
    pub queue: QueueBounds,
    /// Sessions of one account at a time; the default is 32.
    pub sessions_per_account: usize,
    /// How long a shutdown waits for sessions to drain; the default is 5 s.
    pub drain: Duration,
    /// How many may [follow](crate::Server::follow) a session at a time; the default is 8.
    pub followers: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            queue: QueueBounds::default(),
            sessions_per_account: 32,
            drain: Duration::from_secs(5),
            followers: 8,
        }
    }
}

/// What happens to a session whose queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is closed with `resource-constraint`; what it has not read is routed anew.
    #[default]
    Close,
    /// It stays, and whoever sends more is told `resource-constraint`.
    Refuse,
}

/// What happens when a resource is bound that is already there (RFC 6120 §7.7.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// The old session is closed with `conflict`.
    #[default]
    Replace,
    /// The new one gets another resource.
    Rename,
    /// The new one is refused with `conflict`.
    Refuse,
}
