//! Servers on the network: their listeners and connections, until they are shut down.

mod ports;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sestina_core::{Seen, Server, caught_later};
use sestina_stanza::{Jid, StreamCondition, StreamError};
use sestina_stream::{Connection, Form};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tracing::Instrument;

use crate::{
    bounds::{Bounds, BoundsError},
    framing::{Framing, Layout},
    hosts::{Host, Hosts, bury},
    listeners::Listeners,
    negotiate::Negotiation,
    quota::{Crowded, Place, Quota},
    tls::Tls,
    transport::{Io, Transport},
};

/// How connections begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// In the clear, with TLS on offer where the server has any (RFC 6120 §5).
    StartTls,
    /// With TLS from the first byte (XEP-0368).
    DirectTls,
}

impl Kind {
    /// Its name in logs and figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::DirectTls => "direct-tls",
        }
    }
}

/// Listeners, their connections, and the servers that these are for.
///
/// A stream belongs to the server that has the domain its header names; one that names none, to the
/// first server. Over [`Kind::DirectTls`] the name that the client gives to TLS goes before, and a
/// header that contradicts it, or what TLS was begun for, is refused with `host-unknown` like that of
/// a domain of nobody. The choice is made once, before anything is authenticated.
///
/// Dropped, it ends them all at once; [`shut_down`](Self::shut_down) says goodbye first.
pub struct Network {
    shared: Arc<Shared>,
    listeners: Listeners,
}

/// The way into a [`Network`] for connections that are made elsewhere and carry messages: they
/// have the same bounds as those of its listeners, are counted with them and shut down with them.
#[derive(Clone)]
pub struct Door {
    shared: Arc<Shared>,
}

impl Door {
    /// The first server behind it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.hosts.first().server
    }

    /// The bounds of connections of which nobody knows yet whose they are.
    #[must_use]
    pub fn bounds(&self) -> Arc<Bounds> {
        self.shared.hosts.first().bounds()
    }

    /// Whether a server behind it serves this domain.
    #[must_use]
    pub fn serves(&self, domain: &str) -> bool {
        self.shared.hosts.of(domain).is_some() || self.shared.hosts.named(domain).is_some()
    }

    /// Takes a place for a connection.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn take_place(&self, connection: &Connection) -> Result<Place, Crowded> {
        match connection.peer() {
            Some(peer) => self.shared.quota.take(peer.ip()),
            None => self.shared.quota.take_unnamed(),
        }
    }

    /// Serves a connection in its place, beginning with what was `read` of it already.
    pub fn serve(
        &self,
        place: Place,
        io: impl Io,
        framing: impl Framing,
        connection: Connection,
        read: &[u8],
    ) {
        let layout = Layout::messages(framing, self.bounds().unauthenticated);
        let (shared, io) = (self.shared.clone(), Transport::Other(Box::new(io)));
        let negotiation = Negotiation::over(shared, io, layout, connection, Some(place), MESSAGES);
        self.shared.negotiate(negotiation.after(read), Kind::StartTls);
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("server", self.server()).finish_non_exhaustive()
    }
}

/// What connections that carry messages are called in logs and figures.
const MESSAGES: &str = "messages";

/// What every connection needs.
pub(crate) struct Shared {
    pub(crate) hosts: Hosts,
    quota: Arc<Quota>,
    /// Those that have not come to a session; those that have are their hosts'.
    negotiations: Mutex<JoinSet<()>>,
}

/// Why a server cannot be added to a network.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddError {
    /// Nothing can be served within the bounds.
    Bounds(BoundsError),
    /// Another server of the network serves this domain.
    Served(Jid),
    /// The network is shut down.
    ShuttingDown,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bounds(error) => error.fmt(f),
            Self::Served(domain) => write!(f, "{domain} is served by another server"),
            Self::ShuttingDown => f.write_str("the network shuts down"),
        }
    }
}

impl std::error::Error for AddError {}

impl From<BoundsError> for AddError {
    fn from(error: BoundsError) -> Self {
        Self::Bounds(error)
    }
}

impl Network {
    /// A network without listeners, and its first server, which stays as long as the network does.
    ///
    /// The bounds hold for this server's streams, as those of any host do; and for those of which
    /// nobody knows yet whose they are, and for all connections together, those of the network:
    /// `authenticate`, `connections`, `per_address` and `unauthenticated`.
    ///
    /// # Errors
    ///
    /// When nothing can be served within the bounds.
    pub fn new(server: Server, tls: Option<Tls>, bounds: Bounds) -> Result<Self, BoundsError> {
        bounds.check()?;
        let shared = Shared {
            quota: Arc::new(Quota::new(bounds.connections, bounds.per_address)),
            hosts: Hosts::new(Host::new(server, tls, bounds)),
            negotiations: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), listeners: Listeners::default() })
    }

    /// Serves the streams of a further server, with certificates and bounds of its own. Of the
    /// bounds, `connections` and `per_address` are its share of the network's; those on what nobody
    /// has authenticated for, `authenticate` and `unauthenticated`, are the network's for everybody.
    ///
    /// It is a neighbour of the others if they share a [`Switchboard`](sestina_core::Switchboard).
    ///
    /// # Errors
    ///
    /// When nothing can be served within the bounds, another server has one of its domains, or the
    /// network shuts down.
    pub fn add(&self, server: Server, tls: Option<Tls>, bounds: Bounds) -> Result<(), AddError> {
        bounds.check()?;
        self.shared.hosts.add(&Host::new(server, tls, bounds))
    }

    /// Takes the server of a domain off the network, with all of its domains, and hands it back: its
    /// peers are told `host-gone`, and waited for until they have gone or its bounds are reached.
    /// Nobody else notices. What the server has stored is its owner's to close.
    ///
    /// Nothing is removed where nobody serves the domain, or the first server does.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped has taken the server off, and cuts its sessions.
    pub async fn remove(&self, domain: &str) -> Option<Server> {
        let host = self.shared.hosts.remove(domain)?;
        host.end(StreamCondition::HostGone).await;
        Some(host.server.clone())
    }

    /// The first server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.hosts.first().server
    }

    /// All servers, the first one first.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        self.shared.hosts.all().iter().map(|host| host.server.clone()).collect()
    }

    /// The server of a domain.
    #[must_use]
    pub fn serving(&self, domain: &str) -> Option<Server> {
        self.shared.hosts.of(domain).map(|host| host.server.clone())
    }

    /// How many connections of its listeners there are, bound or not. Those that were handed to
    /// [`serve`](Self::serve) are the host program's to count.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.quota.count()
    }

    /// Has the server of a domain go on within other bounds, and the network, if it is the first; says
    /// whether there is one. How many there may be goes for whoever connects from here on, and so do
    /// times and limits: connections that there are keep theirs, and stay.
    ///
    /// # Errors
    ///
    /// When nothing can be served within them; then nothing has changed.
    pub fn set_bounds(&self, domain: &str, bounds: Bounds) -> Result<bool, BoundsError> {
        bounds.check()?;
        let Some(host) = self.shared.hosts.of(domain) else { return Ok(false) };
        if Arc::ptr_eq(&host, self.shared.hosts.first()) {
            self.shared.quota.set(bounds.connections, bounds.per_address);
        }
        host.set_bounds(bounds);
        Ok(true)
    }

    /// Serves whoever connects; hands back the address that is listened on.
    ///
    /// # Errors
    ///
    /// When the socket has no address, or is for TLS where no server has any.
    pub fn listen(&self, listener: TcpListener, kind: Kind) -> io::Result<SocketAddr> {
        let secure = || self.shared.hosts.all().iter().any(|host| host.tls.is_some());
        if kind == Kind::DirectTls && !secure() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no certificate for TLS"));
        }
        let address = listener.local_addr()?;
        self.listeners.add(address, accept(self.shared.clone(), listener, kind));
        Ok(address)
    }

    /// Listens no more at an address; who has connected there stays. Says whether it was listened on.
    ///
    /// The address can be taken by others once this has returned.
    pub async fn stop_listening(&self, address: SocketAddr) -> bool {
        self.listeners.stop(address).await
    }

    /// Serves a connection that was made elsewhere: any stream of bytes.
    ///
    /// Without an address it counts as one of this process, and is as trusted as loopback.
    pub fn serve(&self, io: impl Io, peer: Option<SocketAddr>) {
        self.shared.clone().spawn(Transport::Other(Box::new(io)), Kind::StartTls, peer, None);
    }

    /// The way in for connections that are made elsewhere and carry messages, as a WebSocket does.
    #[must_use]
    pub fn door(&self) -> Door {
        Door { shared: self.shared.clone() }
    }

    /// Listens no more, tells every peer that the server shuts down, and waits until they have
    /// gone or the bounds are reached.
    pub async fn shut_down(&self) {
        self.listeners.stop_all();
        let mut ends = JoinSet::new();
        for host in self.shared.hosts.close() {
            ends.spawn(async move { host.end(StreamCondition::SystemShutdown).await });
        }
        while ends.join_next().await.is_some() {}
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.listeners.stop_all();
        self.shared.negotiations.lock().abort_all();
        for host in self.shared.hosts.close() {
            host.cut();
        }
    }
}

impl Shared {
    fn spawn(
        self: Arc<Self>,
        io: Transport,
        kind: Kind,
        peer: Option<SocketAddr>,
        place: Option<Place>,
    ) {
        self.negotiate(Negotiation::new(self.clone(), io, peer, place, kind), kind);
    }

    fn negotiate(&self, negotiation: Negotiation, kind: Kind) {
        let server = self.hosts.first().server.clone();
        let span = negotiation.span();
        let negotiation = caught_later(negotiation.run(kind).instrument(span));
        let mut negotiations = self.negotiations.lock();
        bury(&mut negotiations);
        negotiations.spawn(async move {
            if let Err(panicked) = negotiation.await {
                server.note_panic(panicked);
            }
        });
    }

    /// Turns a connection away.
    fn refuse(&self, tcp: &TcpStream, kind: Kind) {
        if kind == Kind::DirectTls {
            return;
        }
        let error = StreamError::new(StreamCondition::PolicyViolation);
        let mut out = Vec::new();
        let server = &self.hosts.first().server;
        let from = server.domains().next().map_or("", |domain| domain.as_str());
        Form::Document.write_refusal(from, &server.random_name(), &error, &mut out);
        // What does not fit into a new socket's buffer is not worth waiting for.
        let _sent = tcp.try_write(&out);
    }
}

/// Accepts connections for as long as there is a server.
async fn accept(shared: Arc<Shared>, listener: TcpListener, kind: Kind) {
    loop {
        let (tcp, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or of something else that will come back; or the peer went
                // away again.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        match shared.quota.take(peer.ip()) {
            Ok(place) => {
                let _best_effort = tcp.set_nodelay(true);
                shared.clone().spawn(Transport::Tcp(tcp), kind, Some(peer), Some(place));
            }
            Err(crowded) => {
                let whose = if crowded == Crowded::Address { "its address" } else { "the server" };
                let bound = match crowded {
                    Crowded::Address => "connection.per-address",
                    Crowded::Server => "connection.total",
                };
                shared.hosts.first().server.see(Seen::Bounded { bound });
                tracing::debug!(%peer, "turned away: too many connections for {whose}");
                shared.refuse(&tcp, kind);
            }
        }
    }
}

/// How long a listener rests after a failure.
const PAUSE: Duration = Duration::from_millis(100);
