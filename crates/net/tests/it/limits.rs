//! What a connection may hold and for how long, in virtual time.

use std::{future::pending, sync::Arc, time::Duration};

use sestina_core::{Assembly, AssemblyError, Get, Plugin, Refusal, Scope, Server, Spec, answer};
use sestina_net::Bounds;
use sestina_stanza::{Invalid, Payload, StreamError};
use sestina_stream::{Feature, Negotiation, Outcome, Slot, Transform, View};
use sestina_testkit::{Client, Received, Scene, Stage};
use sestina_xml::{Element, ElementRef};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};

const ROMEO: &str = "romeo@capulet.example/orchard";
const MASK: &str = "urn:example:mask";

/// A request that takes its time, and a stream feature that turns the bits of every byte.
struct Masquerade;

impl Plugin for Masquerade {
    const NAME: &'static str = "masquerade";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.stream_feature(Arc::new(Mask));
        to.iq(Scope::Own, answer(&Arc::new(()), wait))
    }
}

async fn wait(_: &(), it: Get<Wait>, _: &Server) -> Result<(), Refusal> {
    match it.payload.0 {
        Some(time) => tokio::time::sleep(time).await,
        None => pending().await,
    }
    Ok(())
}

/// `<wait xmlns='urn:example:mask' seconds='1'/>`
struct Wait(Option<Duration>);

impl Payload for Wait {
    const NAME: &'static str = "wait";
    const NAMESPACE: &'static str = MASK;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let seconds = element.attr("seconds").and_then(|seconds| seconds.parse().ok());
        Ok(Self(seconds.map(Duration::from_secs)))
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

struct Mask;

impl Feature for Mask {
    fn slot(&self) -> Slot {
        Slot::Stream
    }

    fn claims(&self) -> &[(&str, &str)] {
        &[("mask", MASK)]
    }

    fn advertise(&self, view: &View<'_>) -> Option<Element> {
        view.is_authenticated().then(|| Element::builder("mask", MASK).build())
    }

    fn negotiate(&self, _: &Element, _: &View<'_>) -> Negotiation {
        let reply = Element::builder("masked", MASK).build();
        Outcome::Transformed { reply, transform: Box::new(Turned) }.into()
    }
}

/// Each byte turned; a zero is twenty spaces, as of something that was compressed well.
struct Turned;

impl Transform for Turned {
    fn inbound(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Result<usize, StreamError> {
        let most = out.len() + budget;
        for (at, byte) in input.iter().enumerate() {
            if out.len() + 20 > most {
                return Ok(at);
            }
            match byte {
                // What would be no character of XML.
                0xfe => return Err(sestina_stanza::StreamCondition::UndefinedCondition.into()),
                0 => out.extend_from_slice(&[b' '; 20]),
                byte => out.push(!byte),
            }
        }
        Ok(input.len())
    }

    fn outbound(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.extend(input.iter().map(|byte| !byte));
    }
}

/// The client's side of the mask.
struct Masked(DuplexStream, String);

impl Masked {
    async fn send(&mut self, text: &str) {
        let bytes: Vec<u8> = text.bytes().map(|byte| !byte).collect();
        self.0.write_all(&bytes).await.unwrap();
    }

    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.1.find(end) {
                let rest = self.1.split_off(at + end.len());
                return std::mem::replace(&mut self.1, rest);
            }
            let mut buffer = [0; 4096];
            let n = self.0.read(&mut buffer).await.unwrap();
            assert!(n > 0, "closed before {end}: {}", self.1);
            let turned: Vec<u8> = buffer[..n].iter().map(|byte| !byte).collect();
            self.1.push_str(std::str::from_utf8(&turned).expect("masked to the end"));
        }
    }
}

/// Logs in, puts the mask on, and may open the stream anew.
async fn masked_until(stage: &Stage, opened: bool) -> Masked {
    let mut wire = stage.wire(None);
    let header = stage.connect().header();
    let mut clear = String::new();
    for (send, until) in [
        (header.as_str(), "</stream:features>"),
        (
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHJvbWVv</auth>",
            "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        ),
        (header.as_str(), "</stream:features>"),
        ("<mask xmlns='urn:example:mask'/>", "<masked xmlns='urn:example:mask'/>"),
    ] {
        wire.write_all(send.as_bytes()).await.unwrap();
        while !clear.contains(until) {
            let mut buffer = [0; 4096];
            let n = wire.read(&mut buffer).await.unwrap();
            assert!(n > 0, "{clear}");
            clear.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
        }
        clear.clear();
    }
    let mut masked = Masked(wire, String::new());
    if opened {
        masked.send(&header).await;
        masked.until("</stream:features>").await;
    }
    masked
}

/// The same, and binds.
async fn masked(stage: &Stage) -> Masked {
    let mut masked = masked_until(stage, true).await;
    masked
        .send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        .await;
    masked.until("</iq>").await;
    masked
}

async fn stage(bounds: Bounds) -> Stage {
    let scene = Scene::new("capulet.example").plugin(Masquerade).bounds(bounds);
    scene.account("romeo@capulet.example").build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_transform_is_in_force_to_the_last_byte() {
    let stage = stage(Bounds::default()).await;
    for (says, hears) in [
        ("</stream:stream>", "</stream:stream>"),
        ("<nonsense/>", "</stream:error></stream:stream>"),
        ("<not<well<formed", "</stream:error></stream:stream>"),
    ] {
        let mut romeo = masked(&stage).await;
        romeo.send(says).await;
        romeo.until(hears).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_transform_makes_more_of_waits_its_turn() {
    let stage = stage(Bounds::default()).await;
    let mut romeo = masked(&stage).await;
    let wait =
        |id| format!("<iq type='get' id='{id}'><wait xmlns='urn:example:mask' seconds='1'/></iq>");
    romeo.send(&wait(1)).await;
    // Eight thousand bytes that stand for a hundred and sixty thousand.
    romeo.0.write_all(&[0; 8000]).await.unwrap();
    romeo.send(&wait(2)).await;
    romeo.0.write_all(&[0; 8000]).await.unwrap();
    romeo.send("<iq type='get' id='3'><other xmlns='urn:example:mask'/></iq>").await;
    for id in 1..=3 {
        romeo.until(&format!(" id='{id}'")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_transform_that_fails_before_a_resource_is_bound_says_so() {
    let stage = stage(Bounds::default()).await;
    let mut romeo = masked_until(&stage, false).await;
    romeo.send("\u{1}").await;
    let end = romeo.until("</stream:stream>").await;
    assert!(end.contains("<undefined-condition "), "{end}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_the_request_to_bind_waits_for_the_session() {
    let stage = stage(Bounds::default()).await;
    let mut romeo = masked_until(&stage, true).await;
    let bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
    let mut bytes: Vec<u8> = bind.bytes().map(|byte| !byte).collect();
    // Ten thousand bytes that stand for two hundred thousand, and nobody is there yet.
    bytes.extend([0; 10_000]);
    let ask = "<iq type='get' id='1'><other xmlns='urn:example:mask'/></iq>";
    bytes.extend(ask.bytes().map(|byte| !byte));
    romeo.0.write_all(&bytes).await.unwrap();
    romeo.until(" id='b'").await;
    romeo.until(" id='1'").await;
}

#[tokio::test(start_paused = true)]
async fn a_stanza_has_so_long_to_be_handled() {
    let handling = Duration::from_secs(40);
    let stage = stage(Bounds { handling, ..Bounds::default() }).await;
    let mut romeo = stage.login(ROMEO).await;
    let wait = |id, seconds| {
        format!("<iq type='get' id='{id}'><wait xmlns='urn:example:mask'{seconds}/></iq>")
    };
    // Several in a row have the time each.
    for id in 1..=3 {
        romeo.send(wait(id, " seconds='25'")).await;
    }
    for id in ["1", "2", "3"] {
        assert_eq!(romeo.receive().await.attr("id"), Some(id));
    }
    let start = Instant::now();
    romeo.send(wait(4, "")).await;
    assert_eq!(ending(&mut romeo).await, "internal-server-error");
    let took = start.elapsed();
    assert!(took >= handling * 3 / 4 && took <= handling * 5 / 4, "{took:?}");
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
}

async fn ending(client: &mut Client) -> String {
    match client.next().await {
        Received::Element(error) => error.first_child().unwrap().name().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_was_told_to_go_and_drips_is_not_waited_for() {
    let bounds = Bounds { stalled: Duration::from_secs(60), ..Bounds::default() };
    let stage = stage(bounds).await;
    let romeo = masked(&stage).await;
    let server = stage.server();
    let session = server.sessions(&"romeo@capulet.example".parse().unwrap())[0].clone();
    let body = "x".repeat(100_000);
    for _ in 0..10 {
        let message = sestina_stanza::Stanza::message(sestina_stanza::MessageType::Chat);
        assert!(server.deliver(&session, message.body(&body).build()));
    }
    session.close(None);
    let start = Instant::now();
    let drips = tokio::spawn(async move {
        let mut wire = romeo.0;
        let mut byte = [0; 1000];
        while wire.read(&mut byte).await.is_ok_and(|n| n > 0) {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    });
    while server.session_count() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let took = start.elapsed();
    assert!(took <= bounds.stalled * 5 / 4 + Duration::from_secs(1), "{took:?}");
    drips.abort();
}
