//! Services with a domain of their own.

use sestina_core::{Get, IqHandler, Refusal, Scope, Server, answer};
use sestina_stanza::{Condition, Invalid, IqType, Payload, Stanza};
use sestina_xml::{Element, ElementRef};

use crate::cast::{Log, ROMEO, gist, plugin, scene, send, stage};

async fn take(log: &Log, stanza: Stanza, server: &Server) -> Result<(), Refusal> {
    log.note(format!("{:?} to {}", stanza.kind(), stanza.to().unwrap()));
    match stanza.body().as_deref() {
        Some(ask) if ask.contains('@') => {
            for xml in [
                format!("<message id='m' to='{ask}'/>"),
                format!("<iq type='get' id='q' to='{ask}'><none xmlns='urn:example:q'/></iq>"),
                format!("<presence id='p' to='{ask}'/>"),
            ] {
                let mut asks = crate::cast::stanza(&xml);
                asks.set_from(stanza.to().cloned());
                server.route(asks).await;
            }
            Ok(())
        }
        Some("no") => Err(Condition::Forbidden.into()),
        Some("echo") => {
            let mut echo = stanza.with_to(stanza.from().unwrap().clone());
            echo.set_from(stanza.to().cloned());
            server.route(echo).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

#[derive(Debug)]
struct Rooms;

impl Payload for Rooms {
    const NAME: &'static str = "rooms";
    const NAMESPACE: &'static str = "urn:example:rooms";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

async fn list(_: &Log, _: Get<Rooms>, _: &Server) -> Result<Rooms, Refusal> {
    Ok(Rooms)
}

plugin!(Chat, "chat", |log, to| {
    to.service("rooms", &log, take)?;
    to.iq(Scope::Service("rooms"), answer(&log, list))?;
    let nothing = tower::service_fn(|_| async { Ok::<_, Refusal>(None) });
    to.iq(Scope::Server, IqHandler::service(IqType::Get, "q", "urn:example:q", nothing))
});

#[tokio::test(start_paused = true)]
async fn a_service_takes_what_is_addressed_below_its_domain() {
    let log = Log::default();
    let stage = stage(scene().plugin(Chat(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    send(&romeo, "<message id='1' to='hall@rooms.capulet.example/x'/>").await;
    send(&romeo, "<presence id='2' to='rooms.capulet.example'/>").await;
    send(&romeo, "<message id='3' to='rooms.capulet.example'><body>no</body></message>").await;
    send(&romeo, "<message id='4' to='rooms.capulet.example'><body>echo</body></message>").await;
    assert_eq!(
        log.take(),
        [
            "Message(Normal) to hall@rooms.capulet.example/x",
            "Presence(Available) to rooms.capulet.example",
            "Message(Normal) to rooms.capulet.example",
            "Message(Normal) to rooms.capulet.example",
        ]
    );
    assert_eq!(gist(&mut romeo).await, ["3 forbidden", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_hears_what_became_of_what_it_has_sent() {
    let log = Log::default();
    let stage = stage(scene().plugin(Chat(log.clone()))).await;
    let romeo = stage.attach(ROMEO).await;
    let hall = "hall@rooms.capulet.example";
    for gone in ["juliet@capulet.example/gone", "nobody@capulet.example"] {
        send(&romeo, &format!("<message to='{hall}'><body>{gone}</body></message>")).await;
        stage.settle().await;
        assert_eq!(
            log.take(),
            [
                format!("Message(Normal) to {hall}"),
                format!("Message(Error) to {hall}"),
                format!("Iq(Error) to {hall}"),
            ],
            "{gone}"
        );
    }
}

plugin!(Polite, "polite", |log, to| {
    to.iq(Scope::Services, answer(&log, list))?;
    let nothing = tower::service_fn(|_| async { Ok::<_, Refusal>(None) });
    to.iq(Scope::Services, IqHandler::service(IqType::Get, "q", "urn:example:q", nothing))
});

#[tokio::test(start_paused = true)]
async fn what_a_service_does_not_answer_may_be_answered_for_all() {
    let stage = stage(scene().plugin(Polite::default()).plugin(Chat::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    for (to, expected) in
        [("rooms.capulet.example", "1"), ("music.capulet.example", "1 remote-server-not-found")]
    {
        let iq = format!("<iq type='get' id='1' to='{to}'><q xmlns='urn:example:q'/></iq>");
        send(&romeo, &iq).await;
        assert_eq!(gist(&mut romeo).await, [expected], "{to}");
    }
    assert_eq!(stage.server().services(), ["rooms"]);
    assert_eq!(stage.server().service("rooms.capulet.example"), Some("rooms"));
}

#[tokio::test(start_paused = true)]
async fn a_service_answers_its_own_requests_and_no_others() {
    let stage = stage(scene().plugin(Chat::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    for (payload, to, expected) in [
        ("<rooms xmlns='urn:example:rooms'/>", "rooms.capulet.example", "1"),
        ("<rooms xmlns='urn:example:rooms'/>", "capulet.example", "1 service-unavailable"),
        ("<q xmlns='urn:example:q'/>", "rooms.capulet.example", "1 service-unavailable"),
        ("<q xmlns='urn:example:q'/>", "capulet.example", "1"),
        ("<q xmlns='urn:example:q'/>", "music.capulet.example", "1 remote-server-not-found"),
    ] {
        send(&romeo, &format!("<iq type='get' id='1' to='{to}'>{payload}</iq>")).await;
        assert_eq!(gist(&mut romeo).await, [expected], "{payload} {to}");
    }
}
