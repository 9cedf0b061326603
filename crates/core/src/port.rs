//! Ports of plugins: connections that speak a protocol of their own, and no XMPP.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{BoxFuture, Server, error::AssemblyError};

/// A stream of bytes in both directions: a socket, or what stands for one.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Duplex for T {}

/// A connection that has come in at a plugin's port.
#[non_exhaustive]
pub struct Incoming {
    /// What the peer says and hears. It is closed when this is dropped.
    pub io: Box<dyn Duplex>,
    /// Where the peer is, unless it is in this process.
    pub peer: Option<SocketAddr>,
}

impl Incoming {
    /// A connection.
    pub fn new(io: impl Duplex, peer: Option<SocketAddr>) -> Self {
        Self { io: Box::new(io), peer }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A method that serves a connection, from its first byte to its last.
#[diagnostic::on_unimplemented(
    message = "this serves no connection",
    label = "expected `async fn(&self, Incoming, &Server)`"
)]
pub trait Serves<'a, T>: Send + Sync {
    /// Runs the method.
    fn serve(
        &self,
        state: &'a T,
        incoming: Incoming,
        server: &'a Server,
    ) -> impl Future<Output = ()> + Send;
}

impl<'a, T, F, Fut> Serves<'a, T> for F
where
    T: 'a,
    F: Fn(&'a T, Incoming, &'a Server) -> Fut + Send + Sync,
    Fut: Future<Output = ()> + Send + 'a,
{
    fn serve(
        &self,
        state: &'a T,
        incoming: Incoming,
        server: &'a Server,
    ) -> impl Future<Output = ()> + Send {
        self(state, incoming, server)
    }
}

/// Serves what comes in at a port.
type Serving = Arc<dyn Fn(Incoming, Server) -> BoxFuture<'static, ()> + Send + Sync>;

/// The ports of all plugins, by name.
#[derive(Default)]
pub(crate) struct Ports(BTreeMap<&'static str, Port>);

struct Port {
    by: &'static str,
    serving: Serving,
    /// Where it is first listened for it.
    address: OnceLock<SocketAddr>,
}

impl Ports {
    pub(crate) fn open(
        &mut self,
        by: &'static str,
        name: &'static str,
        serving: Serving,
    ) -> Result<(), AssemblyError> {
        match self.0.insert(name, Port { by, serving, address: OnceLock::new() }) {
            None => Ok(()),
            Some(first) => Err(AssemblyError::ClaimedTwice {
                what: format!("the port {name}"),
                first: first.by,
                second: by,
            }),
        }
    }
}

impl Server {
    /// The names of the ports that plugins have, sorted.
    pub fn ports(&self) -> impl Iterator<Item = &'static str> {
        self.port_table().0.keys().copied()
    }

    /// Says that connections to this address are handed to a port; the first that is said of one is
    /// the one that its plugin tells others. `false` if there is no such port.
    pub fn note_port(&self, name: &str, address: SocketAddr) -> bool {
        let port = self.port_table().0.get(name);
        port.map(|port| port.address.set(address)).is_some()
    }

    /// Where whoever wants to connect to a port finds it, if it is listened for.
    #[must_use]
    pub fn port_address(&self, name: &str) -> Option<SocketAddr> {
        self.port_table().0.get(name)?.address.get().copied()
    }

    /// Serves a connection by the plugin that has the port, until either side ends it; dropped, it
    /// is cut off. `None` if there is no such port.
    pub fn serve_port(&self, name: &str, incoming: Incoming) -> Option<BoxFuture<'static, ()>> {
        let serving = &self.port_table().0.get(name)?.serving;
        Some(serving(incoming, self.clone()))
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, port)| (name, port.by))).finish()
    }
}
