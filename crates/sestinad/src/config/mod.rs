//! The configuration: what can be set, where from, and in which order.
//!
//! Every key stands once, in [`table::keys`]. Files, environment variables and flags are read, the
//! documented sample is written, and a reload is compared by that one table.

mod environment;
mod file;
mod hosts;
mod key;
mod preset;
mod problem;
mod reference;
mod sample;
pub(crate) mod setting;
mod source;
mod table;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, thread};

use sestina::{
    core::{Authentication, Bounds, Conflict, Overflow},
    sasl::Hash,
    store::ThreadedBounds,
};

#[cfg(feature = "web")]
pub(crate) use self::setting::{Asked, Misread, quote};
pub(crate) use self::{
    environment::Environment,
    hosts::{is_own, section},
    key::{Key, after_restart, bounded, bytes, for_new_sessions, key, live},
    preset::Preset,
    problem::{Place, Problem, Problems},
    reference::reference,
    sample::sample,
    setting::{AccountAddress, Domain, Given, PemFiles, Setting, choices},
    source::{Flag, Sources},
    table::keys,
};
use crate::plugins::Plugins;

/// Everything that can be set, with its defaults.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) preset: Preset,
    pub(crate) domains: Vec<Domain>,
    pub(crate) admins: Vec<AccountAddress>,
    pub(crate) data: PathBuf,
    pub(crate) store: StoreKind,
    pub(crate) workers: usize,
    pub(crate) store_threads: ThreadedBounds,
    #[cfg(feature = "redb")]
    pub(crate) redb_cache: usize,
    #[cfg(feature = "sled")]
    pub(crate) sled_cache: usize,
    pub(crate) listen: Listen,
    pub(crate) tls: TlsFiles,
    pub(crate) log: Log,
    pub(crate) authentication: Authentication,
    pub(crate) weak_without_tls: bool,
    pub(crate) scram: Scram,
    pub(crate) bounds: Bounds,
    pub(crate) overflow: Overflow,
    pub(crate) conflict: Conflict,
    pub(crate) connection: sestina::net::Bounds,
    #[cfg(feature = "web")]
    pub(crate) web: crate::web::Settings,
    #[cfg(feature = "console")]
    pub(crate) console: crate::web::console::Settings,
    pub(crate) plugins: Plugins,
    /// Domains with a server of their own, each with all that it has; none has hosts in turn.
    pub(crate) hosts: Vec<Self>,
}

/// Where clients are waited for.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) c2s: Vec<SocketAddr>,
    pub(crate) c2s_tls: Vec<SocketAddr>,
    #[cfg(feature = "web")]
    pub(crate) web: Asked<Vec<SocketAddr>>,
    #[cfg(feature = "web")]
    pub(crate) web_tls: Vec<SocketAddr>,
    #[cfg(feature = "console")]
    pub(crate) console: Vec<SocketAddr>,
    #[cfg(feature = "console")]
    pub(crate) console_tls: Vec<SocketAddr>,
}

impl Listen {
    /// Whether clients are waited for nowhere, but perhaps where nobody has asked for it.
    fn is_deaf(&self) -> bool {
        #[cfg(feature = "web")]
        if (self.web.asked && !self.web.value.is_empty()) || !self.web_tls.is_empty() {
            return false;
        }
        self.c2s.is_empty() && self.c2s_tls.is_empty()
    }

    /// The addresses where no TLS is needed to say something.
    pub(crate) fn in_the_clear(&self) -> impl Iterator<Item = &SocketAddr> {
        #[cfg(feature = "web")]
        let web = self.web.value.as_slice();
        #[cfg(not(feature = "web"))]
        let web: &[SocketAddr] = &[];
        self.c2s.iter().chain(web)
    }
}

/// Where certificates come from; without any the server makes its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) domains: BTreeMap<String, PemFiles>,
    pub(crate) client_authorities: Option<PathBuf>,
}

/// What is told of what happens, and how.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

choices!(LogFormat { "human" => Human, "json" => Json });

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Memory,
    Redb,
    Sled,
}

choices!(StoreKind {
    "redb" => Redb,
    "sled" => Sled,
    "memory" => Memory,
});

choices!(Overflow { "close" => Close, "refuse" => Refuse });

choices!(Conflict {
    "replace" => Replace,
    "rename" => Rename,
    "refuse" => Refuse,
});

/// How verifiers are made of passwords.
#[derive(Clone, Debug)]
pub(crate) struct Scram {
    pub(crate) hashes: Vec<Hash>,
    pub(crate) iterations: u32,
}

impl Default for Config {
    fn default() -> Self {
        let authentication = Authentication::default();
        let loopback = |port| {
            [[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()]
                .map(|address: std::net::IpAddr| SocketAddr::new(address, port))
                .to_vec()
        };
        Self {
            preset: Preset::Default,
            domains: vec![Domain::localhost()],
            admins: Vec::new(),
            data: PathBuf::from("sestina-data"),
            store: StoreKind::DEFAULT,
            workers: 0,
            store_threads: ThreadedBounds::default(),
            #[cfg(feature = "redb")]
            redb_cache: sestina::store_redb::CACHE_BYTES,
            #[cfg(feature = "sled")]
            sled_cache: sestina::store_sled::CACHE_BYTES,
            listen: Listen {
                c2s: loopback(5222),
                c2s_tls: loopback(5223),
                #[cfg(feature = "web")]
                web: Asked::not(loopback(5280)),
                #[cfg(feature = "web")]
                web_tls: Vec::new(),
                #[cfg(feature = "console")]
                console: Vec::new(),
                #[cfg(feature = "console")]
                console_tls: Vec::new(),
            },
            tls: TlsFiles::default(),
            log: Log { level: "info".to_owned(), format: LogFormat::Human },
            weak_without_tls: false,
            scram: Scram {
                hashes: authentication.recipe.hashes().to_vec(),
                iterations: authentication.recipe.iterations(),
            },
            authentication,
            bounds: Bounds::default(),
            overflow: Overflow::default(),
            conflict: Conflict::default(),
            connection: sestina::net::Bounds::default(),
            #[cfg(feature = "web")]
            web: crate::web::Settings::default(),
            #[cfg(feature = "console")]
            console: crate::web::console::Settings::default(),
            plugins: Plugins::default(),
            hosts: Vec::new(),
        }
    }
}

impl StoreKind {
    /// The best of those that this binary was built with.
    const DEFAULT: Self = if cfg!(feature = "redb") {
        Self::Redb
    } else if cfg!(feature = "sled") {
        Self::Sled
    } else {
        Self::Memory
    };
}

impl Config {
    /// How many threads serve.
    pub(crate) fn worker_threads(&self) -> usize {
        match self.workers {
            0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }

    /// The domain that it is called by: that of whoever is named without one.
    pub(crate) fn domain(&self) -> &str {
        self.domains.first().map_or("localhost", |domain| domain.0.as_str())
    }

    /// What is wrong between keys that are good by themselves.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.domains.is_empty() {
            return Err(("domains", "expected at least one domain".to_owned()));
        }
        if self.listen.is_deaf() {
            let both = "expected at least one address here or in listen.c2s-tls";
            return Err(("listen.c2s", both.to_owned()));
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            let both = "expected tls.certificate and tls.key together, or neither";
            return Err(("tls.certificate", both.to_owned()));
        }
        if let Some(odd) = self.tls.domains.keys().find(|name| !self.serves(name)) {
            return Err(("tls.domains", format!("{odd:?} is not one of the domains")));
        }
        if self.scram.hashes.is_empty() {
            return Err(("authentication.scram", "expected at least one hash".to_owned()));
        }
        Ok(())
    }

    fn serves(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| domain.0.as_str() == name)
    }

    /// The keys whose values differ in another configuration.
    pub(crate) fn difference(&self, other: &Self) -> Vec<Key<Self>> {
        let (mut one, mut other) = (self.clone(), other.clone());
        keys().into_iter().filter(|key| key.show(&mut one) != key.show(&mut other)).collect()
    }
}

#[cfg(test)]
mod tests;
