//! The settings of the proxy for bytestreams, and where it is listened for it.

use std::{net::SocketAddr, time::Duration};

use sestina::{
    core::{Assembly, AssemblyError, Plugin, Spec},
    plugins::proxy65::{Bounds, Proxy65},
};

use crate::config::{Key, bounded, bytes, key};

/// The proxy as it is configured: the plugin knows no sockets.
#[derive(Clone, Debug)]
pub(super) struct Listened {
    pub(super) listen: Vec<SocketAddr>,
    /// Empty for the domain.
    host: String,
    /// Zero for the one that is listened on.
    port: u16,
    bounds: Bounds,
}

impl Default for Listened {
    fn default() -> Self {
        Self {
            listen: vec![([127, 0, 0, 1], 7777).into(), ([0, 0, 0, 0, 0, 0, 0, 1], 7777).into()],
            host: String::new(),
            port: 0,
            bounds: Bounds::default(),
        }
    }
}

impl Plugin for Listened {
    const NAME: &'static str = Proxy65::NAME;
    const SPECS: &'static [Spec] = Proxy65::SPECS;

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let Self { host, port, bounds, .. } = self;
        let host = Some(host).filter(|host| !host.is_empty());
        Proxy65 { host, port: Some(port).filter(|port| *port > 0), bounds }.install(to)
    }
}

pub(super) fn keys() -> Vec<Key<Listened>> {
    type It = Listened;
    let second = Duration::from_secs(1);
    vec![
        key("listen", "Where clients connect to it.", |it: &mut It| &mut it.listen),
        key(
            "host",
            "The host that clients are told to connect to, a name or an address; the domain where \
             nothing is said.",
            |it: &mut It| &mut it.host,
        ),
        key(
            "port",
            "The port that they are told, where it is another than the first that is listened on.",
            |it: &mut It| &mut it.port,
        ),
        bounded(
            "bounds.connections",
            "Connections at a time, two to a bytestream.",
            |it: &mut It| &mut it.bounds.connections,
            2,
            1_000_000,
        ),
        bounded(
            "bounds.streams",
            "Bytestreams that one account has at a time.",
            |it: &mut It| &mut it.bounds.streams,
            1,
            10_000,
        ),
        bounded(
            "bounds.handshake",
            "How long a connection may take to say what it wants.",
            |it: &mut It| &mut it.bounds.handshake,
            second,
            600 * second,
        ),
        bounded(
            "bounds.waiting",
            "How long it waits for its bytestream to be activated.",
            |it: &mut It| &mut it.bounds.waiting,
            second,
            3600 * second,
        ),
        bounded(
            "bounds.idle",
            "After so long without a byte a bytestream is cut off.",
            |it: &mut It| &mut it.bounds.idle,
            second,
            86_400 * second,
        ),
        bytes(
            "bounds.rate",
            "How much is carried in a second, in each direction of a bytestream; 0 for no bound.",
            |it: &mut It| &mut it.bounds.rate,
            0,
            1 << 40,
        ),
    ]
}
