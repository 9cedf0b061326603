//! From domains, plugins and addresses to a running server.

use std::{fmt, io, sync::Arc};

use sestina_core::{AccountSource, Assembly, AssemblyError, Plugin, Settings, Switchboard};
use sestina_net::{AddError, Bounds, BoundsError, Kind, Network, Tls};
use sestina_stanza::{Jid, JidError};
use sestina_store::Store;
use tokio::net::TcpListener;

use crate::Server;

/// A server in the making, begun by [`Server::builder`].
///
/// Nothing happens before [`start`](Self::start); whatever is wrong is told there.
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    domains: Vec<String>,
    store: Option<Store>,
    accounts: Option<Arc<dyn AccountSource>>,
    tls: Option<Tls>,
    bounds: Bounds,
    configure: Vec<Configure>,
    install: Vec<Install>,
    listeners: Vec<(Listener, Kind)>,
}

/// A server that is put together, and what its streams need.
pub(crate) struct Host {
    pub(crate) core: sestina_core::Server,
    pub(crate) tls: Option<Tls>,
    pub(crate) bounds: Bounds,
}

type Configure = Box<dyn FnOnce(&mut Settings) + Send>;
type Install = Box<dyn FnOnce(&mut Assembly) -> Result<(), AssemblyError> + Send>;

enum Listener {
    Address(String),
    Bound(TcpListener),
}

/// Why a server does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A name is no domain's.
    Domain {
        /// The name.
        name: String,
        /// What is wrong with it, unless it is an address within a domain.
        error: Option<JidError>,
    },
    /// The server cannot be put together.
    Assembly(AssemblyError),
    /// Nothing can be served within the bounds.
    Bounds(BoundsError),
    /// It cannot stand beside those that are there.
    Add(AddError),
    /// It was given listeners, which are those of the server that it is added to.
    Listeners,
    /// An address cannot be listened on.
    Listen {
        /// The address.
        address: String,
        /// Why not.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain { name, error: Some(error) } => {
                write!(f, "{name:?} is no domain: {error}")
            }
            Self::Domain { name, error: None } => {
                write!(f, "{name:?} is no domain but an address within one")
            }
            Self::Assembly(error) => write!(f, "the server cannot be put together: {error}"),
            Self::Bounds(error) => write!(f, "nothing can be served: {error}"),
            Self::Add(error) => write!(f, "the server cannot be added: {error}"),
            Self::Listeners => f.write_str(
                "a server that is added has the listeners of the one it is added to: name none",
            ),
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Domain { error, .. } => error.as_ref().map(|error| error as _),
            Self::Assembly(error) => Some(error),
            Self::Bounds(error) => Some(error),
            Self::Add(error) => Some(error),
            Self::Listeners => None,
            Self::Listen { error, .. } => Some(error),
        }
    }
}

impl From<AssemblyError> for StartError {
    fn from(error: AssemblyError) -> Self {
        Self::Assembly(error)
    }
}

impl From<BoundsError> for StartError {
    fn from(error: BoundsError) -> Self {
        Self::Bounds(error)
    }
}

impl From<AddError> for StartError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Bounds(error) => Self::Bounds(error),
            error => Self::Add(error),
        }
    }
}

impl Builder {
    pub(crate) fn new(domain: impl Into<String>) -> Self {
        Self {
            domains: vec![domain.into()],
            store: None,
            accounts: None,
            tls: None,
            bounds: Bounds::default(),
            configure: Vec::new(),
            install: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// Serves another domain too.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Keeps everything in a store; without one, in memory.
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Takes accounts from elsewhere, such as the users of an application that this is part of;
    /// without that, the server keeps them itself.
    pub fn accounts(mut self, source: impl AccountSource) -> Self {
        self.accounts = Some(Arc::new(source));
        self
    }

    /// Adds a plugin. Their order is that in which stanzas meet them.
    pub fn plugin(self, plugin: impl Plugin) -> Self {
        self.install(|to| to.plugin(plugin).map(|_| ()))
    }

    /// Adds whatever `install` does: plugins that are chosen while running, or a layer.
    pub fn install(
        mut self,
        install: impl FnOnce(&mut Assembly) -> Result<(), AssemblyError> + Send + 'static,
    ) -> Self {
        self.install.push(Box::new(install));
        self
    }

    /// Sets what has no method here: bounds of the core, authentication, clock.
    pub fn configure(mut self, change: impl FnOnce(&mut Settings) + Send + 'static) -> Self {
        self.configure.push(Box::new(change));
        self
    }

    /// Shows these certificates. Without any, clients that are not on this machine cannot log in.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Bounds connections: how long, how many, how much.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Listens on an address, such as `"127.0.0.1:5222"`; port 0 has the system choose one.
    pub fn listen(mut self, address: impl Into<String>, kind: Kind) -> Self {
        self.listeners.push((Listener::Address(address.into()), kind));
        self
    }

    /// Listens on a socket that was opened elsewhere.
    pub fn listener(mut self, listener: TcpListener, kind: Kind) -> Self {
        self.listeners.push((Listener::Bound(listener), kind));
        self
    }

    /// Puts the server together and opens its listeners.
    ///
    /// # Errors
    ///
    /// When a domain is none, plugins do not go together, the store cannot be read, or an address
    /// cannot be listened on.
    pub async fn start(mut self) -> Result<Server, StartError> {
        let listeners = std::mem::take(&mut self.listeners);
        let Host { core, tls, bounds } = self.assemble(Switchboard::default()).await?;
        let network = Network::new(core.clone(), tls, bounds)?;
        let mut listening = Vec::with_capacity(listeners.len());
        for (listener, kind) in listeners {
            let address = match &listener {
                Listener::Address(address) => address.clone(),
                Listener::Bound(bound) => {
                    bound.local_addr().map_or_else(|_| "a socket".to_owned(), |it| it.to_string())
                }
            };
            let listener = match listener {
                Listener::Address(address) => TcpListener::bind(address).await,
                Listener::Bound(bound) => Ok(bound),
            };
            let bound = listener.and_then(|listener| network.listen(listener, kind));
            let bound = bound.map_err(|error| StartError::Listen { address, error })?;
            listening.push((bound, kind));
        }
        Ok(Server { core, network, listening })
    }

    /// Puts together what is to stand beside others.
    pub(crate) async fn host(self, switchboard: Switchboard) -> Result<Host, StartError> {
        if !self.listeners.is_empty() {
            return Err(StartError::Listeners);
        }
        self.assemble(switchboard).await
    }

    async fn assemble(self, switchboard: Switchboard) -> Result<Host, StartError> {
        let domains = self.domains.into_iter().map(domain).collect::<Result<Vec<_>, _>>()?;
        let first = domains.first().cloned().ok_or(AssemblyError::NoDomain)?;
        let mut settings = Settings::new(first, self.store.unwrap_or_else(sestina_store::memory));
        settings.domains = domains;
        settings.accounts = self.accounts;
        settings.switchboard = switchboard;
        settings.authentication.tls = self.tls.is_some();
        for change in self.configure {
            change(&mut settings);
        }
        let mut assembly = Assembly::new(settings);
        for install in self.install {
            install(&mut assembly)?;
        }
        Ok(Host { core: assembly.build().await?, tls: self.tls, bounds: self.bounds })
    }
}

fn domain(name: String) -> Result<Jid, StartError> {
    match Jid::new(&name) {
        Ok(jid) if jid.is_domain() => Ok(jid),
        Ok(_) => Err(StartError::Domain { name, error: None }),
        Err(error) => Err(StartError::Domain { name, error: Some(error) }),
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("domains", &self.domains).finish_non_exhaustive()
    }
}
