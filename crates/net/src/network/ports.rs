//! The ports of plugins: connections that speak no XMPP.

use std::{io, net::SocketAddr, sync::Arc};

use sestina_core::Incoming;
use tokio::net::{TcpListener, TcpStream};

use super::{Network, PAUSE, Shared};
use crate::{
    hosts::{Host, Stay},
    quota::{Crowded, Place},
};

impl Network {
    /// Hands whoever connects to the port of a plugin of the server that has a domain, within the
    /// bounds on connections of both; hands back the address that is listened on. When the server
    /// goes, or the network shuts down, the connections are cut.
    ///
    /// # Errors
    ///
    /// When the socket has no address, or no plugin of that server has such a port.
    pub fn listen_port(
        &self,
        listener: TcpListener,
        domain: &str,
        port: &str,
    ) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let host = self.shared.hosts.of(domain);
        let Some(host) = host.filter(|host| host.server.note_port(port, address)) else {
            let why = format!("no plugin has a port {port} at {domain}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        };
        let listening = accept(self.shared.clone(), host, listener, port.into());
        self.listeners.add(address, listening);
        Ok(address)
    }
}

/// Accepts connections for as long as there is the server. Whoever is turned away is told nothing.
async fn accept(shared: Arc<Shared>, host: Arc<Host>, listener: TcpListener, port: Box<str>) {
    let mut ending = host.expect().ending;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ending.wait_for(Option::is_some) => return,
        };
        match accepted {
            Ok((tcp, peer)) => match admit(&shared, &host, peer) {
                Ok(admitted) => hand_over(&host, &port, tcp, peer, admitted),
                Err(crowded) => tracing::debug!(%peer, ?crowded, port, "turned away"),
            },
            Err(error) => {
                tracing::warn!(%error, port, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A place among all connections, and one among those of the server.
fn admit(shared: &Shared, host: &Host, peer: SocketAddr) -> Result<(Place, Stay), Crowded> {
    let place = shared.quota.take(peer.ip())?;
    Ok((place, host.admit(Some(peer.ip()))?))
}

/// Has the plugin serve a connection, until the server goes.
fn hand_over(
    host: &Host,
    port: &str,
    tcp: TcpStream,
    peer: SocketAddr,
    (place, mut stay): (Place, Stay),
) {
    let _best_effort = tcp.set_nodelay(true);
    let incoming = Incoming::new(tcp, Some(peer));
    let Some(served) = host.server.serve_port(port, incoming) else { return };
    host.carry(async move {
        tokio::select! {
            () = served => {}
            _ = stay.ending.wait_for(Option::is_some) => {}
        }
        drop((place, stay));
    });
}
