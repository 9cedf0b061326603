//! Whether the addresses are free, or answer as they should where the server runs.

use std::{
    fs,
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::finding::{Finding, Findings};
use crate::{
    certificate::ascii,
    config::Config,
    control::{ListenerKind, Listening},
};

/// How long a port has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than a server says before anybody has logged in.
const MOST: usize = 64 << 10;

pub(crate) fn look(config: &Config, running: Option<&[Listening]>, found: &mut Findings) {
    match running {
        Some(listening) => {
            for it in listening {
                answers(config, it, found);
            }
            missing(config, listening, found);
        }
        None => {
            for (kind, address, asked) in configured(config) {
                free(kind, address, asked, found);
            }
        }
    }
}

/// Everything that is to be listened on, and whether somebody has asked for it.
fn configured(config: &Config) -> Vec<(ListenerKind, SocketAddr, bool)> {
    let listen = &config.listen;
    let of = |kind, addresses: &[SocketAddr], asked| -> Vec<_> {
        addresses.iter().map(|address| (kind, *address, asked)).collect()
    };
    let all: Vec<Vec<_>> = Vec::from([
        of(ListenerKind::C2s, &listen.c2s, true),
        of(ListenerKind::C2sTls, &listen.c2s_tls, true),
        #[cfg(feature = "web")]
        of(ListenerKind::Web, &listen.web.value, listen.web.asked),
        #[cfg(feature = "web")]
        of(ListenerKind::WebTls, &listen.web_tls, true),
        #[cfg(feature = "console")]
        of(ListenerKind::Console, &listen.console, true),
        #[cfg(feature = "console")]
        of(ListenerKind::ConsoleTls, &listen.console_tls, true),
        #[cfg(feature = "proxy65")]
        of(ListenerKind::Proxy65, config.plugins.proxy65_listen(), true),
    ]);
    all.concat()
}

fn key(kind: ListenerKind) -> String {
    format!("listen.{}", kind.name())
}

/// No server runs: whatever is there is somebody else's.
fn free(kind: ListenerKind, address: SocketAddr, asked: bool, found: &mut Findings) {
    let Err(error) = TcpListener::bind(address) else {
        return found.good(key(kind), format!("{address} is free"));
    };
    let (what, mend) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("{address} is taken by another program"),
            format!("stop it (`ss -ltnp` names it), or choose another address for {}", key(kind)),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("this user may not listen on {address}"),
            "choose a port above 1023".to_owned(),
        ),
        io::ErrorKind::AddrNotAvailable => (
            format!("{address} is no address of this machine"),
            "choose one that `ip addr` shows, or 0.0.0.0 and [::] for all".to_owned(),
        ),
        _ => (format!("{address}: {error}"), "choose another address".to_owned()),
    };
    // The server leaves these out.
    let spared = !asked || (address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable);
    let finding =
        if spared { Finding::warning(key(kind), what) } else { Finding::wrong(key(kind), what) };
    found.add(finding.mend(mend));
}

/// What the file says, and the running server does not do.
fn missing(config: &Config, listening: &[Listening], found: &mut Findings) {
    for (kind, address, asked) in configured(config) {
        let open =
            |it: &Listening| it.kind == kind && (it.address == address || address.port() == 0);
        if asked && address.is_ipv4() && !listening.iter().any(open) {
            found.add(
                Finding::warning(
                    key(kind),
                    format!("the running server does not listen on {address}"),
                )
                .mend("run `sestinad reload`"),
            );
        }
    }
}

/// The server runs: its ports answer as it does.
fn answers(config: &Config, listening: &Listening, found: &mut Findings) {
    let Listening { address, kind } = *listening;
    let reached = SocketAddr::new(within(address.ip()), address.port());
    let name = config.domains.first().map_or("localhost", |domain| domain.0.as_str());
    let answered = match kind {
        ListenerKind::C2s => stream(reached, name),
        ListenerKind::Web | ListenerKind::Console => http(reached),
        ListenerKind::C2sTls | ListenerKind::WebTls | ListenerKind::ConsoleTls => {
            handshake(reached, name).map(|shown| {
                let stale = configured_certificate(config, name).is_some_and(|it| it != shown);
                if stale {
                    found.add(
                        Finding::warning(
                            "tls.certificate",
                            format!("{address} shows another certificate than the one in the file"),
                        )
                        .mend("run `sestinad reload`"),
                    );
                }
            })
        }
        ListenerKind::Proxy65 => TcpStream::connect_timeout(&reached, PATIENCE).map(drop),
    };
    match answered {
        Ok(()) => found.good(key(kind), format!("{address} answers")),
        Err(error) => found.add(
            Finding::wrong(key(kind), format!("{address} does not answer as it should: {error}"))
                .mend("see what its log says, and whether a firewall stands before it"),
        ),
    }
}

/// Where this machine reaches an address that it listens on.
fn within(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(it) if it.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(it) if it.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Whether somebody speaks XMPP there, as far as its first words.
fn stream(address: SocketAddr, domain: &str) -> io::Result<()> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    says(address, &header, "<stream:features>")
}

fn http(address: SocketAddr) -> io::Result<()> {
    says(address, "HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "HTTP/1.1 ")
}

/// Says something, and reads until an answer has come.
fn says(address: SocketAddr, said: &str, expected: &str) -> io::Result<()> {
    let mut socket = connect(address)?;
    socket.write_all(said.as_bytes())?;
    let (mut heard, begun) = (Vec::new(), begun());
    let mut piece = [0; 4096];
    while heard.len() < MOST && begun.elapsed() < PATIENCE {
        let read = socket.read(&mut piece)?;
        if read == 0 {
            break;
        }
        heard.extend_from_slice(piece.get(..read).unwrap_or_default());
        if String::from_utf8_lossy(&heard).contains(expected) {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it says something else"))
}

#[allow(
    clippy::disallowed_methods,
    reason = "a port has so long to answer, whatever a server's clock"
)]
fn begun() -> Instant {
    Instant::now()
}

/// Takes up TLS, and hands back the certificate that was shown.
fn handshake(address: SocketAddr, domain: &str) -> io::Result<CertificateDer<'static>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ascii(domain).unwrap_or_else(|_| domain.to_owned());
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(connection, connect(address)?);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    let shown = tls.conn.peer_certificates().and_then(<[_]>::first).cloned();
    shown.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it shows no certificate"))
}

/// The certificate that is to be shown for a domain.
fn configured_certificate(config: &Config, domain: &str) -> Option<CertificateDer<'static>> {
    let own = config.tls.domains.get(domain).map(|files| files.certificate.clone());
    let path: PathBuf = own
        .or_else(|| config.tls.certificate.clone())
        .unwrap_or_else(|| config.data.join("tls/self-made.crt"));
    CertificateDer::pem_slice_iter(&fs::read(path).ok()?).next()?.ok()
}

/// Takes whatever certificate is shown, as long as whoever shows it has its key: it is this
/// machine's, and is looked at elsewhere.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{
        super::finding::{Severity, tests::found},
        *,
    };

    fn config(c2s: &str) -> Config {
        let mut config = Config::default();
        config.listen.c2s = vec![c2s.parse().unwrap()];
        config.listen.c2s_tls = Vec::new();
        #[cfg(feature = "web")]
        config.listen.web.value.clear();
        config
    }

    #[test]
    fn what_nobody_has_is_free() {
        let told = |address: &str| found(|found| look(&config(address), None, found)).remove(0);
        assert_eq!(told("127.0.0.1:0").0, Severity::Good);
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = told(&held.local_addr().unwrap().to_string());
        assert!(taken.0 == Severity::Wrong && taken.1.contains("another program"), "{taken:?}");
        let strange = told("192.0.2.1:0");
        assert!(strange.0 == Severity::Wrong && strange.1.contains("no address"), "{strange:?}");
        #[cfg(feature = "web")]
        {
            let mut config = config("127.0.0.1:0");
            config.listen.web.value = vec![held.local_addr().unwrap()];
            let told = found(|found| look(&config, None, found));
            assert_eq!(told[1].0, Severity::Warning, "nobody has asked for it");
        }
    }

    /// Somebody who says one thing to whoever connects.
    fn says(words: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let mut heard = [0; 4096];
                let _gone = socket.read(&mut heard);
                let _gone = socket.write_all(words.as_bytes());
            }
        });
        address
    }

    fn told(kind: ListenerKind, address: SocketAddr) -> (Severity, String) {
        let config = config(&address.to_string());
        let listening = [Listening { address, kind }];
        found(|found| look(&config, Some(&listening), found)).remove(0)
    }

    #[test]
    fn what_runs_must_answer() {
        let good = says("<stream:stream><stream:features><starttls/></stream:features>");
        assert_eq!(told(ListenerKind::C2s, good).0, Severity::Good);
        let other = says("220 mail.example ESMTP\r\n");
        for kind in [ListenerKind::C2s, ListenerKind::C2sTls] {
            let (severity, what) = told(kind, other);
            assert!(severity == Severity::Wrong && what.contains("does not answer"), "{what}");
        }
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(told(ListenerKind::C2s, gone).0, Severity::Wrong);
        let config = config("192.0.2.7:5222");
        let missing = found(|found| look(&config, Some(&[]), found));
        assert!(missing[0].1.contains("does not listen on 192.0.2.7:5222"), "{missing:?}");
    }

    #[test]
    fn the_certificate_that_is_shown_is_the_one_in_the_file() {
        let files = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let server = Arc::new(server);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let mut tls = rustls::ServerConnection::new(server.clone()).unwrap();
                let _gone = tls.complete_io(&mut socket);
            }
        });
        let mut config = config("127.0.0.1:0");
        let listening = [Listening { address, kind: ListenerKind::C2sTls }];
        config.tls.certificate = Some(files.path().join("a.crt"));
        fs::write(files.path().join("a.crt"), made.cert.pem()).unwrap();
        let good = found(|found| answers(&config, &listening[0], found));
        assert!(matches!(&*good, [(Severity::Good, _)]), "{good:?}");
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(files.path().join("a.crt"), other.cert.pem()).unwrap();
        let stale = found(|found| answers(&config, &listening[0], found));
        assert!(stale[0].1.contains("another certificate"), "{stale:?}");
    }
}
