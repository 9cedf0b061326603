//! The proxy as clients meet it, at its port and by stanzas.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use sestina_core::{AssemblyError, Incoming, Scope};
use sestina_proxy65::{BYTESTREAMS, Bounds, PORT, Proxy65};
use sestina_stanza::{Jid, ns};
use sestina_testkit::{Client, Scene, Stage, perform};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, sleep},
};

const JULIET: &str = "juliet@capulet.example/balcony";
const ROMEO: &str = "romeo@montague.example/orchard";

fn scene(bounds: Bounds) -> Scene {
    let proxy = Proxy65 { host: Some("192.0.2.7".into()), port: None, bounds };
    Scene::new("capulet.example").plugin(proxy)
}

/// A stage where the port is listened for.
async fn stage(bounds: Bounds) -> Stage {
    let stage = scene(bounds).build().await.unwrap();
    assert!(stage.server().note_port(PORT, "127.0.0.1:7777".parse().unwrap()));
    stage
}

#[tokio::test(start_paused = true)]
async fn tells_where_it_is() {
    let stage = stage(Bounds::default()).await;
    perform(&stage, include_str!("tells_where_it_is.scs")).await.unwrap();
}

/// A connection to the port.
fn connect(stage: &Stage) -> DuplexStream {
    let (ours, theirs) = duplex(1024);
    let served = stage.server().serve_port(PORT, Incoming::new(theirs, None)).unwrap();
    tokio::spawn(served);
    ours
}

fn hash(sid: &str, requester: &str, target: &str) -> String {
    let hash = Sha1::digest(format!("{sid}{requester}{target}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn asked(address: &str) -> Vec<u8> {
    let mut request = vec![5, 1, 0, 3, u8::try_from(address.len()).unwrap()];
    request.extend(address.as_bytes());
    request.extend([0, 0]);
    request
}

/// A connection that has asked for an address and was accepted.
async fn waits(stage: &Stage, address: &str) -> DuplexStream {
    let mut io = connect(stage);
    io.write_all(&[5, 1, 0]).await.unwrap();
    let mut greeting = [0; 2];
    io.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 0]);
    io.write_all(&asked(address)).await.unwrap();
    let mut told = [0; 47];
    io.read_exact(&mut told).await.unwrap();
    assert_eq!(told[..5], [5, 0, 0, 3, 40]);
    assert_eq!(&told[5..45], address.as_bytes());
    io
}

async fn activate(client: &mut Client, sid: &str) -> String {
    let asked = format!(
        "<iq type='set' id='a' to='proxy.capulet.example'><query xmlns='{BYTESTREAMS}' sid='{sid}'>\
         <activate>{ROMEO}</activate></query></iq>"
    );
    client.send(asked).await;
    let answer = client.receive().await;
    match answer.child("error", ns::CLIENT) {
        Some(error) => error.first_child().unwrap().name().to_owned(),
        None => answer.attr("type").unwrap().to_owned(),
    }
}

/// Two that were activated by Juliet.
async fn joined(stage: &Stage, juliet: &mut Client, sid: &str) -> (DuplexStream, DuplexStream) {
    let address = hash(sid, JULIET, ROMEO);
    let both = (waits(stage, &address).await, waits(stage, &address).await);
    assert_eq!(activate(juliet, sid).await, "result");
    both
}

async fn ended(io: &mut DuplexStream) -> bool {
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.is_ok() && rest.is_empty()
}

#[tokio::test(start_paused = true)]
async fn it_carries_what_both_say() {
    let stage = stage(Bounds::default()).await;
    let mut juliet = stage.login(JULIET).await;
    let (mut theirs, mut hers) = joined(&stage, &mut juliet, "s1").await;
    let sent: Vec<u8> = (0..100_000u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let (mut heard, mut answered) = (Vec::new(), [0; 6]);
    tokio::join!(
        async {
            hers.write_all(&sent).await.unwrap();
            hers.shutdown().await.unwrap();
            hers.read_exact(&mut answered).await.unwrap();
        },
        async {
            theirs.read_to_end(&mut heard).await.unwrap();
            // She has said all, and he has not.
            theirs.write_all(b"thanks").await.unwrap();
        }
    );
    assert!(heard == sent && &answered == b"thanks");
    drop(theirs);
    assert!(ended(&mut hers).await);
}

#[tokio::test(start_paused = true)]
async fn only_the_requester_activates_and_only_two_who_wait() {
    let stage = stage(Bounds::default()).await;
    let mut juliet = stage.login(JULIET).await;
    let mut nurse = stage.login("nurse@capulet.example/stairs").await;
    let address = hash("s1", JULIET, ROMEO);
    assert_eq!(activate(&mut juliet, "s1").await, "item-not-found");
    let mut first = waits(&stage, &address).await;
    assert_eq!(activate(&mut juliet, "s1").await, "not-allowed");
    let mut second = waits(&stage, &address).await;
    // A third is told at once, and the two are none the worse for it.
    let mut third = connect(&stage);
    third.write_all(&[&[5, 1, 0][..], &asked(&address)].concat()).await.unwrap();
    let mut told = Vec::new();
    third.read_to_end(&mut told).await.unwrap();
    assert_eq!(told, [5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(activate(&mut nurse, "s1").await, "item-not-found");
    assert_eq!(activate(&mut juliet, "s1").await, "result");
    assert_eq!(activate(&mut juliet, "s1").await, "item-not-found", "once");
    first.write_all(b"ay").await.unwrap();
    let mut heard = [0; 2];
    second.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ay");
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_early_is_lost_and_too_much_of_it_ends_it() {
    let stage = stage(Bounds::default()).await;
    let mut juliet = stage.login(JULIET).await;
    let address = hash("s1", JULIET, ROMEO);
    let (mut first, mut second) = (waits(&stage, &address).await, waits(&stage, &address).await);
    first.write_all(b"too early").await.unwrap();
    stage.settle().await;
    assert_eq!(activate(&mut juliet, "s1").await, "result");
    first.write_all(b"in time").await.unwrap();
    let mut heard = [0; 7];
    second.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"in time");
    let mut flood = waits(&stage, &hash("s2", JULIET, ROMEO)).await;
    assert!(flood.write_all(&vec![0; 128 << 10]).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_vain_is_cut_off() {
    let seconds = Duration::from_secs;
    let stage = stage(Bounds { handshake: seconds(10), waiting: seconds(60), ..Bounds::default() });
    let stage = stage.await;
    let began = Instant::now();
    let mut slow = connect(&stage);
    slow.write_all(&[5]).await.unwrap();
    assert!(ended(&mut slow).await);
    assert_eq!(began.elapsed(), seconds(10));
    let began = Instant::now();
    let mut lonely = waits(&stage, &hash("s1", JULIET, ROMEO)).await;
    assert!(ended(&mut lonely).await);
    assert_eq!(began.elapsed(), seconds(60));
    // Its place at the address is free again, and so is that of one who goes by himself.
    let mut juliet = stage.login(JULIET).await;
    assert_eq!(activate(&mut juliet, "s1").await, "item-not-found");
    drop(waits(&stage, &hash("s1", JULIET, ROMEO)).await);
    stage.settle().await;
    assert_eq!(activate(&mut juliet, "s1").await, "item-not-found");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_bytestream() {
    let stage = stage(Bounds { idle: Duration::from_secs(100), ..Bounds::default() }).await;
    let mut juliet = stage.login(JULIET).await;
    let (mut theirs, mut hers) = joined(&stage, &mut juliet, "s1").await;
    for _ in 0..5 {
        sleep(Duration::from_secs(60)).await;
        hers.write_all(b"ay").await.unwrap();
    }
    let mut heard = [0; 10];
    theirs.read_exact(&mut heard).await.unwrap();
    let began = Instant::now();
    assert!(ended(&mut theirs).await && ended(&mut hers).await);
    let took = began.elapsed().as_secs();
    assert!((95..=126).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn each_direction_has_its_pace() {
    let stage = stage(Bounds { rate: 1000, ..Bounds::default() }).await;
    let mut juliet = stage.login(JULIET).await;
    let (mut theirs, mut hers) = joined(&stage, &mut juliet, "s1").await;
    let began = Instant::now();
    let mut heard = vec![0; 20_000];
    let (sent, read) = tokio::join!(hers.write_all(&[7; 20_000]), theirs.read_exact(&mut heard));
    assert!(sent.is_ok() && read.is_ok());
    let took = began.elapsed().as_secs();
    assert!((12..=20).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many() {
    let stage = stage(Bounds { connections: 4, streams: 1, ..Bounds::default() }).await;
    let mut juliet = stage.login(JULIET).await;
    let (theirs, hers) = joined(&stage, &mut juliet, "s1").await;
    let address = hash("s2", JULIET, ROMEO);
    let _two = (waits(&stage, &address).await, waits(&stage, &address).await);
    // Both keep their place as long as the bytestream lasts, also the one that was handed over.
    assert!(ended(&mut connect(&stage)).await);
    assert_eq!(activate(&mut juliet, "s2").await, "resource-constraint");
    drop((theirs, hers));
    stage.settle().await;
    assert_eq!(activate(&mut juliet, "s2").await, "result", "they still wait");
    drop(waits(&stage, &hash("s3", JULIET, ROMEO)).await);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_where_there_is_nothing() {
    let stage = scene(Bounds::default()).build().await.unwrap();
    let mut juliet = stage.login(JULIET).await;
    juliet
        .send(format!(
            "<iq type='get' id='1' to='proxy.capulet.example'><query xmlns='{BYTESTREAMS}'/></iq>"
        ))
        .await;
    let error = juliet.receive().await.child("error", ns::CLIENT).unwrap().to_element();
    assert!(error.child("not-allowed", ns::STANZAS).is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_from_here_is_forbidden() {
    let stage = stage(Bounds::default()).await;
    let address = "proxy.capulet.example".parse::<Jid>().unwrap();
    // As if it came from another server: the answer goes where nobody is, and nobody is paired.
    let theirs = hash("s1", ROMEO, JULIET);
    let both = (waits(&stage, &theirs).await, waits(&stage, &theirs).await);
    let ask = format!(
        "<iq xmlns='jabber:client' type='set' id='1' from='{ROMEO}' to='{address}'>\
         <query xmlns='{BYTESTREAMS}' sid='s1'><activate>{JULIET}</activate></query></iq>"
    );
    let ask = sestina_xml::Element::parse(ask, &sestina_xml::Limits::default()).unwrap();
    stage.server().route(sestina_stanza::Stanza::read(ask).unwrap()).await;
    let (mut first, mut second) = both;
    first.write_all(b"ay").await.unwrap();
    stage.settle().await;
    assert!(ended(&mut second).await, "nothing comes until it is cut off");
}

/// Over a real socket, whose listener the network has.
#[tokio::test]
async fn the_network_hands_its_port_over() {
    let stage = scene(Bounds::default()).build().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (domain, port) in [("capulet.example", "no such port"), ("mantua.example", PORT)] {
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(stage.network().listen_port(other, domain, port).is_err());
    }
    let listening = stage.network().listen_port(listener, "capulet.example", PORT).unwrap();
    assert_eq!(stage.server().port_address(PORT), Some(listening));
    stage.account(&JULIET.parse().unwrap()).await;
    let mut tcp = tokio::net::TcpStream::connect(listening).await.unwrap();
    tcp.write_all(&[5, 1, 0]).await.unwrap();
    let mut greeting = [0; 2];
    tcp.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, [5, 0]);
    // The shutdown does not wait for it.
    stage.network().shut_down().await;
    assert!(matches!(tcp.read(&mut greeting).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn bounds_with_which_nothing_could_be_carried_are_refused() {
    let is = Bounds::default();
    for (bounds, name) in [
        (Bounds { connections: 1, ..is }, "bounds.connections"),
        (Bounds { streams: 0, ..is }, "bounds.streams"),
        (Bounds { handshake: Duration::ZERO, ..is }, "bounds.handshake"),
        (Bounds { waiting: Duration::ZERO, ..is }, "bounds.waiting"),
        (Bounds { idle: Duration::ZERO, ..is }, "bounds.idle"),
    ] {
        match scene(bounds).build().await {
            Err(AssemblyError::Setting { name: refused, .. }) => assert_eq!(refused, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let with = stage(Bounds::default()).await;
    let service = with.server().describe(&Scope::Service("proxy")).unwrap();
    let identities: Vec<_> = service.identities().map(|it| (&*it.category, &*it.kind)).collect();
    assert_eq!(identities, [("proxy", "bytestreams")]);
    assert!(service.features().any(|feature| feature == BYTESTREAMS));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert_eq!(without.server().ports().count(), 0);
    let (_, theirs) = duplex(16);
    assert!(without.server().serve_port(PORT, Incoming::new(theirs, None)).is_none());
    assert!(!without.server().reaches("proxy.capulet.example"));
}
