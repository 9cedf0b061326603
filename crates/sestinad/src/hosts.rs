//! The hosts: domains with a server of their own beside that of the configuration itself. They share
//! its listeners and nothing else, and come and go while it runs.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use sestina::{
    core::{Changed, Effect, Observer, Server},
    net::{Network, Tls},
    store::Store,
};

use crate::{
    assemble::{self, Around, assemble_for, open_store},
    config::{Config, Key, is_own, section},
    failure::Failure,
    identities::{self, Identities},
};

/// Those that run.
#[derive(Debug)]
pub(crate) struct Hosts {
    network: Arc<Network>,
    around: Around,
    running: BTreeMap<String, Host>,
}

/// One of them.
#[derive(Debug)]
struct Host {
    /// What is in effect.
    config: Config,
    server: Server,
    tls: Tls,
}

impl Hosts {
    /// Starts all of them, beside the first server of the network; or none, if one cannot be.
    pub(crate) async fn start(
        config: &Config,
        network: Arc<Network>,
        now: SystemTime,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<Self, Failure> {
        let board = network.server().switchboard().clone();
        let around = Around { board, observer };
        let mut hosts = Self { network, around, running: BTreeMap::new() };
        for host in &config.hosts {
            hosts.add(host.clone(), now).await.map_err(|failure| named(host, failure))?;
        }
        Ok(hosts)
    }

    /// Closes their stores, once the network is shut down.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let mut closed = Ok(());
        for (domain, host) in self.running {
            let done = close(&domain, host.server.store()).await;
            closed = closed.and(done);
        }
        closed
    }

    /// Starts those that are new, ends those that are gone, and lets the others go on with what can
    /// take effect. What fails of one is logged, handed back, and stops no other.
    pub(crate) async fn change(
        &mut self,
        wanted: &[Config],
        now: SystemTime,
    ) -> (Vec<Changed>, Vec<Failure>) {
        let (mut changed, mut failed) = (Vec::new(), Vec::new());
        let at_once = |domain: &str, what: &str| Changed {
            setting: section(domain),
            value: what.to_owned(),
            effect: Effect::AtOnce,
        };
        let gone = |domain: &String| !wanted.iter().any(|config| config.domain() == domain);
        let gone: Vec<_> = self.running.keys().filter(|domain| gone(domain)).cloned().collect();
        for domain in gone {
            tracing::info!(domain, "a host goes");
            match self.remove(&domain).await {
                Ok(()) => changed.push(at_once(&domain, "removed")),
                Err(failure) => failed.push(failure),
            }
        }
        for config in wanted {
            let domain = config.domain();
            let done = match self.running.get_mut(domain) {
                Some(host) => host.change(config.clone(), &self.network, now),
                None => {
                    self.add(config.clone(), now).await.map(|()| vec![at_once(domain, "added")])
                }
            };
            match done {
                Ok(done) => changed.extend(done),
                Err(failure) => failed.push(named(config, failure)),
            }
        }
        for failure in &failed {
            tracing::error!(%failure, "a host is not as it should be");
        }
        (changed, failed)
    }

    /// Takes certificates that others have put in place, and makes those that end soon.
    pub(crate) fn renew(&self, now: SystemTime) {
        for (domain, host) in &self.running {
            match Identities::load(&host.config, now) {
                Ok(identities) => identities.replace_those_of(&host.tls),
                Err(failure) => {
                    tracing::error!(domain, %failure, "the certificates could not be read again");
                }
            }
        }
    }

    async fn add(&mut self, config: Config, now: SystemTime) -> Result<(), Failure> {
        let store = open_store(&config)?;
        let started = self.start_over(&config, store.clone(), now).await;
        let (server, tls) = match started {
            Ok(started) => started,
            Err(failure) => {
                // Nobody is left who would, and the next try needs it closed.
                let _nothing_was_written = store.close().await;
                return Err(failure);
            }
        };
        let domain = config.domain().to_owned();
        tracing::info!(domain, data = %config.data.display(), "a host is served");
        self.running.insert(domain, Host { config, server, tls });
        Ok(())
    }

    async fn start_over(
        &self,
        config: &Config,
        store: Store,
        now: SystemTime,
    ) -> Result<(Server, Tls), Failure> {
        let (tls, _) = identities::tls(config, now)?;
        // Those who administer a host have no say about the program.
        let server = assemble_for(config, store, true, None, self.around.clone()).await?;
        self.network
            .add(server.clone(), Some(tls.clone()), config.connection)
            .map_err(|error| Failure::because("it cannot be served", error))?;
        Ok((server, tls))
    }

    async fn remove(&mut self, domain: &str) -> Result<(), Failure> {
        let Some(host) = self.running.remove(domain) else { return Ok(()) };
        self.network.remove(domain).await;
        close(domain, host.server.store()).await
    }
}

async fn close(domain: &str, store: &Store) -> Result<(), Failure> {
    let closed = store.close().await;
    closed.map_err(|error| {
        Failure::because(format!("the store of {domain} could not be closed"), error)
    })
}

impl Host {
    /// Goes on with what can take effect of another configuration.
    fn change(
        &mut self,
        mut wanted: Config,
        network: &Network,
        now: SystemTime,
    ) -> Result<Vec<Changed>, Failure> {
        // Everything that can fail comes first.
        let mut next = self.config.clone();
        next.listen = wanted.listen.clone();
        let different: Vec<Key<Config>> =
            self.config.difference(&wanted).into_iter().filter(is_own).collect();
        for key in different.iter().filter(|key| key.effect() != Effect::AfterRestart) {
            key.copy(&mut wanted, &mut next);
        }
        assemble::shield(&next, &self.server)?;
        let rules = assemble::settings(&next, self.server.store().clone(), true)?.rules();
        let identities = Identities::load(&next, now)?;
        let wrong = |error| Failure::because("the host goes on as before", error);
        network
            .set_bounds(next.domain(), next.connection)
            .map_err(|error| Failure::because("connection", error))?;
        identities.replace_those_of(&self.tls);
        self.server.set_rules(rules).map_err(wrong)?;
        next.plugins.change(&self.server).map_err(wrong)?;
        let of = section(next.domain());
        self.config = next;
        let changed = different.into_iter().map(|key| Changed {
            setting: format!("{of}.{}", key.path()),
            value: key.show(&mut wanted),
            effect: key.effect(),
        });
        Ok(changed.collect())
    }
}

/// A failure that says of which host, unless it says so itself.
pub(crate) fn named(host: &Config, failure: Failure) -> Failure {
    match failure {
        Failure::Other(what) => Failure::Other(format!("{}: {what}", section(host.domain()))),
        failure => failure,
    }
}
