//! XMPP over WebSocket, from the handshake to the last frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sestina_core::{Assembly, Settings};
use sestina_net::Bounds;

use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    client::{ask, head, rest, status},
    stage::{CLOSE, OPEN, Stage},
};

#[tokio::test]
async fn two_clients_talk() {
    let stage = Stage::new(Bounds::default()).await;
    let (mut juliet, mut romeo) = (stage.login("juliet").await, stage.login("romeo").await);
    romeo
        .send(
            "<message xmlns='jabber:client' to='juliet@capulet.example/r' type='chat' id='1'>\
             <body>Hark &amp; see</body></message>",
        )
        .await;
    assert_eq!(
        juliet.next().await,
        "<message xmlns='jabber:client' to='juliet@capulet.example/r' \
         from='romeo@capulet.example/r' id='1' type='chat'><body>Hark &amp; see</body></message>"
    );
    juliet.send(CLOSE).await;
    assert_eq!(juliet.next().await, CLOSE);
    assert_eq!(juliet.closed().await, 1_000);
    romeo.send("<message xmlns='jabber:client' to='juliet@capulet.example/r' id='2'/>").await;
    let error = romeo.next().await;
    assert!(error.contains("service-unavailable") && error.contains("id='2'"), "{error}");
    stage.network.shut_down().await;
    let (error, code) = romeo.fails().await;
    assert!(error.contains("<system-shutdown "), "{error}");
    assert_eq!(code, 1_000);
    assert_eq!(stage.network.server().session_count(), 0);
    assert_eq!(stage.network.connections(), 0);
    assert_eq!(stage.site.connections(), 0);
}

#[tokio::test]
async fn features_stand_alone_and_offer_no_tls_below() {
    let stage = Stage::new(Bounds::default()).await;
    let mut client = stage.connect().await;
    let features = client.open().await;
    assert!(
        features.starts_with("<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"),
        "{features}"
    );
    assert!(!features.contains("starttls") && !features.contains("compression"), "{features}");
    // SASL2 is for connections by TLS, and the proxy has said that this is one.
    assert!(features.contains("urn:xmpp:sasl:2"), "{features}");
}

#[tokio::test]
async fn messages_may_come_in_fragments_and_pings_between_them() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = stage.login("juliet").await;
    let parts = ["<iq xmlns='jabber:client' ", "type='get' id='7'><x xmlns='urn:x'/>", "</iq>"];
    for (at, part) in parts.iter().enumerate() {
        let code = if at == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(*part, OpCode::Data(code), at == 2);
        juliet.io.send(Message::Frame(frame)).await.unwrap();
        juliet.io.send(Message::Ping(part.as_bytes().to_vec().into())).await.unwrap();
    }
    let mut pongs = 0;
    let answer = loop {
        match juliet.io.next().await.unwrap().unwrap() {
            Message::Pong(_) => pongs += 1,
            Message::Text(text) => break text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(answer.contains("id='7'") && answer.contains("service-unavailable"), "{answer}");
    while pongs == 0 {
        assert!(matches!(juliet.io.next().await.unwrap().unwrap(), Message::Pong(_)));
        pongs += 1;
    }
}

#[tokio::test]
async fn what_is_no_message_of_the_protocol_ends_the_stream() {
    let limits = |bytes| sestina_xml::Limits { element_bytes: bytes, ..Default::default() };
    let bounds = Bounds { authenticated: limits(20_000), ..Bounds::default() };
    let stage = Stage::new(bounds).await;
    let large = format!("<message xmlns='jabber:client'>{}</message>", "x".repeat(20_000));
    let small =
        format!("<message xmlns='jabber:client' type='error'>{}</message>", "x".repeat(12_000));
    for (message, condition, code) in [
        (Message::binary(b"<presence/>".to_vec()), "bad-format", 1_003),
        (Message::text(""), "not-well-formed", 1_000),
        (Message::text(" "), "bad-format", 1_000),
        (Message::text(" <presence xmlns='jabber:client'/>"), "bad-format", 1_000),
        (Message::text("<presence xmlns='jabber:client'>"), "not-well-formed", 1_000),
        (
            Message::text("<presence xmlns='jabber:client'/><presence xmlns='jabber:client'/>"),
            "not-well-formed",
            1_000,
        ),
        (Message::text("<!DOCTYPE x><x/>"), "restricted-xml", 1_000),
        (Message::text("<presence/>"), "unsupported-stanza-type", 1_000),
        (Message::text(OPEN), "bad-format", 1_000),
        (Message::text(large), "policy-violation", 1_009),
    ] {
        let mut juliet = stage.login("juliet").await;
        juliet.io.send(Message::text(small.as_str())).await.unwrap();
        juliet.io.send(message.clone()).await.unwrap();
        let (error, ended) = juliet.fails().await;
        assert!(error.contains(&format!("<{condition} ")), "{message:?}: {error}");
        assert_eq!(ended, code, "{message:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_login_is_said_after_an_opening() {
    let stage = Stage::new(Bounds::default()).await;
    let foreign =
        "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='x.example' version='1.0'/>";
    let old = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='capulet.example'/>";
    let header = "<stream xmlns='http://etherx.jabber.org/streams' to='capulet.example'/>";
    let large = format!("<x xmlns='urn:x'>{}</x>", "x".repeat(10_000));
    for (message, condition) in [
        (foreign, "host-unknown"),
        (old, "unsupported-version"),
        (header, "bad-format"),
        ("<presence xmlns='jabber:client'/>", "bad-format"),
        (&large, "policy-violation"),
    ] {
        let mut client = stage.connect().await;
        client.send(message).await;
        let open = client.next().await;
        assert!(open.starts_with("<open "), "{message}: {open}");
        let (error, _) = client.fails().await;
        assert!(error.contains(&format!("<{condition} ")), "{message}: {error}");
    }
}

#[tokio::test]
async fn who_leaves_without_a_word_is_gone() {
    let stage = Stage::new(Bounds::default()).await;
    let mut closes = stage.login("juliet").await;
    closes.io.close(None).await.unwrap();
    assert_eq!(closes.closed().await, 1_000);
    let vanishes = stage.login("romeo").await;
    drop(vanishes);
    let dawdles = stage.connect().await;
    drop(dawdles);
    while stage.network.connections() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.network.server().session_count(), 0);
}

/// Time is virtual: it passes while nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_and_a_stranger_is_not_waited_for() {
    let stage = Stage::new(Bounds::default()).await;
    let mut juliet = stage.login("juliet").await;
    assert!(matches!(juliet.io.next().await.unwrap().unwrap(), Message::Ping(_)));
    let mut stranger = stage.connect().await;
    assert!(stranger.next().await.starts_with("<open "));
    let (error, _) = stranger.fails().await;
    assert!(error.contains("<connection-timeout "), "{error}");
}

#[tokio::test]
async fn without_tls_a_login_is_as_over_tcp_without_tls() {
    let stage = Stage::new(Bounds::default()).await;
    let mut clear = stage.connect_with(&[("x-forwarded-for", "192.0.2.7")]).await;
    let features = clear.open().await;
    assert!(!features.contains("PLAIN") && !features.contains("sasl:2"), "{features}");

    let strict = |settings: &mut Settings| {
        settings.authentication.tls = true;
        settings.authentication.require_tls = true;
    };
    let stage = Stage::with(Bounds::default(), strict).await;
    let mut clear = stage.connect_with(&[("x-forwarded-for", "192.0.2.7")]).await;
    clear.send(OPEN).await;
    assert!(clear.next().await.starts_with("<open "));
    let (error, _) = clear.fails().await;
    assert!(error.contains("<policy-violation "), "{error}");
    stage.login("juliet").await;
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let stage = Stage::new(Bounds { per_address: 1, ..Bounds::default() }).await;
    let held = stage.login("juliet").await;
    let shake = |from| {
        let mut headers = HANDSHAKE.to_vec();
        headers.push(("x-forwarded-for", from));
        head("GET", "/xmpp-websocket", &headers)
    };
    let answer = ask(stage.address, &shake("192.0.2.7")).await;
    assert_eq!(status(&answer), 429);
    assert!(answer.contains("retry-after: "), "{answer}");
    let mut other = TcpStream::connect(stage.address).await.unwrap();
    other.write_all(shake("192.0.2.8").as_bytes()).await.unwrap();
    other.shutdown().await.unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&bytes(&mut other).await)), 101);
    drop(held);
}

async fn bytes(io: &mut TcpStream) -> Vec<u8> {
    use tokio::io::AsyncReadExt;
    let mut read = Vec::new();
    let _as_far_as_it_goes = io.read_to_end(&mut read).await;
    read
}

const HANDSHAKE: [(&str, &str); 5] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-protocol", "xmpp"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[tokio::test]
async fn a_handshake_wants_all_its_parts() {
    let stage = Stage::new(Bounds::default()).await;
    let with = |name: &str, value: Option<&'static str>| {
        let mut headers = HANDSHAKE.to_vec();
        headers.retain(|(it, _)| *it != name);
        headers.extend(
            value.map(|value| (HANDSHAKE.iter().find(|it| it.0 == name).unwrap().0, value)),
        );
        head("GET", "/xmpp-websocket", &headers)
    };
    for (request, code) in [
        (head("POST", "/xmpp-websocket", &HANDSHAKE), 405),
        (head("GET", "/xmpp-websocket", &[]), 426),
        (with("upgrade", Some("h2c")), 426),
        (with("upgrade", None), 426),
        (with("sec-websocket-version", Some("8")), 426),
        (with("sec-websocket-version", None), 426),
        (with("sec-websocket-protocol", Some("chat")), 400),
        (with("sec-websocket-protocol", None), 400),
        (with("sec-websocket-key", Some("c2hvcnQ=")), 400),
        (with("sec-websocket-key", None), 400),
    ] {
        let mut io = TcpStream::connect(stage.address).await.unwrap();
        io.write_all(request.as_bytes()).await.unwrap();
        io.shutdown().await.unwrap();
        assert_eq!(status(&rest(&mut io).await), code, "{request}");
    }
    assert_eq!(stage.network.connections(), 0);
}

#[tokio::test]
async fn pages_of_other_sites_may_not_connect() {
    let stage = Stage::new(Bounds::default()).await;
    let own = format!("http://{}", stage.address);
    let forwarded = ("x-forwarded-proto", "https");
    stage.connect_with(&[("origin", &own), forwarded]).await.login("juliet").await;
    let mut headers = HANDSHAKE.to_vec();
    headers.push(("origin", "https://montague.example"));
    let mut io = TcpStream::connect(stage.address).await.unwrap();
    io.write_all(head("GET", "/xmpp-websocket", &headers).as_bytes()).await.unwrap();
    io.shutdown().await.unwrap();
    assert_eq!(status(&rest(&mut io).await), 403);
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_not_lost() {
    let stage = Stage::new(Bounds::default()).await;
    let mut request = head("GET", "/xmpp-websocket", &HANDSHAKE).into_bytes();
    let open = OPEN.as_bytes();
    request.extend([0x81, 0x80 | open.len() as u8, 0, 0, 0, 0]);
    request.extend(open);
    let mut io = TcpStream::connect(stage.address).await.unwrap();
    io.write_all(&request).await.unwrap();
    io.shutdown().await.unwrap();
    let answer = bytes(&mut io).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert!(answer.contains("<stream:features "), "{answer}");
    tokio::time::sleep(Duration::ZERO).await;
}

/// A server that comes to the network later is reached by the same way, and goes without the others.
#[tokio::test]
async fn the_header_says_whose_a_stream_is_here_as_well() {
    let stage = Stage::new(Bounds::default()).await;
    let settings = Settings::new("montague.example".parse().unwrap(), sestina_store::memory());
    let montague = Assembly::new(settings).build().await.unwrap();
    let mut juliet = stage.login("juliet").await;
    let mut before = stage.connect().await;
    before.send(&OPEN.replace("capulet", "montague")).await;
    assert!(before.next().await.contains("from='capulet.example'"));
    assert!(before.fails().await.0.contains("<host-unknown "));

    stage.network.add(montague, None, Bounds::default()).unwrap();
    let mut client = stage.connect().await;
    client.send(&OPEN.replace("capulet", "montague")).await;
    let open = client.next().await;
    assert!(open.starts_with("<open ") && open.contains("from='montague.example'"), "{open}");
    assert!(client.next().await.starts_with("<stream:features "));
    let (gone, (error, _)) = tokio::join!(stage.network.remove("montague.example"), client.fails());
    assert!(gone.is_some() && error.contains("<host-gone "), "{error}");
    juliet.send("<message xmlns='jabber:client' to='juliet@capulet.example/r' id='1'/>").await;
    assert!(juliet.next().await.contains("id='1'"));
}
