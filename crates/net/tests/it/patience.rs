//! Time-outs, keepalive, and peers that are slow or silent, in virtual time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
    time::Duration,
};

use sestina_core::{
    Assembly, AssemblyError, Plugin, QueueBounds, Refusal, Server, SessionBound, SessionClosed,
    Spec,
};
use sestina_net::Bounds;
use sestina_stanza::{MessageType, Stanza};
use sestina_testkit::{Client, FaultyIo, Received, Scene, Stage};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

const ROMEO: &str = "romeo@capulet.example/orchard";

async fn stage(bounds: Bounds) -> Stage {
    let scene = Scene::new("capulet.example").bounds(bounds).account("romeo@capulet.example");
    scene.build().await.unwrap()
}

#[track_caller]
fn assert_about(since: Instant, expected: Duration) {
    let took = since.elapsed();
    assert!(took >= expected && took < expected + expected / 2, "{took:?} for {expected:?}");
}

/// Reads until the stream ends; hands back the condition of its error.
async fn ending(client: &mut Client) -> String {
    let mut condition = String::new();
    loop {
        match client.next().await {
            Received::Element(it) if it.is("error", "http://etherx.jabber.org/streams") => {
                it.first_child().unwrap().name().clone_into(&mut condition);
            }
            Received::End => return condition,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_log_in_in_time_is_told_so() {
    let bounds = Bounds { authenticate: Duration::from_secs(7), ..Bounds::default() };
    let stage = stage(bounds).await;
    // Silent from the start, after the header, and with a mechanism begun.
    for said in [0, 1, 2] {
        let mut client = stage.connect();
        let start = Instant::now();
        if said > 0 {
            client.open().await;
        }
        if said > 1 {
            let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>";
            client.send(auth).await;
            assert_eq!(client.receive().await.name(), "challenge");
        }
        assert_eq!(ending(&mut client).await, "connection-timeout", "{said}");
        assert_about(start, bounds.authenticate);
    }
    // Whoever drips bytes has no more time than others.
    let start = Instant::now();
    let mut wire = stage.wire(None);
    let drip = async {
        while wire.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    drip.await;
    assert!(start.elapsed() < bounds.authenticate + bounds.closing + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_silent_for_too_long_is_told_so() {
    let bounds =
        Bounds { idle: Some(Duration::from_secs(60)), keepalive: None, ..Bounds::default() };
    let stage = stage(bounds).await;
    let mut romeo = stage.login(ROMEO).await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(45)).await;
        romeo.send(" ").await;
    }
    assert!(romeo.next_if_any().await.is_none());
    let start = Instant::now();
    assert_eq!(ending(&mut romeo).await, "connection-timeout");
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_space_keeps_a_quiet_connection_alive() {
    let keepalive = Duration::from_secs(300);
    let stage = stage(Bounds { keepalive: Some(keepalive), ..Bounds::default() }).await;
    let mut wire = login_by_hand(&stage).await;
    let start = Instant::now();
    let mut byte = [0];
    for _ in 0..3 {
        wire.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b" ");
    }
    assert_about(start, 3 * keepalive);
}

/// A connection on which Romeo is logged in and has read everything.
async fn login_by_hand(stage: &Stage) -> tokio::io::DuplexStream {
    let mut wire = stage.wire(None);
    let token = sestina_sasl::encode_base64(b"\0romeo\0romeo");
    let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
    let header = crate::client::HEADER;
    for (said, answered) in [
        (header.to_owned(), "</stream:features>"),
        (
            format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
            ),
            "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        ),
        (header.to_owned(), "</stream:features>"),
        (bind.to_owned(), "</iq>"),
    ] {
        wire.write_all(said.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(answered.as_bytes()) {
            read.push(wire.read_u8().await.unwrap());
        }
    }
    wire
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_has_stalled_is_let_go_and_what_waited_is_answered() {
    let bounds = Bounds { stalled: Duration::from_secs(60), ..Bounds::default() };
    let queue = QueueBounds { stanzas: 100, ..QueueBounds::default() };
    let scene = Scene::new("capulet.example")
        .bounds(bounds)
        .settings(move |settings| settings.bounds.queue = queue)
        .account("romeo@capulet.example");
    let stage = scene.build().await.unwrap();
    let _stalled = login_by_hand(&stage).await;
    let romeo = stage.server().sessions(&"romeo@capulet.example".parse().unwrap()).remove(0);
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let message = Stanza::message(MessageType::Normal).to(romeo.jid().clone());
    let message = message.body("x".repeat(3_000)).build();
    let start = Instant::now();
    // More than the pipe, the connection and the queue hold together.
    let mut sent = 0;
    while juliet.session().queued() == 0 {
        sent += 1;
        assert!(sent < 1_000, "memory is not bounded");
        juliet.send(message.clone()).await.unwrap();
        stage.settle().await;
    }
    assert_eq!(romeo.queued(), queue.stanzas);
    assert!(juliet.receive().await.unwrap().reported_error().is_some());
    while stage.server().session_count() > 1 {
        assert!(start.elapsed() <= bounds.stalled + bounds.stalled / 2, "{:?}", start.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What the pipe and the connection had taken may be lost; what waited is answered.
    stage.settle().await;
    assert_eq!(juliet.session().queued(), queue.stanzas);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_drained_when_its_socket_has_taken_everything() {
    let scene = Scene::new("capulet.example").account("romeo@capulet.example");
    let stage = scene.build().await.unwrap();
    let mut wire = login_by_hand(&stage).await;
    let romeo = stage.server().sessions(&"romeo@capulet.example".parse().unwrap()).remove(0);
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    // More than the pipe holds.
    let message = Stanza::message(MessageType::Normal).to(romeo.jid().clone());
    let message = message.id("last").body("x".repeat(200_000)).build();
    juliet.send(message).await.unwrap();
    stage.settle().await;
    assert_eq!(romeo.queued(), 0, "the connection has it");
    let drained = tokio::spawn(async move { romeo.drained().await });
    stage.settle().await;
    assert!(!drained.is_finished(), "the socket has not");
    let mut read = Vec::new();
    while !read.ends_with(b"</message>") {
        read.push(wire.read_u8().await.unwrap());
    }
    assert!(drained.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_with_room_in_its_queue_is_let_go_in_time() {
    let bounds = Bounds { stalled: Duration::from_secs(60), ..Bounds::default() };
    let stage = stage(bounds).await;
    let _stalled = login_by_hand(&stage).await;
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    let romeo = stage.server().sessions(&"romeo@capulet.example".parse().unwrap()).remove(0);
    let start = Instant::now();
    let message =
        Stanza::message(MessageType::Normal).to(romeo.jid().clone()).body("x".repeat(100_000));
    juliet.send(message.build()).await.unwrap();
    while stage.server().session_count() > 1 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_about(start, bounds.stalled);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_is_served_like_any_other() {
    let stage = stage(Bounds::default()).await;
    let mut romeo = stage.connect_through(|io| FaultyIo::new(io).byte_by_byte());
    romeo.login(&ROMEO.parse().unwrap()).await;
    romeo
        .send("<message to='romeo@capulet.example/orchard' id='1'><body>&#x1F339;</body></message>")
        .await;
    let message = romeo.receive().await;
    assert_eq!(message.attr("id"), Some("1"));
    assert_eq!(romeo.close().await, []);
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_break_after_any_byte() {
    let present = Present::default();
    let scene = Scene::new("capulet.example").account("romeo@capulet.example");
    let stage = scene.plugin(present.clone()).build().await.unwrap();
    let whole = drive(stage.connect_through(FaultyIo::new)).await;
    assert!(whole > 300);
    // What the server says is about three times as much.
    for bytes in (0..3 * whole).step_by(7) {
        let reading = stage.connect_through(|io| FaultyIo::new(io).reset_after_reading(bytes));
        let writing = stage.connect_through(|io| FaultyIo::new(io).reset_after_writing(bytes));
        drive(reading).await;
        drive(writing).await;
        stage.settle().await;
        assert_eq!(stage.server().session_count(), 0, "{bytes}");
        assert_eq!(present.0.load(Ordering::Relaxed), 0, "a session began without an end: {bytes}");
    }
}

/// Counts the sessions that have begun and not ended.
#[derive(Clone, Debug, Default)]
struct Present(Arc<AtomicIsize>);

impl Plugin for Present {
    const NAME: &'static str = "present";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.on(&self.0, async |count: &AtomicIsize, _: &SessionBound, _: &Server| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Refusal>(())
        });
        to.on(&self.0, async |count: &AtomicIsize, _: &SessionClosed, _: &Server| {
            count.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, Refusal>(())
        });
        Ok(())
    }
}

/// Says everything of a short life without looking at the answers; hands back how much that is.
async fn drive(mut client: Client) -> usize {
    let token = sestina_sasl::encode_base64(b"\0romeo\0romeo");
    let mut said = 0;
    for text in [
        client.header(),
        format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"),
        client.header(),
        "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>".to_owned(),
        "<presence/><message to='romeo@capulet.example'><body>Hark!</body></message>".to_owned(),
        "</stream:stream>".to_owned(),
    ] {
        said += text.len();
        client.send(text).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    said
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_gone_and_others_hear_of_it() {
    let stage = stage(Bounds::default()).await;
    let mut romeo = stage.login(ROMEO).await;
    romeo.send("<presence/>").await;
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    stage.settle().await;
    assert!(stage.server().is_online(&"romeo@capulet.example".parse().unwrap()));
    romeo.send("<message to='juliet@cap").await;
    drop(romeo);
    stage.settle().await;
    assert!(!stage.server().is_online(&"romeo@capulet.example".parse().unwrap()));
    let mut juliet = juliet;
    let message = Stanza::message(MessageType::Chat).to(ROMEO.parse().unwrap()).id("1");
    juliet.send(message.build()).await.unwrap();
    assert!(juliet.receive().await.unwrap().reported_error().is_some());
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_close_its_side_is_not_waited_for_long() {
    let bounds = Bounds { closing: Duration::from_secs(3), ..Bounds::default() };
    let stage = stage(bounds).await;
    let mut wire = login_by_hand(&stage).await;
    let start = Instant::now();
    wire.write_all(b"</stream:stream>").await.unwrap();
    let mut read = String::new();
    wire.read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "</stream:stream>");
    assert!(start.elapsed() < Duration::from_secs(1));
    // The other side stays open; the server's task ends all the same.
    let mut refused = false;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        refused |= wire.write_all(b" ").await.is_err();
    }
    assert!(refused);
}
