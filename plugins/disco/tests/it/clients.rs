//! What clients can do, as plugins learn of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use parking_lot::Mutex;
use sestina_core::{
    Assembly, AssemblyError, ClientFeatures, ClientFeaturesChanged, Plugin, Refusal, Required,
    Server, Spec,
};
use sestina_disco::{Discovery, Info};
use sestina_stanza::{Payload, ns};
use sestina_testkit::{Client, Scene, Stage};
use sestina_xml::{Element, Limits};

/// Wants to know who can do what.
#[derive(Clone, Default)]
struct Curious(Arc<Mutex<Vec<String>>>);

struct Ear {
    heard: Curious,
    clients: Required<dyn ClientFeatures>,
}

impl Plugin for Curious {
    const NAME: &'static str = "curious";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let ear = Arc::new(Ear { heard: self, clients: to.require() });
        to.on(&ear, Ear::changed);
        Ok(())
    }
}

impl Ear {
    async fn changed(&self, event: &ClientFeaturesChanged, _: &Server) -> Result<(), Refusal> {
        let (who, features) = (event.session.jid(), self.clients.of(&event.session));
        let features = features.map_or_else(|| "unknown".to_owned(), |it| it.join(" "));
        assert_eq!(self.clients.has(&event.session, "urn:a"), features.contains("urn:a"));
        self.heard.0.lock().push(format!("{}: {features}", who.resource().unwrap_or_default()));
        Ok(())
    }
}

impl Curious {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

async fn stage(curious: &Curious) -> Stage {
    let discovery = Discovery { clients: 2, longest: 20, ..Discovery::default() };
    Scene::new("capulet.example").plugin(curious.clone()).plugin(discovery).build().await.unwrap()
}

/// What a client with these features says of itself.
fn query(features: &[&str]) -> String {
    let features: String =
        features.iter().map(|feature| format!("<feature var='{feature}'/>")).collect();
    format!(
        "<query xmlns='{}'><identity category='client' type='pc'/>{features}</query>",
        ns::DISCO_INFO
    )
}

fn ver(query: &str) -> String {
    let query = Element::parse(query, &Limits::default()).unwrap();
    Info::read(query.root()).unwrap().verification()
}

fn presence(hash: &str, ver: &str) -> String {
    format!(
        "<presence><c xmlns='{}' {hash} node='urn:client' ver='{ver}' ext='x'/></presence>",
        ns::CAPS
    )
}

const SHA1: &str = "hash='sha-1'";

/// The id of the question that a client was asked, which must be about this.
async fn asked(client: &mut Client, ver: &str) -> String {
    let question = client.receive().await;
    assert_eq!(question.attr("from"), Some("capulet.example"), "{question}");
    assert_eq!(question.attr("type"), Some("get"), "{question}");
    let query = question.child("query", ns::DISCO_INFO).unwrap();
    assert_eq!(query.attr("node"), Some(&*format!("urn:client#{ver}")));
    question.attr("id").unwrap().to_owned()
}

async fn answer(client: &mut Client, id: &str, query: &str) {
    client.send(format!("<iq type='result' id='{id}' to='capulet.example'>{query}</iq>")).await;
}

/// Nothing has come for these clients.
async fn quiet(stage: &Stage, clients: &mut [&mut Client]) {
    stage.settle().await;
    for client in clients {
        assert!(client.next_if_any().await.is_none());
    }
}

async fn login(stage: &Stage, resource: &str) -> Client {
    stage.login(&format!("juliet@capulet.example/{resource}")).await
}

#[tokio::test(start_paused = true)]
async fn one_is_asked_for_all() {
    let curious = Curious::default();
    let stage = stage(&curious).await;
    let (query, mut one, mut two) =
        (query(&["urn:b", "urn:a"]), login(&stage, "one").await, login(&stage, "two").await);
    let ver = ver(&query);
    one.send(presence(SHA1, &ver)).await;
    let id = asked(&mut one, &ver).await;
    two.send(presence(SHA1, &ver)).await;
    // Said again, it is no news.
    one.send(presence(SHA1, &ver)).await;
    quiet(&stage, &mut [&mut one, &mut two]).await;
    // Nobody answers for somebody else, or twice.
    answer(&mut two, &id, &query).await;
    answer(&mut one, "other", &query).await;
    quiet(&stage, &mut [&mut one, &mut two]).await;
    assert!(curious.take().is_empty());
    answer(&mut one, &id, &query).await;
    quiet(&stage, &mut [&mut one, &mut two]).await;
    assert_eq!(curious.take(), ["two: urn:a urn:b", "one: urn:a urn:b"]);
    // Who comes later is known.
    let mut three = login(&stage, "three").await;
    three.send(presence(SHA1, &ver)).await;
    quiet(&stage, &mut [&mut three]).await;
    assert_eq!(curious.take(), ["three: urn:a urn:b"]);
    // Whoever says nothing of it any more is not known any more.
    three.send("<presence/>").await;
    quiet(&stage, &mut [&mut three]).await;
    assert_eq!(curious.take(), ["three: unknown"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_lies_or_leaves_or_will_not_say_makes_room_for_the_next() {
    let curious = Curious::default();
    let stage = stage(&curious).await;
    let query = query(&["urn:a"]);
    let ver = ver(&query);
    let mut clients = Vec::new();
    for resource in ["liar", "leaver", "refuser", "sleeper", "honest"] {
        let mut client = login(&stage, resource).await;
        client.send(presence(SHA1, &ver)).await;
        stage.settle().await;
        clients.push(client);
    }
    let [liar, leaver, refuser, sleeper, honest] = <[Client; 5]>::try_from(clients).unwrap();
    let (mut liar, mut leaver, mut refuser, mut sleeper, mut honest) =
        (liar, leaver, refuser, sleeper, honest);
    let id = asked(&mut liar, &ver).await;
    answer(&mut liar, &id, &super_query()).await;
    asked(&mut leaver, &ver).await;
    leaver.close().await;
    let id = asked(&mut refuser, &ver).await;
    refuser.send(format!("<iq type='error' id='{id}' to='capulet.example'/>")).await;
    asked(&mut sleeper, &ver).await;
    quiet(&stage, &mut [&mut liar, &mut refuser, &mut sleeper, &mut honest]).await;
    // Whoever says nothing for long does not keep others from being asked.
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    honest.send(presence(SHA1, &ver)).await;
    let id = asked(&mut honest, &ver).await;
    assert!(curious.take().is_empty());
    answer(&mut honest, &id, &query).await;
    quiet(&stage, &mut [&mut liar, &mut refuser, &mut sleeper, &mut honest]).await;
    assert_eq!(curious.take(), ["honest: urn:a"]);
}

fn super_query() -> String {
    query(&["urn:a", "urn:everything"])
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_proven_holds_for_one_session() {
    let curious = Curious::default();
    let stage = stage(&curious).await;
    let (mut one, mut two) = (login(&stage, "one").await, login(&stage, "two").await);
    for (client, resource) in [(&mut one, "one"), (&mut two, "two")] {
        client.send(presence("hash='sha-512'", "v")).await;
        let id = asked(client, "v").await;
        answer(client, &id, &query(&["urn:a"])).await;
        stage.settle().await;
        assert_eq!(curious.take(), [format!("{resource}: urn:a")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_one_thing_at_a_time() {
    let curious = Curious::default();
    let stage = stage(&curious).await;
    let (first, second) = (query(&["urn:a"]), query(&["urn:b"]));
    let mut one = login(&stage, "one").await;
    one.send(presence(SHA1, &ver(&first))).await;
    let id = asked(&mut one, &ver(&first)).await;
    one.send(presence(SHA1, &ver(&second))).await;
    quiet(&stage, &mut [&mut one]).await;
    answer(&mut one, &id, &first).await;
    let id = asked(&mut one, &ver(&second)).await;
    assert!(curious.take().is_empty(), "what it was is not what it is");
    answer(&mut one, &id, &second).await;
    quiet(&stage, &mut [&mut one]).await;
    assert_eq!(curious.take(), ["one: urn:b"]);
    // Both are remembered.
    one.send(presence(SHA1, &ver(&first))).await;
    quiet(&stage, &mut [&mut one]).await;
    assert_eq!(curious.take(), ["one: urn:a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_is_not_known() {
    let curious = Curious::default();
    let stage = stage(&curious).await;
    let query = query(&["urn:a:very:long:one:indeed"]);
    let mut one = login(&stage, "one").await;
    one.send(presence(SHA1, &ver(&query))).await;
    let id = asked(&mut one, &ver(&query)).await;
    answer(&mut one, &id, &query).await;
    quiet(&stage, &mut [&mut one]).await;
    assert!(curious.take().is_empty());
}

/// What came before hashes is left alone, and so is what is none.
#[tokio::test(start_paused = true)]
async fn what_says_nothing_is_not_asked_about() {
    let stage = stage(&Curious::default()).await;
    let mut one = login(&stage, "one").await;
    for (hash, ver) in [("", "0.10"), ("hash=''", "v"), (SHA1, "0.10"), (SHA1, "")] {
        one.send(presence(hash, ver)).await;
    }
    quiet(&stage, &mut [&mut one]).await;
}

/// Where nobody wants to know, nobody is asked.
#[tokio::test(start_paused = true)]
async fn without_demand_there_is_no_question() {
    let stage = Scene::new("capulet.example").plugin(Discovery::default()).build().await.unwrap();
    let mut one = login(&stage, "one").await;
    one.send(presence(SHA1, &ver(&query(&["urn:a"])))).await;
    quiet(&stage, &mut [&mut one]).await;
}
