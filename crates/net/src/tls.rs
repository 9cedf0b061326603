//! TLS: certificates by name, replaced while running, and what ties a login to a connection.

use std::{collections::HashMap, fmt, io, net::SocketAddr, sync::Arc};

use parking_lot::RwLock;
use rustls::{
    ProtocolVersion, ServerConfig, ServerConnection,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use sestina_sasl::{BindingType, Protection};
use sestina_stream::Connection;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::certificate::{bare_jids, end_point};
use crate::transport::Io;

mod certificate;

/// How a server proves who it is: one identity for each domain, and one for everybody else.
///
/// Cheap to clone; [`replace`](Self::replace) takes effect for every later handshake.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    identities: Arc<Identities>,
}

/// Certificates and their key.
#[derive(Debug)]
pub struct Identity {
    key: Arc<CertifiedKey>,
}

/// Why certificates or keys cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// No identity was given.
    Empty,
    /// They cannot be read.
    Pem(rustls::pki_types::pem::Error),
    /// They do not fit together, or are of a kind that is not supported.
    Unusable(rustls::Error),
    /// The certificates of those that sign the clients' cannot be used.
    Authorities(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no certificate was given"),
            Self::Pem(error) => write!(f, "no PEM certificates and key: {error}"),
            Self::Unusable(error) => write!(f, "certificate and key cannot be used: {error}"),
            Self::Authorities(error) => {
                write!(f, "the clients' authorities cannot be used: {error}")
            }
        }
    }
}

impl std::error::Error for TlsError {}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Unusable(error)
    }
}

impl Identity {
    /// Reads a chain of certificates, the server's own first, and the key that belongs to it.
    ///
    /// # Errors
    ///
    /// When there are none, they cannot be read, or do not fit together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(TlsError::Pem)?;
        if chain.is_empty() {
            return Err(TlsError::Empty);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Pem)?;
        let key = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Self { key: Arc::new(key) })
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with one identity for every domain.
    ///
    /// # Errors
    ///
    /// When the library refuses its own defaults.
    pub fn new(identity: Identity) -> Result<Self, TlsError> {
        Self::build(identity, None)
    }

    /// The same, also asking clients for a certificate that one of these authorities has signed
    /// (XEP-0178). Clients without one log in by other means.
    ///
    /// # Errors
    ///
    /// When the authorities' certificates cannot be used.
    pub fn with_client_authorities(identity: Identity, pem: &[u8]) -> Result<Self, TlsError> {
        Self::build(identity, Some(pem))
    }

    fn build(identity: Identity, authorities: Option<&[u8]>) -> Result<Self, TlsError> {
        let provider = provider();
        let identities = Arc::new(Identities {
            served: RwLock::new(Served { otherwise: identity.key, by_name: HashMap::new() }),
        });
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match authorities {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for root in CertificateDer::pem_slice_iter(pem) {
                    roots.add(root.map_err(TlsError::Pem)?)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|error| TlsError::Authorities(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(identities.clone());
        // XEP-0368 §5. Clients that name no protocol are as welcome.
        config.alpn_protocols = vec![b"xmpp-client".to_vec()];
        // Tickets cost the client some bytes; sessions would cost the server memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), identities })
    }

    /// Replaces all identities: that for everybody, and those for domains by the name that clients
    /// ask for, which is in ASCII.
    pub fn replace(
        &self,
        otherwise: Identity,
        by_name: impl IntoIterator<Item = (String, Identity)>,
    ) {
        let by_name = by_name
            .into_iter()
            .map(|(name, it)| (name.to_ascii_lowercase().into(), it.key))
            .collect();
        *self.identities.served.write() = Served { otherwise: otherwise.key, by_name };
    }

    /// The same identities, which are replaced together, for another protocol over TLS, such as
    /// `http/1.1`.
    #[must_use]
    pub fn speaking(&self, protocol: &str) -> Self {
        let mut config = ServerConfig::clone(self.acceptor.config());
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), identities: self.identities.clone() }
    }

    /// Puts TLS on top of what a host program has accepted, and says what a login over it can be
    /// tied to.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    pub async fn accept<T: Io>(
        &self,
        io: T,
        peer: Option<SocketAddr>,
    ) -> io::Result<(TlsStream<T>, Connection)> {
        let io = self.acceptor.accept(io).await?;
        let connection = self.facts(io.get_ref().1).connection(peer);
        Ok((io, connection))
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// What a handshake has brought for authentication.
    pub(crate) fn facts(&self, tls: &ServerConnection) -> Facts {
        let mut bindings = Vec::new();
        // RFC 9266 §3 asks for extended master secrets in TLS 1.2, which cannot be asked about here.
        if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            let exported =
                tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""));
            if let Ok(exported) = exported {
                bindings.push((BindingType::TlsExporter, exported.to_vec()));
            }
        }
        let key = self.identities.served.read().of(tls.server_name());
        if let Some(hash) = key.cert.first().and_then(|certificate| end_point(certificate)) {
            bindings.push((BindingType::TlsServerEndPoint, hash));
        }
        let certificate = tls.peer_certificates().and_then(<[_]>::first);
        Facts { bindings, jids: certificate.map(|it| bare_jids(it)).unwrap_or_default() }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// What a handshake has brought.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) bindings: Vec<(BindingType, Vec<u8>)>,
    /// What the client's certificate vouches for.
    pub(crate) jids: Vec<String>,
}

impl Facts {
    /// The connection they were found on.
    pub(crate) fn connection(self, peer: Option<SocketAddr>) -> Connection {
        let mut connection = Connection::new(Protection::Tls).with_certificate(self.jids);
        if let Some(peer) = peer {
            connection = connection.with_peer(peer);
        }
        for (binding, data) in self.bindings {
            connection = connection.with_binding(binding, data);
        }
        connection
    }
}

struct Identities {
    served: RwLock<Served>,
}

struct Served {
    otherwise: Arc<CertifiedKey>,
    by_name: HashMap<Box<str>, Arc<CertifiedKey>>,
}

impl Served {
    fn of(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        name.and_then(|name| self.by_name.get(name)).unwrap_or(&self.otherwise).clone()
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.served.read().of(hello.server_name()))
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
