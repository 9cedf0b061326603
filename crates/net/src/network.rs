//! A server on the network: its listeners and connections, until they are shut down.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sestina_core::Server;
use sestina_stanza::{StreamCondition, StreamError};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{
    bounds::{Bounds, BoundsError},
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

/// A server's listeners and connections.
///
/// Dropped, it ends them all at once; [`shut_down`](Self::shut_down) says goodbye first.
pub struct Network {
    shared: Arc<Shared>,
    listeners: Mutex<JoinSet<()>>,
}

/// What every connection needs.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) tls: Option<Tls>,
    pub(crate) stopping: watch::Sender<bool>,
    quota: Arc<Quota>,
    connections: Mutex<JoinSet<()>>,
}

impl Network {
    /// A network without listeners.
    ///
    /// # Errors
    ///
    /// When nothing can be served within the bounds.
    pub fn new(server: Server, tls: Option<Tls>, bounds: Bounds) -> Result<Self, BoundsError> {
        bounds.check()?;
        let shared = Shared {
            server,
            quota: Arc::new(Quota::new(bounds.connections, bounds.per_address)),
            bounds: Arc::new(bounds),
            tls,
            stopping: watch::Sender::new(false),
            connections: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), listeners: Mutex::default() })
    }

    /// The server behind it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// How many connections of its listeners there are, bound or not. Those that were handed to
    /// [`serve`](Self::serve) are the host program's to count.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.quota.count()
    }

    /// Serves whoever connects; hands back the address that is listened on.
    ///
    /// # Errors
    ///
    /// When the socket has no address, or is for TLS where there is none.
    pub fn listen(&self, listener: TcpListener, kind: Kind) -> io::Result<SocketAddr> {
        if kind == Kind::DirectTls && self.shared.tls.is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no certificate for TLS"));
        }
        let address = listener.local_addr()?;
        self.listeners.lock().spawn(accept(self.shared.clone(), listener, kind));
        Ok(address)
    }

    /// Serves a connection that was made elsewhere: any stream of bytes.
    ///
    /// Without an address it counts as one of this process, and is as trusted as loopback.
    pub fn serve(&self, io: impl Io, peer: Option<SocketAddr>) {
        self.shared.clone().spawn(Transport::Other(Box::new(io)), Kind::StartTls, peer, None);
    }

    /// Listens no more, tells every peer that the server shuts down, and waits until they have
    /// gone or the bounds are reached.
    pub async fn shut_down(&self) {
        self.listeners.lock().abort_all();
        self.shared.stopping.send_replace(true);
        self.shared.server.shut_down().await;
        let mut connections = std::mem::take(&mut *self.shared.connections.lock());
        let closed = async { while connections.join_next().await.is_some() {} };
        let patience = self.shared.bounds.closing + Duration::from_secs(1);
        if tokio::time::timeout(patience, closed).await.is_err() {
            tracing::warn!("connections were still there at the end");
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.listeners.get_mut().abort_all();
        self.shared.stopping.send_replace(true);
        self.shared.connections.lock().abort_all();
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
        let shared = self.clone();
        let task = async move {
            // Boxed, so that a session's task is not as large as the negotiation before it.
            let open = Box::pin(Negotiation::new(shared, io, peer).run(kind)).await;
            if let Some(open) = open {
                open.serve().await;
            }
            drop(place);
        };
        let mut connections = self.connections.lock();
        while let Some(ended) = connections.try_join_next() {
            if ended.is_err_and(|error| error.is_panic()) {
                tracing::error!("a connection ended in a panic");
            }
        }
        connections.spawn(task);
    }

    /// Turns a connection away.
    fn refuse(&self, tcp: &TcpStream, kind: Kind) {
        if kind == Kind::DirectTls {
            return;
        }
        let error = StreamError::new(StreamCondition::PolicyViolation);
        let mut out = Vec::new();
        let from = self.server.domains().next().map_or("", |domain| domain.as_str());
        sestina_stream::write_refusal(from, &self.server.random_name(), &error, &mut out);
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
                tracing::debug!(%peer, "turned away: too many connections for {whose}");
                shared.refuse(&tcp, kind);
            }
        }
    }
}

/// How long a listener rests after a failure.
const PAUSE: Duration = Duration::from_millis(100);
