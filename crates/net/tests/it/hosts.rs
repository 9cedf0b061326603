//! Several servers on one network.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use rcgen::{OtherNameValue, SanType};
use rustls::{ClientConfig, pki_types::ServerName};
use sestina_core::{Assembly, AssemblyError, Guarded, Plugin, Spec};
use sestina_net::{AddError, Bounds, Io, Tls};
use sestina_testkit::{Client, Received, Scene, Stage};
use sestina_xml::Element;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::tls::{Authority, SASL, STARTTLS, far, mechanisms};

const JULIET: &str = "juliet@capulet.example/balcony";
const ROMEO: &str = "romeo@montague.example/orchard";

async fn stage(beside: Scene) -> Stage {
    Scene::new("capulet.example").beside(beside).build().await.unwrap()
}

fn header(to: Option<&str>) -> String {
    let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
    format!(
        "<?xml version='1.0'?><stream:stream{to} version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    )
}

/// Who answers a header, and the name of what comes next: of a condition where that is an error.
async fn answer(client: &mut Client, to: Option<&str>) -> (String, String) {
    client.restart();
    client.send(header(to)).await;
    let Received::Open(header) = client.next().await else { panic!("no stream") };
    let next = client.receive().await;
    let name = match next.name() {
        "error" => next.first_child().unwrap().name(),
        name => name,
    };
    (header.from().unwrap_or_default().to_owned(), name.to_owned())
}

fn is(from: &str, what: &str) -> (String, String) {
    (from.to_owned(), what.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_header_says_whose_a_stream_is() {
    let stage = stage(Scene::new("montague.example")).await;
    for (to, from, what) in [
        (Some("capulet.example"), "capulet.example", "features"),
        (Some("montague.example"), "montague.example", "features"),
        (Some("MONTAGUE.example"), "montague.example", "features"),
        (None, "capulet.example", "features"),
        (Some("verona.example"), "capulet.example", "host-unknown"),
        (Some("romeo@montague.example"), "montague.example", "host-unknown"),
        (Some("@"), "capulet.example", "host-unknown"),
    ] {
        assert_eq!(answer(&mut stage.connect(), to).await, is(from, what), "{to:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_has_its_own_accounts_and_sessions() {
    let stage = stage(Scene::new("montague.example")).await;
    let (mut juliet, mut romeo) = (stage.login(JULIET).await, stage.login(ROMEO).await);
    let montague = stage.network().serving("montague.example").unwrap();
    assert_eq!((stage.server().session_count(), montague.session_count()), (1, 1));
    let accounts = montague.accounts();
    assert!(accounts.exists(&"romeo@montague.example".parse().unwrap()).await);
    assert!(!stage.server().accounts().exists(&"romeo@montague.example".parse().unwrap()).await);
    // One account is not the other because they are called the same.
    let mut client = Client::new(stage.wire(None), "capulet.example");
    client.open().await;
    let token = sestina_sasl::encode_base64(b"\0romeo\0romeo");
    client.send(format!("<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>")).await;
    assert!(client.receive().await.is("failure", SASL));
    // Who has logged in at one goes on at that one.
    let mut client = stage.connect();
    client.open().await;
    stage.account(&JULIET.parse().unwrap()).await;
    client.authenticate("juliet", "juliet").await;
    assert_eq!(
        answer(&mut client, Some("montague.example")).await,
        is("capulet.example", "host-unknown")
    );
    romeo.send(format!("<message to='{JULIET}' id='1'/>")).await;
    assert_eq!(juliet.receive().await.attr("from"), Some(ROMEO));
}

/// Is there for as long as its server is.
struct Presence(Arc<()>);

impl Plugin for Presence {
    const NAME: &'static str = "presence";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.sender().guard(&self.0, |_, _, _| Guarded::Pass);
        Ok(())
    }
}

fn mark() -> (Presence, Weak<()>) {
    let there = Arc::new(());
    let mark = Arc::downgrade(&there);
    (Presence(there), mark)
}

fn condition(error: &Element) -> String {
    assert_eq!(error.name(), "error", "{error}");
    error.first_child().unwrap().name().to_owned()
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_takes_nobody_along_and_leaves_nothing() {
    let (presence, mark) = mark();
    let stage = stage(Scene::new("montague.example").plugin(presence)).await;
    let (mut juliet, mut romeo) = (stage.login(JULIET).await, stage.login(ROMEO).await);
    let mut stranger = stage.connect();
    assert_eq!(answer(&mut stranger, Some("montague.example")).await.1, "features");
    let mut undecided = stage.connect();
    romeo.send(format!("<message to='{JULIET}' id='1'/>")).await;
    stage.settle().await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();

    let farewells = async {
        assert_eq!(condition(&romeo.receive().await), "host-gone");
        assert_eq!(romeo.next().await, Received::Close);
        assert_eq!(condition(&stranger.receive().await), "host-gone");
        assert_eq!(stranger.next().await, Received::Close);
        drop((romeo, stranger));
    };
    let (gone, ()) = tokio::join!(stage.network().remove("montague.example"), farewells);
    let gone = gone.unwrap();
    assert_eq!(gone.session_count(), 0);
    gone.store().close().await.unwrap();
    drop(gone);
    stage.settle().await;
    assert!(mark.upgrade().is_none(), "something of the server is left");
    let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(left, tasks - 2, "one of a session, one of a negotiation");

    assert_eq!(juliet.receive().await.attr("id"), Some("1"));
    juliet.send(format!("<message to='{ROMEO}' id='2'/>")).await;
    let error = juliet.receive().await;
    assert!(error.to_string().contains("remote-server-not-found"), "{error}");
    let unknown = is("capulet.example", "host-unknown");
    assert_eq!(answer(&mut undecided, Some("montague.example")).await, unknown);
    assert!(stage.network().remove("montague.example").await.is_none());
    assert!(stage.network().remove("capulet.example").await.is_none(), "the first one stays");
    stage.login(JULIET).await;
}

/// Another server, to be added to a stage.
async fn another(stage: &Stage, domain: &str) -> sestina_core::Server {
    let board = stage.server().switchboard().clone();
    let mut settings =
        sestina_core::Settings::new(domain.parse().unwrap(), sestina_store::memory());
    settings.switchboard = board;
    Assembly::new(settings).build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_comes_while_the_others_run() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut juliet = stage.login(JULIET).await;
    juliet.send(format!("<message to='{ROMEO}' id='1'/>")).await;
    assert!(juliet.receive().await.to_string().contains("remote-server-not-found"));
    for _ in 0..3 {
        let montague = another(&stage, "montague.example").await;
        stage.network().add(montague, None, Bounds::default()).unwrap();
        let mut romeo = stage.login(ROMEO).await;
        juliet.send(format!("<message to='{ROMEO}' id='1'/>")).await;
        assert_eq!(romeo.receive().await.attr("from"), Some(JULIET));
        let (gone, ()) = tokio::join!(stage.network().remove("montague.example"), async {
            assert_eq!(condition(&romeo.receive().await), "host-gone");
            drop(romeo);
        });
        assert_eq!(gone.unwrap().session_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_added_changes_nothing() {
    let stage = stage(Scene::new("montague.example")).await;
    let again = Scene::new("montague.example").build().await.unwrap();
    let none = Bounds { connections: 0, ..Bounds::default() };
    let network = stage.network();
    let refused = network.add(again.server().clone(), None, none).unwrap_err();
    assert!(matches!(refused, AddError::Bounds(_)), "{refused}");
    let refused = network.add(again.server().clone(), None, Bounds::default()).unwrap_err();
    assert_eq!(refused.to_string(), "montague.example is served by another server");
    assert_eq!(network.servers().len(), 2);
    stage.login(ROMEO).await;
    network.shut_down().await;
    let late = Scene::new("verona.example").build().await.unwrap();
    let refused = network.add(late.server().clone(), None, Bounds::default()).unwrap_err();
    assert!(matches!(refused, AddError::ShuttingDown), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_is_cut_when_their_host_goes() {
    let stage = stage(Scene::new("montague.example")).await;
    let mut romeo = stage.login(ROMEO).await;
    let mut flood = stage.login("paris@montague.example/x").await;
    for _ in 0..100 {
        let message = format!("<message to='{ROMEO}'><body>{}</body></message>", "O".repeat(9_000));
        flood.send(message).await;
    }
    stage.settle().await;
    let start = stage.server().elapsed();
    let (gone, ()) = tokio::join!(stage.network().remove("montague.example"), async {
        while !matches!(flood.next().await, Received::Close | Received::End) {}
        drop(flood);
    });
    let took = stage.server().elapsed() - start;
    assert!(took < Duration::from_secs(20), "{took:?}");
    let gone = gone.unwrap();
    while !matches!(romeo.next().await, Received::End) {}
    stage.settle().await;
    assert_eq!(gone.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_has_its_share_of_the_connections() {
    let bounds = Bounds { connections: 2, per_address: 1, ..Bounds::default() };
    let stage = stage(Scene::new("montague.example").bounds(bounds)).await;
    let at = |peer: &str| stage.connect_from(format!("{peer}:40000").parse().unwrap());
    let (capulet, montague) = (Some("capulet.example"), Some("montague.example"));
    let mut first = at("192.0.2.1");
    assert_eq!(answer(&mut first, montague).await, is("montague.example", "features"));
    let crowded = is("capulet.example", "policy-violation");
    assert_eq!(answer(&mut at("192.0.2.1"), montague).await, crowded, "for its address");
    let mut second = at("192.0.2.2");
    assert_eq!(answer(&mut second, montague).await.1, "features");
    assert_eq!(answer(&mut at("192.0.2.3"), montague).await, crowded, "for the host");
    assert_eq!(answer(&mut at("192.0.2.1"), capulet).await, is("capulet.example", "features"));
    // A place that is free again is taken again.
    drop(first);
    stage.settle().await;
    assert_eq!(answer(&mut at("192.0.2.3"), montague).await.1, "features");
}

async fn handshake<I: Io>(
    io: I,
    name: &str,
    config: ClientConfig,
) -> std::io::Result<TlsStream<I>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, io).await
}

#[tokio::test(start_paused = true)]
async fn what_tls_was_for_the_stream_is_for() {
    let authority = Authority::new();
    let tls = |domain: &str| Tls::new(authority.server(domain).0).unwrap();
    let montague = Scene::new("montague.example").tls(tls("montague.example"));
    let scene = Scene::new("capulet.example").tls(tls("capulet.example")).beside(montague);
    let stage = scene.build().await.unwrap();
    for (to, from, what) in [
        ("montague.example", "montague.example", "features"),
        ("capulet.example", "montague.example", "host-unknown"),
    ] {
        let mut client = stage.connect_from(far());
        assert_eq!(answer(&mut client, Some("montague.example")).await.1, "features");
        client.send(STARTTLS).await;
        assert_eq!(client.receive().await.name(), "proceed");
        // Its own certificate is shown, or this would fail.
        let io = handshake(client.into_io(), "montague.example", authority.client()).await;
        let mut client = Client::new(io.unwrap(), "montague.example");
        assert_eq!(answer(&mut client, Some(to)).await, is(from, what));
    }
}

#[tokio::test]
async fn direct_tls_is_for_whom_it_names() {
    let authority = Authority::new();
    let tls = |domain: &str| Tls::new(authority.server(domain).0).unwrap();
    let montague = Scene::new("montague.example").tls(tls("montague.example"));
    // In the letters of its country, which TLS does not speak.
    let books = Scene::new("bücher.example").tls(tls("xn--bcher-kva.example"));
    let bare = Scene::new("mantua.example");
    let scene = Scene::new("capulet.example").tls(tls("capulet.example"));
    let stage = scene.beside(montague).beside(books).beside(bare).build().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = stage.network().listen(listener, sestina_net::Kind::DirectTls).unwrap();
    let connect = async |name: &str| {
        let io = tokio::net::TcpStream::connect(address).await.unwrap();
        handshake(io, name, authority.client()).await
    };
    for (name, to, from, what) in [
        ("capulet.example", Some("capulet.example"), "capulet.example", "features"),
        ("montague.example", Some("montague.example"), "montague.example", "features"),
        ("montague.example", None, "montague.example", "features"),
        ("montague.example", Some("capulet.example"), "montague.example", "host-unknown"),
        ("xn--bcher-kva.example", Some("bücher.example"), "bücher.example", "features"),
    ] {
        let mut client = Client::new(connect(name).await.unwrap(), "capulet.example");
        assert_eq!(answer(&mut client, to).await, is(from, what), "{name} {to:?}");
    }
    // Without a certificate of its own there is no TLS for it.
    assert!(connect("mantua.example").await.is_err());
}

#[tokio::test]
async fn who_vouches_for_clients_of_one_host_does_not_at_another() {
    let authority = Authority::new();
    let address = SanType::IpAddress("127.0.0.1".parse().unwrap());
    let (_, key, pem) = authority.sign(address);
    let identity = || {
        let key = key.serialize_pem();
        sestina_net::Identity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap()
    };
    let capulet = Tls::with_client_authorities(identity(), authority.pem().as_bytes()).unwrap();
    let montague = Scene::new("montague.example").tls(Tls::new(identity()).unwrap());
    let scene = Scene::new("capulet.example").tls(capulet).beside(montague);
    let stage = scene.build().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = stage.network().listen(listener, sestina_net::Kind::DirectTls).unwrap();
    for (domain, offered) in [("capulet.example", true), ("montague.example", false)] {
        let name = OtherNameValue::Utf8String(format!("romeo@{domain}"));
        let xmpp_addr = vec![1, 3, 6, 1, 5, 5, 7, 8, 5];
        let (der, key, _) = authority.sign(SanType::OtherName((xmpp_addr, name)));
        let io = tokio::net::TcpStream::connect(address).await.unwrap();
        // By an address, which is no name of a host.
        let io = handshake(io, "127.0.0.1", authority.config(Some((der, key)))).await.unwrap();
        let mut client = Client::new(io, domain);
        let mechanisms = mechanisms(&client.open().await);
        assert_eq!(mechanisms.contains(&"EXTERNAL".to_owned()), offered, "{mechanisms:?}");
    }
}
