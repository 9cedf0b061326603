//! The servers that a network speaks for, each with certificates, bounds and sessions of its own.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use parking_lot::{Mutex, RwLock};
use sestina_core::{Server, caught_later};
use sestina_stanza::StreamCondition;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    bounds::Bounds,
    network::AddError,
    quota::{Crowded, Place, Quota},
    tls::Tls,
};

/// A server, and what its streams need.
pub(crate) struct Host {
    pub(crate) server: Server,
    pub(crate) tls: Option<Tls>,
    bounds: RwLock<Arc<Bounds>>,
    quota: Arc<Quota>,
    /// Why its streams end, once they do; each of them holds a receiver.
    ending: watch::Sender<Option<StreamCondition>>,
    sessions: Mutex<JoinSet<()>>,
}

/// What a stream has of its host for as long as it is there.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) ending: watch::Receiver<Option<StreamCondition>>,
    _place: Option<Place>,
}

impl Host {
    pub(crate) fn new(server: Server, tls: Option<Tls>, bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            server,
            tls,
            quota: Arc::new(Quota::new(bounds.connections, bounds.per_address)),
            bounds: RwLock::new(Arc::new(bounds)),
            ending: watch::Sender::new(None),
            sessions: Mutex::default(),
        })
    }

    /// The bounds for whoever begins something now.
    pub(crate) fn bounds(&self) -> Arc<Bounds> {
        self.bounds.read().clone()
    }

    /// Goes on within other bounds.
    pub(crate) fn set_bounds(&self, bounds: Bounds) {
        self.quota.set(bounds.connections, bounds.per_address);
        *self.bounds.write() = Arc::new(bounds);
    }

    /// Lets a stream stay that has not said yet whom it is for.
    pub(crate) fn expect(&self) -> Stay {
        Stay { ending: self.ending.subscribe(), _place: None }
    }

    /// Lets a stream stay that is for this host; one from no address is the host program's to count.
    pub(crate) fn admit(&self, peer: Option<IpAddr>) -> Result<Stay, Crowded> {
        let place = peer.map(|peer| self.quota.take(peer)).transpose()?;
        Ok(Stay { ending: self.ending.subscribe(), _place: place })
    }

    /// Carries a session to its end.
    pub(crate) fn carry(&self, session: impl Future<Output = ()> + Send + 'static) {
        let (server, session) = (self.server.clone(), caught_later(session));
        let mut sessions = self.sessions.lock();
        bury(&mut sessions);
        sessions.spawn(async move {
            if let Err(panicked) = session.await {
                server.note_panic(panicked);
            }
        });
    }

    /// Tells every peer why it ends, and waits until they have gone or the bounds are reached. Then
    /// whatever is left is cut.
    pub(crate) async fn end(&self, why: StreamCondition) {
        self.ending.send_replace(Some(why));
        self.server.shut_down_saying(why).await;
        let mut sessions = std::mem::take(&mut *self.sessions.lock());
        let gone = async {
            while sessions.join_next().await.is_some() {}
            // Streams that have not come to a session hold nothing else of the host.
            self.ending.closed().await;
        };
        let patience = self.bounds().closing + Duration::from_secs(1);
        if timeout(patience, gone).await.is_err() {
            tracing::warn!("connections were still there at the end");
        }
    }

    /// Cuts every stream.
    pub(crate) fn cut(&self) {
        self.ending.send_replace(Some(StreamCondition::SystemShutdown));
        self.sessions.lock().abort_all();
    }
}

/// Takes out what has ended.
pub(crate) fn bury(tasks: &mut JoinSet<()>) {
    while tasks.try_join_next().is_some() {}
}

/// All of them.
pub(crate) struct Hosts {
    /// For streams that do not say whom they are for.
    first: Arc<Host>,
    by_domain: RwLock<ByDomain>,
}

#[derive(Default)]
struct ByDomain {
    hosts: HashMap<Box<str>, Arc<Host>>,
    /// By the name that TLS has for them, where that is another.
    ascii: HashMap<Box<str>, Box<str>>,
    closed: bool,
}

impl Hosts {
    pub(crate) fn new(first: Arc<Host>) -> Self {
        let mut by_domain = ByDomain::default();
        by_domain.enter(&first);
        Self { first, by_domain: RwLock::new(by_domain) }
    }

    pub(crate) fn first(&self) -> &Arc<Host> {
        &self.first
    }

    /// Whoever serves a domain.
    pub(crate) fn of(&self, domain: &str) -> Option<Arc<Host>> {
        self.by_domain.read().hosts.get(domain).cloned()
    }

    /// Whoever serves the domain that TLS calls so.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Host>> {
        let held = self.by_domain.read();
        let domain = held.ascii.get(name).map_or(name, |domain| domain);
        held.hosts.get(domain).cloned()
    }

    /// All of them, the first one first.
    pub(crate) fn all(&self) -> Vec<Arc<Host>> {
        let mut all = vec![self.first.clone()];
        for host in self.by_domain.read().hosts.values() {
            if !all.iter().any(|held| Arc::ptr_eq(held, host)) {
                all.push(host.clone());
            }
        }
        all
    }

    pub(crate) fn add(&self, host: &Arc<Host>) -> Result<(), AddError> {
        let mut held = self.by_domain.write();
        if held.closed {
            return Err(AddError::ShuttingDown);
        }
        let mut domains = host.server.domains();
        if let Some(taken) = domains.find(|domain| held.hosts.contains_key(domain.as_str())) {
            return Err(AddError::Served(taken.clone()));
        }
        held.enter(host);
        Ok(())
    }

    /// Takes out whoever serves a domain, with all of its domains; the first one stays.
    pub(crate) fn remove(&self, domain: &str) -> Option<Arc<Host>> {
        let mut held = self.by_domain.write();
        let host = held.hosts.get(domain).filter(|host| !Arc::ptr_eq(host, &self.first))?.clone();
        held.hosts.retain(|_, other| !Arc::ptr_eq(other, &host));
        let ByDomain { hosts, ascii, .. } = &mut *held;
        ascii.retain(|_, domain| hosts.contains_key(domain));
        Some(host)
    }

    /// Takes nobody in any more; hands back who is there.
    pub(crate) fn close(&self) -> Vec<Arc<Host>> {
        self.by_domain.write().closed = true;
        self.all()
    }
}

impl ByDomain {
    fn enter(&mut self, host: &Arc<Host>) {
        for domain in host.server.domains() {
            let domain = domain.as_str();
            if let Ok(ascii) = idna::domain_to_ascii(domain)
                && ascii != domain
            {
                self.ascii.insert(ascii.into(), domain.into());
            }
            self.hosts.insert(domain.into(), host.clone());
        }
    }
}
