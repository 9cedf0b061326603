//! What the driver knows about the connection a stream runs over.

use std::net::SocketAddr;

use sestina_sasl::{BindingType, Channel, ChannelBindings, Protection};

/// The connection below a stream: who is at the other end and what protects it.
///
/// # Examples
///
/// ```
/// use sestina_sasl::Protection;
/// use sestina_stream::Connection;
///
/// let peer = "192.0.2.7:40123".parse().unwrap();
/// let connection = Connection::new(Protection::Clear).with_peer(peer);
/// assert!(!connection.is_secure());
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    protection: Protection,
    peer: Option<SocketAddr>,
    bindings: ChannelBindings,
    certificate: Vec<String>,
}

impl Connection {
    /// A connection that is protected like this.
    pub fn new(protection: Protection) -> Self {
        Self {
            protection,
            peer: None,
            bindings: ChannelBindings::default(),
            certificate: Vec::new(),
        }
    }

    /// A connection inside this process, which is as private as one by TLS: nothing about it can be
    /// upgraded, and everything is offered.
    pub fn in_process() -> Self {
        Self::new(Protection::Tls)
    }

    /// Says where the client connects from; left out for connections without an address.
    #[must_use]
    pub fn with_peer(mut self, peer: SocketAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Adds channel-binding data of one type, in place of earlier data of that type.
    #[must_use]
    pub fn with_binding(mut self, binding: BindingType, data: Vec<u8>) -> Self {
        self.bindings.insert(binding, data);
        self
    }

    /// Adds the bare JIDs that a client certificate verified by TLS vouches for.
    #[must_use]
    pub fn with_certificate(mut self, jids: impl IntoIterator<Item = String>) -> Self {
        self.certificate.extend(jids);
        self
    }

    /// Takes back what a client certificate vouches for.
    #[must_use]
    pub fn without_certificate(mut self) -> Self {
        self.certificate.clear();
        self
    }

    /// Where the client connects from.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What stands between the connection and an eavesdropper.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    /// Whether TLS protects it.
    pub fn is_secure(&self) -> bool {
        self.protection == Protection::Tls
    }

    /// The channel-binding data the connection has.
    pub fn bindings(&self) -> &ChannelBindings {
        &self.bindings
    }

    /// The same connection as SASL mechanisms see it, once the stream header has named a domain.
    pub fn channel(&self, domain: &str) -> Channel {
        let mut channel =
            Channel::new(domain, self.protection).with_certificate(self.certificate.iter());
        for binding in self.bindings.types() {
            if let Some(data) = self.bindings.data(binding) {
                channel = channel.with_binding(binding, data.to_vec());
            }
        }
        channel
    }
}
