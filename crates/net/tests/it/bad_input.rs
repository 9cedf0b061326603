//! Whatever a peer sends: the error that the RFC names, its stream closed, everybody else unharmed.

use sestina_core::Attached;
use sestina_testkit::{Scene, Stage};
use sestina_xml::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::HEADER;

const ROMEO: &str = "romeo@capulet.example/orchard";

/// Sends bytes on a fresh connection, and reads what comes until the server closes it.
async fn answer(stage: &Stage, bytes: &[u8]) -> String {
    let mut wire = stage.wire(None);
    wire.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The condition of a stream error, after checking what stands around it.
#[track_caller]
fn condition(answer: &str) -> &str {
    assert!(answer.starts_with("<?xml version='1.0'?><stream:stream "), "no header: {answer}");
    assert_eq!(answer.matches("<stream:stream ").count(), 1, "{answer}");
    error(answer)
}

#[track_caller]
fn error(answer: &str) -> &str {
    let error =
        answer.split_once("<stream:error><").unwrap_or_else(|| panic!("no error: {answer}"));
    assert!(answer.ends_with("</stream:error></stream:stream>"), "not closed: {answer}");
    error.1.split([' ', '/', '>']).next().unwrap_or_default()
}

/// Somebody else is still served.
async fn check_others(stage: &Stage, juliet: &mut Attached) {
    let nurse = stage.attach("nurse@capulet.example/chamber").await;
    let to = juliet.jid().clone();
    nurse
        .send(sestina_stanza::Stanza::message(sestina_stanza::MessageType::Chat).to(to).build())
        .await
        .unwrap();
    juliet.receive().await.unwrap();
}

fn open(attributes: &str) -> Vec<u8> {
    format!(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
         {attributes}>"
    )
    .into_bytes()
}

fn after_header(text: impl AsRef<[u8]>) -> Vec<u8> {
    [HEADER.as_bytes(), text.as_ref()].concat()
}

#[tokio::test(start_paused = true)]
async fn before_authentication() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let limits = Limits::unauthenticated();
    let mut wrong = Vec::new();
    let deep = "<a>".repeat(limits.depth + 1);
    let attributes: String = (0..=limits.attributes).map(|at| format!(" a{at}=''")).collect();
    let children = format!("<a>{}</a>", "<b/>".repeat(limits.children + 1));
    for (name, bytes, expected) in [
        ("words", b"Wherefore art thou?".to_vec(), "not-well-formed"),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: capulet.example\r\n\r\n".to_vec(), "not-well-formed"),
        ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "not-well-formed"),
        ("UTF-16", b"\xff\xfe<\0?\0x\0m\0l\0".to_vec(), "unsupported-encoding"),
        ("another encoding", b"<?xml version='1.0' encoding='iso-8859-1'?><a>".to_vec(), "unsupported-encoding"),
        ("no stream", b"<html>".to_vec(), "invalid-namespace"),
        ("another root", b"<stream:strom xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>".to_vec(), "bad-format"),
        ("another namespace", b"<stream:stream xmlns='jabber:client' xmlns:stream='urn:other' to='capulet.example' version='1.0'>".to_vec(), "invalid-namespace"),
        ("another content", b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'>".to_vec(), "invalid-namespace"),
        ("an unknown domain", open("to='montague.example' version='1.0'"), "host-unknown"),
        ("an odd domain", open("to='a@b@c' version='1.0'"), "host-unknown"),
        ("no version", open("to='capulet.example'"), "unsupported-version"),
        ("an undeclared prefix", b"<stream:stream xmlns='jabber:client'>".to_vec(), "bad-namespace-prefix"),
        ("a document type", b"<!DOCTYPE a [<!ENTITY b 'c'>]>".to_vec(), "restricted-xml"),
        ("a header without end", [&b"<stream:stream a='"[..], &vec![b'a'; 20_000]].concat(), "policy-violation"),
        ("a second header", after_header(HEADER), "restricted-xml"),
        ("a comment", after_header("<!-- psst -->"), "restricted-xml"),
        ("an instruction", after_header("<?php exit ?>"), "restricted-xml"),
        ("an entity", after_header("<auth>&lol;</auth>"), "restricted-xml"),
        ("text between elements", after_header("Wherefore?"), "bad-format"),
        ("wrong nesting", after_header("<a><b></a></b>"), "not-well-formed"),
        ("an unknown prefix", after_header("<a:b/>"), "bad-namespace-prefix"),
        ("invalid UTF-8", after_header(b"<a>\xc3\x28</a>"), "unsupported-encoding"),
        ("a forbidden character", after_header(b"<a>\x00</a>"), "not-well-formed"),
        ("a message", after_header("<message to='romeo@capulet.example'/>"), "not-authorized"),
        ("a presence", after_header("<presence/>"), "not-authorized"),
        ("a request", after_header("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>"), "not-authorized"),
        ("something unknown", after_header("<dance xmlns='urn:example:dance'/>"), "unsupported-stanza-type"),
        ("an endless element", after_header("<auth>".to_owned() + &"a".repeat(limits.element_bytes)), "policy-violation"),
        ("too deep", after_header(deep), "policy-violation"),
        ("too many attributes", after_header(format!("<a{attributes}/>")), "policy-violation"),
        ("too many children", after_header(children), "policy-violation"),
    ] {
        let answer = answer(&stage, &bytes).await;
        let found = condition(&answer);
        if found != expected {
            wrong.push(format!("{name}: {expected} expected, {found}"));
        }
        check_others(&stage, &mut juliet).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(stage.server().session_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_authentication() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let limits = Limits::default();
    let mut wrong = Vec::new();
    let attribute = format!("<message a='{}'/>", "a".repeat(limits.attribute_bytes + 1));
    for (name, text, expected) in [
        ("a forged sender", b"<message from='juliet@capulet.example'/>".to_vec(), "invalid-from"),
        ("wrong nesting", b"<message><body></message></body>".to_vec(), "not-well-formed"),
        ("a comment", b"<message><!-- --></message>".to_vec(), "restricted-xml"),
        ("an unknown stanza", b"<dance/>".to_vec(), "unsupported-stanza-type"),
        (
            "another namespace",
            b"<message xmlns='jabber:server'/>".to_vec(),
            "unsupported-stanza-type",
        ),
        ("a second header", HEADER.as_bytes().to_vec(), "restricted-xml"),
        ("text", b"Hark!".to_vec(), "bad-format"),
        (
            "an endless stanza",
            format!("<message>{}", "a".repeat(limits.element_bytes)).into(),
            "policy-violation",
        ),
        ("a long attribute", attribute.into(), "policy-violation"),
        ("too deep", format!("<message>{}", "<a>".repeat(limits.depth)).into(), "policy-violation"),
    ] {
        let mut romeo = stage.login(ROMEO).await;
        romeo.send("<message to='juliet@capulet.example/balcony'/>").await;
        romeo.send(text).await;
        let received = romeo.receive().await;
        assert!(received.is("error", "http://etherx.jabber.org/streams"), "{name}: {received}");
        let found = received.first_child().unwrap().name().to_owned();
        if found != expected {
            wrong.push(format!("{name}: {expected} expected, {found}"));
        }
        juliet.receive().await.unwrap();
        assert_eq!(romeo.next().await, sestina_testkit::Received::Close, "{name}");
        assert_eq!(romeo.next().await, sestina_testkit::Received::End, "{name}");
        stage.settle().await;
        assert!(stage.server().session(&ROMEO.parse().unwrap()).is_none(), "{name}");
        check_others(&stage, &mut juliet).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_one_stanza_does_not_end_the_stream() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let mut romeo = stage.login(ROMEO).await;
    for (xml, expected) in [
        ("<message id='1' to='@capulet.example'/>", Some("jid-malformed")),
        // RFC 6121 §5.2.2: as good as any other message, and nobody is there for it.
        ("<message id='1' type='shout'/>", Some("service-unavailable")),
        ("<iq id='1' type='ask'><a xmlns='a'/></iq>", Some("bad-request")),
        ("<iq id='1'><a xmlns='a'/></iq>", Some("bad-request")),
        ("<iq type='get'><a xmlns='a'/></iq>", Some("bad-request")),
        ("<iq id='1' type='get'/>", Some("bad-request")),
        ("<iq id='1' type='get'><a xmlns='a'/><b xmlns='b'/></iq>", Some("bad-request")),
        ("<presence id='1' type='jealous'/>", Some("bad-request")),
    ] {
        romeo.send(xml).await;
        match (romeo.next_if_any().await, expected) {
            (Some(sestina_testkit::Received::Element(answer)), Some(expected)) => {
                let error = answer.child("error", "jabber:client").unwrap();
                assert_eq!(error.first_child().unwrap().name(), expected, "{xml}: {answer}");
            }
            (None, None) => {}
            (other, _) => panic!("{xml}: {expected:?} expected, {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_no_further_is_not_waited_for_with_memory() {
    let stage =
        Scene::new("capulet.example").account("romeo@capulet.example").build().await.unwrap();
    let mut romeo = stage.login(ROMEO).await;
    romeo.send("<message><body>half of a").await;
    drop(romeo);
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
}
