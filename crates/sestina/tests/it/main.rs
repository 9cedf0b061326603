//! The builder, and what it makes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[cfg(all(feature = "administration", feature = "commands", feature = "disco"))]
mod administration;
#[cfg(all(feature = "directory", feature = "vcard"))]
mod by_card;
#[cfg(all(feature = "commands", feature = "disco"))]
mod commands;
#[cfg(all(feature = "blocking", feature = "carbons", feature = "offline", feature = "privacy"))]
mod copies;
#[cfg(all(feature = "offline", feature = "roster"))]
mod delivery;
#[cfg(all(feature = "filter", feature = "offline", feature = "roster"))]
mod filtered;
#[cfg(all(feature = "anonymous", feature = "disco"))]
mod guests;
mod hosts;
#[cfg(all(feature = "blocking", feature = "privacy", feature = "roster"))]
mod lists;
#[cfg(all(
    feature = "blocking",
    feature = "disco",
    feature = "offline",
    feature = "roster",
    feature = "vcard"
))]
mod neighbours;
#[cfg(all(feature = "iq-auth", feature = "register", feature = "roster"))]
mod old_clients;
#[cfg(all(feature = "roster", feature = "vcard"))]
mod photos;
#[cfg(all(
    feature = "amp",
    feature = "disco",
    feature = "offline",
    feature = "roster",
    feature = "vacation"
))]
mod rules;
#[cfg(all(feature = "delay-legacy", feature = "offline"))]
mod stamped;
#[cfg(all(feature = "blocking", feature = "offline", feature = "roster"))]
mod together;

use std::net::SocketAddr;

use sestina::{
    Jid, Kind, Plugin, Server, Stanza, StartError,
    core::{Assembly, AssemblyError, Spec},
    stanza::MessageType,
    store::Store,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const HEADER: &[u8] = b"<stream:stream to='capulet.example' version='1.0' xmlns='jabber:client' \
                        xmlns:stream='http://etherx.jabber.org/streams'>";

async fn features(address: SocketAddr) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(HEADER).await.unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("</stream:features>") {
        assert_ne!(tcp.read_buf(&mut read).await.unwrap(), 0, "the stream ended early");
    }
    String::from_utf8(read).unwrap()
}

async fn error(builder: sestina::Builder) -> String {
    builder.start().await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_no_domain_is_told() {
    let told = error(Server::builder("juliet@capulet.example")).await;
    assert!(told.contains("juliet@capulet.example") && told.contains("within one"), "{told}");
    let told = error(Server::builder("capulet.example").domain("a b")).await;
    assert!(told.contains("\"a b\" is no domain"), "{told}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = held.local_addr().unwrap().to_string();
    let told = error(Server::builder("a.example").listen(&address, Kind::StartTls)).await;
    assert!(told.contains(&address), "{told}");
}

#[tokio::test]
async fn direct_tls_needs_a_certificate() {
    let started = Server::builder("a.example").listen("127.0.0.1:0", Kind::DirectTls).start().await;
    assert!(matches!(started, Err(StartError::Listen { .. })));
}

#[tokio::test]
async fn several_servers_live_in_one_process() {
    let start = |domain| Server::builder(domain).listen("127.0.0.1:0", Kind::StartTls).start();
    let (capulet, montague) =
        (start("capulet.example").await.unwrap(), start("montague.example").await.unwrap());
    assert!(features(capulet.listening()[0].0).await.contains("from='capulet.example'"));
    let juliet: Jid = "juliet@capulet.example".parse().unwrap();
    capulet.accounts().create(&juliet, "wherefore").await.unwrap();
    assert!(capulet.accounts().exists(&juliet).await);
    assert!(!montague.accounts().exists(&juliet).await);
    capulet.shut_down().await.unwrap();
    montague.attach("romeo@montague.example/orchard".parse().unwrap()).await.unwrap();
}

#[tokio::test]
async fn sockets_opened_elsewhere_are_served_and_closed_on_shutdown() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let server =
        Server::builder("capulet.example").listener(socket, Kind::StartTls).start().await.unwrap();
    assert_eq!(server.listening(), [(address, Kind::StartTls)]);
    let offered = features(address).await;
    assert!(!offered.contains("starttls"), "there is no certificate to offer it with: {offered}");
    server.shut_down().await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

/// Takes one setting only.
#[derive(Debug)]
struct Picky;

impl Plugin for Picky {
    const NAME: &'static str = "picky";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        match to.settings().bounds.sessions_per_account {
            1 => Ok(()),
            _ => Err(to.bad_setting("sessions", "one")),
        }
    }
}

#[tokio::test]
async fn plugins_see_the_settings_and_can_refuse_them() {
    let told = error(Server::builder("a.example").plugin(Picky)).await;
    assert!(told.contains("picky: sessions must be one"), "{told}");
    let one = || {
        Server::builder("a.example")
            .configure(|settings| settings.bounds.sessions_per_account = 1)
            .plugin(Picky)
    };
    let server = one().start().await.unwrap();
    assert_eq!(server.core().plugins()[0].name, "picky");
    let told = error(one().plugin(Picky)).await;
    assert!(told.contains("picky is assembled twice"), "{told}");
}

#[tokio::test]
async fn every_domain_is_served_over_the_one_store() {
    let store: Store = sestina::store::memory();
    let server =
        Server::builder("a.example").domain("b.example").store(store).start().await.unwrap();
    let mut juliet = server.attach("juliet@a.example/balcony".parse().unwrap()).await.unwrap();
    let romeo = server.attach("romeo@b.example/orchard".parse().unwrap()).await.unwrap();
    let hark = Stanza::message(MessageType::Chat).to(juliet.jid().clone()).body("Hark!").build();
    romeo.send(hark).await.unwrap();
    assert_eq!(juliet.receive().await.unwrap().body().as_deref(), Some("Hark!"));
}
