//! A running server.

use std::{fmt, net::SocketAddr};

use sestina_core::Accounts;
use sestina_net::{Kind, Network};
use sestina_stanza::{Jid, StanzaError};

use crate::{Builder, StartError, builder::Host};

/// A server at work: the core that routes, and the network around it.
///
/// Several can run in one process, each with domains, plugins, clock and store of its own: apart from
/// each other, or on one network and as neighbours, where they are [added](Self::add). Dropped, it
/// cuts every connection; [`shut_down`](Self::shut_down) says goodbye first.
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

    /// Adds a server for further domains on the same listeners, with plugins, certificates, bounds and a
    /// store of its own; the two write to each other as servers do. Nobody who is connected notices.
    ///
    /// ```
    /// # use sestina::{Kind, Server};
    /// # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder("capulet.example").listen("127.0.0.1:0", Kind::StartTls).start().await?;
    /// let montague = server.add(Server::builder("montague.example")).await?;
    /// montague.accounts().create(&"romeo@montague.example".parse()?, "wherefore").await?;
    /// assert!(server.remove("montague.example").await?);
    /// # server.shut_down().await?;
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new()?.block_on(demo())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be put together, was given listeners, or one of its domains is served already.
    pub async fn add(&self, host: Builder) -> Result<sestina_core::Server, StartError> {
        let Host { core, tls, bounds } = host.host(self.core.switchboard().clone()).await?;
        self.network.add(core.clone(), tls, bounds)?;
        Ok(core)
    }

    /// Removes the server of a domain that was added: tells its clients `host-gone`, waits until they
    /// have gone or the bounds are reached, and closes its store. Says whether there was one; this
    /// server itself stays.
    ///
    /// # Errors
    ///
    /// When the store cannot be closed. What it has acknowledged is durable all the same.
    pub async fn remove(&self, domain: &str) -> Result<bool, sestina_store::StoreError> {
        match self.network.remove(domain).await {
            Some(gone) => gone.store().close().await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Binds a session for the host program, without a socket, at the server of its domain.
    ///
    /// # Errors
    ///
    /// `jid-malformed` where the address is not full or its domain is not served, and what binding
    /// can fail with.
    pub async fn attach(&self, jid: Jid) -> Result<sestina_core::Attached, StanzaError> {
        let serving = self.network.serving(jid.domain());
        serving.as_ref().unwrap_or(&self.core).attach(jid).await
    }

    /// Listens no more, tells every client that the server shuts down, waits until they have gone
    /// or the bounds are reached, and closes the store; so do all that were added.
    ///
    /// # Errors
    ///
    /// When a store cannot be closed. What it has acknowledged is durable all the same.
    pub async fn shut_down(self) -> Result<(), sestina_store::StoreError> {
        self.network.shut_down().await;
        let mut closed = Ok(());
        for server in self.network.servers() {
            closed = closed.and(server.store().close().await);
        }
        closed
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
