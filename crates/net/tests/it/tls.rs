//! TLS: what is offered before it, what is lost in between, and what it proves afterwards.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, OtherNameValue, SanType,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use sestina_net::{Bounds, Identity, Io, Kind, Network, Tls};
use sestina_sasl::{decode_base64, encode_base64};
use sestina_testkit::{Client, Received, Scene, Stage};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
pub(crate) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// Who signs everybody's certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn sign(&self, name: SanType) -> (CertificateDer<'static>, KeyPair, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(name);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), key, certificate.pem())
    }

    pub(crate) fn server(&self, name: &str) -> (Identity, CertificateDer<'static>) {
        let (der, key, pem) = self.sign(SanType::DnsName(name.try_into().unwrap()));
        (Identity::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap(), der)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        self.config(None)
    }

    pub(crate) fn config(
        &self,
        certificate: Option<(CertificateDer<'static>, KeyPair)>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        }
    }
}

/// A client's address that is not of this machine.
pub(crate) fn far() -> SocketAddr {
    "192.0.2.1:40000".parse().unwrap()
}

fn scene(tls: Tls) -> Scene {
    Scene::new("capulet.example").account("romeo@capulet.example").tls(tls)
}

async fn handshake<I: Io>(io: I, config: ClientConfig) -> std::io::Result<TlsStream<I>> {
    let name = ServerName::try_from("capulet.example").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await
}

/// What a client learns from its side of TLS.
struct Secured {
    client: Client,
    exporter: Vec<u8>,
    certificate: CertificateDer<'static>,
}

fn learn(tls: &ClientConnection) -> (Vec<u8>, CertificateDer<'static>) {
    let label = b"EXPORTER-Channel-Binding";
    let exporter = tls.export_keying_material([0; 32], label, Some(b"")).unwrap();
    (exporter.to_vec(), tls.peer_certificates().unwrap()[0].clone())
}

async fn starttls(stage: &Stage, config: ClientConfig) -> Secured {
    let mut client = stage.connect_from(far());
    client.open().await;
    client.send(STARTTLS).await;
    assert_eq!(client.receive().await.name(), "proceed");
    let io = handshake(client.into_io(), config).await.unwrap();
    let (exporter, certificate) = learn(io.get_ref().1);
    Secured { client: Client::new(io, "capulet.example"), exporter, certificate }
}

pub(crate) fn mechanisms(features: &sestina_xml::Element) -> Vec<String> {
    let list = features.child("mechanisms", SASL);
    list.into_iter().flat_map(|it| it.children()).map(|it| it.text().into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn in_the_clear_from_afar_nothing_but_tls_is_offered() {
    let authority = Authority::new();
    let tls = Tls::new(authority.server("capulet.example").0).unwrap();
    let stage = scene(tls).build().await.unwrap();
    let mut romeo = stage.connect_from(far());
    let features = romeo.open().await;
    assert!(features.child("starttls", "urn:ietf:params:xml:ns:xmpp-tls").is_some());
    assert_eq!(features.children().count(), 1, "{features}");
    let token = encode_base64(b"\0romeo\0romeo");
    romeo.send(format!("<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>")).await;
    let failure = romeo.receive().await;
    assert!(failure.is("failure", SASL), "{failure}");
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn tls_may_be_required_of_this_machine_too() {
    let authority = Authority::new();
    let tls = Tls::new(authority.server("capulet.example").0).unwrap();
    let scene = scene(tls).settings(|settings| settings.authentication.require_tls = true);
    let stage = scene.build().await.unwrap();
    let mut romeo = stage.connect_from("127.0.0.1:40000".parse().unwrap());
    let features = romeo.open().await;
    let starttls = features.child("starttls", "urn:ietf:params:xml:ns:xmpp-tls").unwrap();
    assert!(starttls.child("required", "urn:ietf:params:xml:ns:xmpp-tls").is_some());
    assert_eq!(features.children().count(), 1, "{features}");
    let mut romeo = starttls_from(&stage, &authority).await;
    assert!(!mechanisms(&romeo.open().await).is_empty());
}

async fn starttls_from(stage: &Stage, authority: &Authority) -> Client {
    starttls(stage, authority.client()).await.client
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_behind_starttls_in_the_clear_is_forgotten() {
    let authority = Authority::new();
    let tls = Tls::new(authority.server("capulet.example").0).unwrap();
    let stage = scene(tls).build().await.unwrap();
    let mut romeo = stage.connect_from(far());
    romeo.open().await;
    let token = encode_base64(b"\0romeo\0romeo");
    let header = romeo.header();
    romeo
        .send(format!("{STARTTLS}{header}<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>"))
        .await;
    assert_eq!(romeo.receive().await.name(), "proceed");
    let io = handshake(romeo.into_io(), authority.client()).await.unwrap();
    let mut romeo = Client::new(io, "capulet.example");
    assert!(romeo.next_if_any().await.is_none());
    // The stream begins anew, with nobody logged in.
    assert!(!mechanisms(&romeo.open().await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_makes_no_sense_or_never_ends_harms_nobody() {
    let authority = Authority::new();
    let tls = Tls::new(authority.server("capulet.example").0).unwrap();
    let bounds = Bounds { authenticate: Duration::from_secs(5), ..Bounds::default() };
    let stage = scene(tls).bounds(bounds).build().await.unwrap();
    for nonsense in ["", "Hark!", "\u{16}\u{3}\u{1}\u{2}"] {
        let mut client = stage.connect_from(far());
        client.open().await;
        client.send(STARTTLS).await;
        assert_eq!(client.receive().await.name(), "proceed");
        let mut io = client.into_io();
        tokio::io::AsyncWriteExt::write_all(&mut io, nonsense.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut io, &mut rest);
        tokio::time::timeout(bounds.authenticate * 2, read).await.unwrap().unwrap();
        // At most an alert, and no XML in the clear.
        assert!(!rest.contains(&b'<'), "{rest:?}");
    }
    let mut romeo = starttls_from(&stage, &authority).await;
    romeo.login(&"romeo@capulet.example/orchard".parse().unwrap()).await;
}

/// Logs in by SCRAM-SHA-256-PLUS; hands back the server's last word.
async fn scram_plus(client: &mut Client, binding: &str, data: &[u8]) -> sestina_xml::Element {
    let offered = mechanisms(&client.open().await);
    assert!(offered.contains(&"SCRAM-SHA-256-PLUS".to_owned()), "{offered:?}");
    let gs2 = format!("p={binding},,");
    let bare = "n=romeo,r=fyko";
    let first = encode_base64(format!("{gs2}{bare}").as_bytes());
    client
        .send(format!("<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256-PLUS'>{first}</auth>"))
        .await;
    let challenge = client.receive().await;
    assert_eq!(challenge.name(), "challenge", "{challenge}");
    let challenge = String::from_utf8(decode_base64(&challenge.text()).unwrap()).unwrap();
    let field = |key: &str| challenge.split(',').find_map(|it| it.strip_prefix(key)).unwrap();
    let salt = decode_base64(field("s=")).unwrap();
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(b"romeo", &salt, field("i=").parse().unwrap(), &mut salted);
    let bound = encode_base64(&[gs2.as_bytes(), data].concat());
    let unproven = format!("c={bound},r={}", field("r="));
    let message = format!("{bare},{challenge},{unproven}");
    let client_key = hmac(&salted, b"Client Key");
    let signature = hmac(&Sha256::digest(&client_key), message.as_bytes());
    let proof: Vec<_> = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
    let last = encode_base64(format!("{unproven},p={}", encode_base64(&proof)).as_bytes());
    client.send(format!("<response xmlns='{SASL}'>{last}</response>")).await;
    let answer = client.receive().await;
    if answer.name() == "success" {
        let server_key = hmac(&salted, b"Server Key");
        let verifier = encode_base64(&hmac(&server_key, message.as_bytes()));
        let told = decode_base64(&answer.text()).unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), format!("v={verifier}"));
    }
    answer
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_login_is_bound_to_its_connection() {
    let authority = Authority::new();
    let tls = Tls::new(authority.server("capulet.example").0).unwrap();
    let stage = scene(tls).build().await.unwrap();
    let secured = async || starttls(&stage, authority.client()).await;

    let mut by_exporter = secured().await;
    let answer = scram_plus(&mut by_exporter.client, "tls-exporter", &by_exporter.exporter).await;
    assert_eq!(answer.name(), "success", "{answer}");

    let mut by_certificate = secured().await;
    let hash = Sha256::digest(&by_certificate.certificate);
    let answer = scram_plus(&mut by_certificate.client, "tls-server-end-point", &hash).await;
    assert_eq!(answer.name(), "success", "{answer}");

    // What was exported from another connection is that of somebody in between.
    let mut relayed = secured().await;
    let answer = scram_plus(&mut relayed.client, "tls-exporter", &by_exporter.exporter).await;
    assert_eq!(answer.first_child().unwrap().name(), "not-authorized", "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_logs_in_whom_it_names() {
    let authority = Authority::new();
    let root = authority.pem();
    let (identity, _) = authority.server("capulet.example");
    let tls = Tls::with_client_authorities(identity, root.as_bytes()).unwrap();
    let stage = scene(tls).build().await.unwrap();
    let xmpp_addr = vec![1, 3, 6, 1, 5, 5, 7, 8, 5];
    let named = |jid: &str| {
        let name = OtherNameValue::Utf8String(jid.to_owned());
        let (der, key, _) = authority.sign(SanType::OtherName((xmpp_addr.clone(), name)));
        authority.config(Some((der, key)))
    };
    for (jid, condition) in
        [("romeo@capulet.example", None), ("nobody@capulet.example", Some("not-authorized"))]
    {
        let mut client = starttls(&stage, named(jid)).await.client;
        let offered = mechanisms(&client.open().await);
        assert!(offered.contains(&"EXTERNAL".to_owned()), "{offered:?}");
        client.send(format!("<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")).await;
        let answer = client.receive().await;
        assert_eq!(answer.first_child().map(|it| it.name().to_owned()).as_deref(), condition);
    }
    // A certificate of another domain vouches for nobody here, and none is as good.
    for config in [named("romeo@montague.example"), authority.client()] {
        let mut client = starttls(&stage, config).await.client;
        let offered = mechanisms(&client.open().await);
        assert!(!offered.contains(&"EXTERNAL".to_owned()), "{offered:?}");
        assert!(offered.contains(&"PLAIN".to_owned()));
    }
}

#[tokio::test]
async fn direct_tls_serves_by_protocol_and_with_whatever_certificate_is_newest() {
    let authority = Authority::new();
    let (identity, first) = authority.server("capulet.example");
    let tls = Tls::new(identity).unwrap();
    let server = {
        let stage = scene(tls.clone()).build().await.unwrap();
        stage.server().clone()
    };
    let network = Network::new(server, Some(tls.clone()), Bounds::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = network.listen(listener, Kind::DirectTls).unwrap();
    let connect = async |protocol: &[u8]| {
        let mut config = authority.client();
        config.alpn_protocols = vec![protocol.to_vec()];
        handshake(TcpStream::connect(address).await.unwrap(), config).await
    };
    let io = connect(b"xmpp-client").await.unwrap();
    assert_eq!(io.get_ref().1.alpn_protocol(), Some(&b"xmpp-client"[..]));
    assert_eq!(learn(io.get_ref().1).1, first);
    let mut romeo = Client::new(io, "capulet.example");
    romeo.login(&"romeo@capulet.example/orchard".parse().unwrap()).await;
    // XEP-0368 §5: another protocol is not meant for this server.
    assert!(connect(b"h2").await.is_err());

    let (second, der) = authority.server("capulet.example");
    let (elsewhere, _) = authority.server("montague.example");
    tls.replace(elsewhere, [("capulet.example".to_owned(), second)]);
    let io = connect(b"xmpp-client").await.unwrap();
    assert_eq!(learn(io.get_ref().1).1, der);
    // Whoever was connected stays so.
    romeo.send("<message to='romeo@capulet.example/orchard'/>").await;
    assert_eq!(romeo.receive().await.name(), "message");
    network.shut_down().await;
    let error = romeo.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "system-shutdown");
    assert_eq!(romeo.next().await, Received::Close);
}

#[tokio::test]
async fn without_a_certificate_there_is_no_listener_for_tls() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = stage.network().listen(listener, Kind::DirectTls).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}
