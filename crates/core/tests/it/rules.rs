//! What changes while a server runs, with somebody there.

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, BadSetting, Conflict, Get, Live, Overflow, Plugin, Refusal, Scope,
    Server, Spec, answer,
};
use sestina_stanza::{Invalid, Payload, StanzaError};
use sestina_xml::{Element, ElementRef};

use crate::cast::{JULIET, ROMEO, scene, send, stage};

#[tokio::test(start_paused = true)]
async fn administrators_come_and_go() {
    let stage = stage(scene()).await;
    let server = stage.server();
    let juliet = "juliet@capulet.example".parse().unwrap();
    let mut rules = server.rules().as_ref().clone();
    assert!(!server.is_administrator(&juliet));
    rules.administrators = vec![juliet.clone()];
    server.set_rules(rules.clone()).unwrap();
    assert!(server.is_administrator(&juliet));
    rules.administrators.clear();
    server.set_rules(rules).unwrap();
    assert!(!server.is_administrator(&juliet));
}

#[tokio::test(start_paused = true)]
async fn bounds_go_for_sessions_that_begin_and_nobody_goes() {
    let stage = stage(scene()).await;
    let server = stage.server();
    let mut juliet = stage.attach(JULIET).await;
    let _romeo = stage.attach(ROMEO).await;
    let mut rules = server.rules().as_ref().clone();
    rules.bounds.queue.stanzas = 1;
    rules.bounds.sessions_per_account = 1;
    rules.conflict = Conflict::Refuse;
    rules.overflow = Overflow::Refuse;
    server.set_rules(rules.clone()).unwrap();
    let more = server.attach("juliet@capulet.example/hall".parse().unwrap()).await;
    assert!(more.is_err(), "one is all there may be");
    // Who was there has the queue that it began with.
    let message = |id: u8| {
        let to = JULIET.parse().unwrap();
        let message = sestina_stanza::Stanza::message(sestina_stanza::MessageType::Chat);
        message.to(to).id(id.to_string()).body("Hark").build()
    };
    for id in 0..5 {
        server.route(message(id)).await;
    }
    for id in 0..5 {
        assert_eq!(juliet.receive().await.unwrap().id(), Some(&*id.to_string()));
    }
    rules.bounds.queue.stanzas = 0;
    let wrong = server.set_rules(rules).unwrap_err().to_string();
    assert!(wrong.contains("bounds.queue.stanzas"), "{wrong}");
    assert_eq!(server.bounds().queue.stanzas, 1, "nothing has changed");
}

#[tokio::test(start_paused = true)]
async fn who_begins_a_stream_finds_the_policy_of_that_moment() {
    let stage = stage(scene()).await;
    let server = stage.server();
    let peer = "192.0.2.1:40000".parse().unwrap();
    let mut before = stage.connect_from(peer);
    before.open().await;
    let mut rules = server.rules().as_ref().clone();
    rules.authentication.allow_plaintext = true;
    server.set_rules(rules).unwrap();
    let token = sestina_sasl::encode_base64(b"\0juliet\0juliet");
    let auth =
        format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>");
    before.send(auth.clone()).await;
    assert_eq!(before.receive().await.name(), "failure");
    let mut after = stage.connect_from(peer);
    after.open().await;
    after.send(auth).await;
    assert_eq!(after.receive().await.name(), "success");
}

/// Greets by a word that can change.
#[derive(Clone, Debug)]
struct Greets(&'static str);

struct Greeter(Live<Greets>);

impl Plugin for Greets {
    const NAME: &'static str = "greets";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let greeter = Arc::new(Greeter(to.live(self, Self::check)?));
        to.iq(Scope::Server, answer(&greeter, Greeter::greet))
    }
}

impl Greets {
    fn check(&self) -> Result<(), BadSetting> {
        if self.0.is_empty() { Err(BadSetting::new("word", "a word")) } else { Ok(()) }
    }
}

impl Greeter {
    async fn greet(&self, _: Get<Greeting>, _: &Server) -> Result<Greeting, Refusal> {
        Ok(Greeting(self.0.now().0.to_owned()))
    }
}

#[derive(Debug)]
struct Greeting(String);

impl Payload for Greeting {
    const NAME: &'static str = "greeting";
    const NAMESPACE: &'static str = "urn:example:greeting";

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self(element.text().into_owned()))
    }

    fn write(&self) -> Element {
        Self::builder().text(&self.0).build()
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_goes_on_with_other_settings() {
    let stage = stage(scene().plugin(Greets("Hello"))).await;
    let server = stage.server();
    let mut juliet = stage.attach(JULIET).await;
    let ask =
        "<iq type='get' id='1' to='capulet.example'><greeting xmlns='urn:example:greeting'/></iq>";
    for (word, taken) in [("Hail", true), ("", false), ("Ave", true)] {
        match server.change(Greets(word)) {
            Ok(changed) => assert!(changed && taken),
            Err(error) => assert!(!taken && error.to_string().contains("word"), "{error}"),
        }
        send(&juliet, ask).await;
        let answer = juliet.receive().await.unwrap();
        let said = if taken { word } else { "Hail" };
        assert_eq!(answer.payload().unwrap().text(), said);
    }
    assert!(!server.change(StanzaError::from(sestina_stanza::Condition::Gone)).unwrap());
    let wrong = scene().plugin(Greets("")).build().await.unwrap_err();
    assert!(wrong.to_string().contains("greets"), "{wrong}");
}
