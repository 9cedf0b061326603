//! A running server.

use std::{fmt, net::SocketAddr};

use sestina_core::Accounts;
use sestina_net::{Kind, Network};
use sestina_stanza::{Jid, StanzaError};

use crate::Builder;

/// A server at work: the core that routes, and the network around it.
///
/// Several can run in one process, each with domains, plugins, clock and store of its own. Dropped,
/// it cuts every connection; [`shut_down`](Self::shut_down) says goodbye first.
pub struct Server {
    pub(crate) core: sestina_core::Server,
    pub(crate) network: Network,
    pub(crate) listening: Vec<(SocketAddr, Kind)>,
}

impl Server {
    /// Begins a server for a domain.
    pub fn builder(domain: impl Into<String>) -> Builder {
        Builder::new(domain)
    }

    /// The core: sessions, routing, events. It is cheap to clone.
    #[must_use]
    pub fn core(&self) -> &sestina_core::Server {
        &self.core
    }

    /// The connections, for those that were accepted elsewhere.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The accounts, to make and change them.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        self.core.accounts()
    }

    /// The addresses that are listened on, in the order in which they were named.
    #[must_use]
    pub fn listening(&self) -> &[(SocketAddr, Kind)] {
        &self.listening
    }

    /// Binds a session for the host program, without a socket.
    ///
    /// # Errors
    ///
    /// `jid-malformed` where the address is not full or its domain is not served, and what binding
    /// can fail with.
    pub async fn attach(&self, jid: Jid) -> Result<sestina_core::Attached, StanzaError> {
        self.core.attach(jid).await
    }

    /// Listens no more, tells every client that the server shuts down, waits until they have gone
    /// or the bounds are reached, and closes the store.
    ///
    /// # Errors
    ///
    /// When the store cannot be closed. What it has acknowledged is durable all the same.
    pub async fn shut_down(self) -> Result<(), sestina_store::StoreError> {
        self.network.shut_down().await;
        self.core.store().close().await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("core", &self.core)
            .field("listening", &self.listening)
            .finish_non_exhaustive()
    }
}
