//! A client of few words, over a plain or a TLS socket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::daemon::PATIENCE;

/// A stream to a server, and what was read of it but not yet expected.
pub(crate) struct Client {
    io: Box<dyn Io>,
    read: String,
    domain: String,
}

trait Io: Read + Write {}

impl<T: Read + Write> Io for T {}

fn connect(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp
}

/// TLS that trusts one certificate.
pub(crate) fn trusting(trusted: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The same over a socket, which checks that the certificate is for a domain.
fn secure(
    tcp: TcpStream,
    domain: &str,
    trusted: &Path,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = domain.to_owned().try_into().unwrap();
    let connection = ClientConnection::new(trusting(trusted), name).unwrap();
    let mut tls = StreamOwned::new(connection, tcp);
    tls.conn.complete_io(&mut tls.sock).unwrap();
    tls
}

impl Client {
    /// Connects in the clear and takes up TLS.
    pub(crate) fn start_tls(address: SocketAddr, trusted: &Path) -> Self {
        Self::start_tls_at("localhost", address, trusted)
    }

    /// The same for a domain.
    pub(crate) fn start_tls_at(domain: &str, address: SocketAddr, trusted: &Path) -> Self {
        let mut tcp = connect(address);
        let mut clear = Self::over(tcp.try_clone().unwrap(), domain);
        clear.open();
        clear.expect("<starttls");
        clear.expect("</stream:features>");
        tcp.write_all(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").unwrap();
        clear.expect("<proceed");
        Self::over(secure(tcp, domain, trusted), domain)
    }

    /// Connects with TLS from the start.
    pub(crate) fn direct_tls(address: SocketAddr, trusted: &Path) -> Self {
        Self::over(secure(connect(address), "localhost", trusted), "localhost")
    }

    /// Connects in the clear, to speak to a domain.
    #[cfg(all(feature = "version", any(feature = "redb", feature = "sled")))]
    pub(crate) fn clear_at(domain: &str, address: SocketAddr) -> Self {
        Self::over(connect(address), domain)
    }

    /// Connects in the clear.
    pub(crate) fn clear(address: SocketAddr) -> Self {
        Self::over(connect(address), "localhost")
    }

    fn over(io: impl Io + 'static, domain: &str) -> Self {
        Self { io: Box::new(io), read: String::new(), domain: domain.to_owned() }
    }

    /// Opens a stream.
    pub(crate) fn open(&mut self) {
        self.send(&format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' \
             xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
            self.domain
        ));
    }

    /// Logs in and binds a resource; says whether the password was right.
    pub(crate) fn log_in(&mut self, name: &str, password: &str, resource: &str) -> bool {
        self.open();
        self.expect("</stream:features>");
        let message = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{message}</auth>"
        ));
        if !self.expect_either("<success", "<failure") {
            return false;
        }
        self.open();
        self.expect("</stream:features>");
        self.send(&format!(
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>{resource}</resource></bind></iq>"
        ));
        self.expect(&format!("<jid>{name}@{}/{resource}</jid>", self.domain));
        self.expect("</iq>");
        true
    }

    /// Sends XML.
    pub(crate) fn send(&mut self, xml: &str) {
        self.io.write_all(xml.as_bytes()).unwrap();
        self.io.flush().unwrap();
    }

    /// Reads until it has come.
    #[track_caller]
    pub(crate) fn expect(&mut self, part: &str) {
        self.expect_either(part, part);
    }

    /// Reads until it has come, and hands back what has come before.
    #[track_caller]
    pub(crate) fn read_through(&mut self, part: &str) -> String {
        loop {
            if let Some(at) = self.read.find(part) {
                return self.read.drain(..at + part.len()).collect();
            }
            assert!(self.read_more(), "the stream ended with {:?} before {part:?}", self.read);
        }
    }

    /// Reads until one of two has come; says whether it was the first.
    #[track_caller]
    fn expect_either(&mut self, first: &str, second: &str) -> bool {
        loop {
            let found = [first, second].map(|part| self.read.find(part).map(|at| at + part.len()));
            if let [Some(end), _] | [None, Some(end)] = found {
                self.read.drain(..end);
                return found[0].is_some();
            }
            assert!(self.read_more(), "the stream ended with {:?} before {first:?}", self.read);
        }
    }

    /// Reads until the server has closed the connection.
    pub(crate) fn read_to_end(&mut self) -> String {
        while self.read_more() {}
        std::mem::take(&mut self.read)
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.io.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.read.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("nothing came"),
            Err(_) => false,
        }
    }
}
