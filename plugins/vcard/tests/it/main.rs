//! Cards as clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_core::{Assembly, Attached, Scope, Settings};
use sestina_stanza::{Condition, ErrorType, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, perform, play, transcripts};
use sestina_vcard::{LONGEST, Vcards};
use sestina_xml::{Element, Limits};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Vcards { longest: 400, ..Vcards::default() })
}

transcripts! { scene: keeps_cards, shows_cards_to_others, shows_the_photo }

#[test]
fn no_card_may_be_an_error() {
    play(
        Scene::new("capulet.example").plugin(Vcards { item_not_found: true, ..Vcards::default() }),
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><vCard xmlns='vcard-temp'/></iq>
juliet receives:
  <iq type='error' id='1'><vCard xmlns='vcard-temp'/><error type='cancel' code='404'>
    <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    );
}

/// Whether the store holds anything of the plugin's.
async fn is_stored(stage: &Stage) -> bool {
    !stage.server().store().space("vcard").owners(None, 1).await.unwrap().is_empty()
}

fn card(size: usize) -> String {
    let (before, after) = ("<vCard xmlns='vcard-temp'><DESC>", "</DESC></vCard>");
    format!("{before}{}{after}", "x".repeat(size - before.len() - after.len()))
}

/// Sends an iq within the process, where no stream adds the prefixes that it has declared.
async fn ask(session: &mut Attached, iq: &str) -> Stanza {
    let iq = Element::parse(iq, &Limits::default()).unwrap();
    session.send(Stanza::read(iq).unwrap()).await.unwrap();
    session.receive().await.unwrap()
}

const GET: &str = "<iq xmlns='jabber:client' type='get' id='2'><vCard xmlns='vcard-temp'/></iq>";

fn set(card: &str) -> String {
    format!("<iq xmlns='jabber:client' type='set' id='1'>{card}</iq>")
}

#[tokio::test(start_paused = true)]
async fn a_card_has_a_longest() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let kept = ask(&mut juliet, &set(&card(400))).await;
    assert_eq!(kept.reported_error(), None);
    let refused = ask(&mut juliet, &set(&card(401))).await.reported_error().unwrap();
    assert_eq!(refused.condition(), Condition::NotAcceptable);
    assert_eq!(refused.kind(), ErrorType::Modify);
    // What was refused has changed nothing.
    let answer = ask(&mut juliet, GET).await;
    assert_eq!(answer.payload().unwrap().to_element().to_string(), card(400));
}

#[tokio::test(start_paused = true)]
async fn a_card_comes_back_byte_for_byte() {
    const CARD: &str = "<vCard xmlns='vcard-temp' xmlns:v=\"vcard-temp\" version='2.0'>\n \
        <FN>J &amp; R</FN><v:N ><v:FAMILY>Capulet</v:FAMILY></v:N><TEL>1&#x2d;2</TEL>\
        <x xmlns='urn:example:x' a = 'b'><![CDATA[<]]></x></vCard>";
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &set(CARD)).await.reported_error(), None);
    let answer = ask(&mut juliet, GET).await;
    assert_eq!(answer.payload().unwrap().to_element().to_string(), CARD);
}

#[tokio::test(start_paused = true)]
async fn an_empty_card_leaves_nothing_behind() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for (set, stored) in
        [(card(100).as_str(), true), ("<vCard xmlns='vcard-temp'> </vCard>", false)]
    {
        juliet.send(format!("<iq type='set' id='1'>{set}</iq>")).await;
        assert_eq!(juliet.receive().await.attr("type"), Some("result"));
        assert_eq!(is_stored(&stage).await, stored, "{set}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_goes_with_its_account() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send(format!("<iq type='set' id='1'>{}</iq>", card(100))).await;
    juliet.receive().await;
    assert!(is_stored(&stage).await);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(!is_stored(&stage).await);
}

/// Nobody is told that a card is kept which is not, or that there is none when it cannot be read.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_empty_card() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    faults.on(Calls::Writes).within("vcard").fail(ErrorKind::Full);
    faults.on(Calls::Reads).within("vcard").fail(ErrorKind::Io);
    let set = format!("<iq type='set' id='1'>{}</iq>", card(100));
    for request in [&*set, "<iq type='get' id='2'><vCard xmlns='vcard-temp'/></iq>"] {
        juliet.send(request).await;
        assert_eq!(juliet.receive().await.attr("type"), Some("error"), "{request}");
    }
    faults.mend();
    juliet.send("<iq type='get' id='3'><vCard xmlns='vcard-temp'/></iq>").await;
    let answer = juliet.receive().await;
    assert_eq!(answer.attr("type"), Some("result"));
    assert!(answer.first_child().unwrap().first_child().is_none(), "{answer}");
}

/// Whoever is there is there, with a photo or without.
#[tokio::test(start_paused = true)]
async fn presence_does_not_wait_for_a_photo() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let photo = "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>YWJj</BINVAL></PHOTO></vCard>";
    juliet.send(format!("<iq type='set' id='1'>{photo}</iq>")).await;
    assert_eq!(juliet.receive().await.attr("type"), Some("result"));
    faults.on(Calls::Reads).within("vcard").fail(ErrorKind::Io);
    for shown in [false, true] {
        juliet.send("<presence to='romeo@capulet.example/orchard'/>").await;
        let presence = romeo.receive().await;
        assert_eq!(presence.child("x", "vcard-temp:x:update").is_some(), shown, "{presence}");
        faults.mend();
    }
}

/// The hash is kept with the card or not at all.
#[tokio::test(start_paused = true)]
async fn a_card_that_is_not_kept_shows_no_photo() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    faults.on(Calls::Writes).within("vcard").fail(ErrorKind::Full);
    let photo = "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>YWJj</BINVAL></PHOTO></vCard>";
    juliet.send(format!("<iq type='set' id='1'>{photo}</iq>")).await;
    assert_eq!(juliet.receive().await.attr("type"), Some("error"));
    juliet.send("<presence to='romeo@capulet.example/orchard'/>").await;
    assert!(romeo.receive().await.first_child().is_none());
}

#[test]
fn settings_are_checked() {
    let install = |longest| {
        let domain = "capulet.example".parse().unwrap();
        let mut assembly = Assembly::new(Settings::new(domain, sestina_store::memory()));
        assembly.plugin(Vcards { longest, ..Vcards::default() }).map(drop)
    };
    assert!(install(1).is_ok() && install(LONGEST).is_ok());
    assert!(install(0).is_err() && install(LONGEST + 1).is_err());
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let without = Scene::new("capulet.example").build().await.unwrap();
    for (stage, there) in [(&scene().build().await.unwrap(), true), (&without, false)] {
        for scope in [Scope::Server, Scope::Account] {
            let described = stage.server().describe(&scope);
            let told = described.is_some_and(|it| it.features().any(|it| it == "vcard-temp"));
            assert_eq!(told, there, "{scope:?}");
        }
    }
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><vCard xmlns='vcard-temp'/></iq>
juliet receives:
  <iq type='error' id='1'><vCard xmlns='vcard-temp'/><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='set' id='2'><vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard></iq>
juliet receives:
  <iq type='error' id='2'><vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "vcard"), "{spaces:?}");
}

#[tokio::test(start_paused = true)]
async fn a_card_moves_with_its_account() {
    let verona = scene().build().await.unwrap();
    let mut juliet = verona.attach("juliet@capulet.example/balcony").await;
    verona.account(&"juliet@capulet.example".parse().unwrap()).await;
    let written = "<vCard xmlns='vcard-temp' v='2'>\n<FN>J &amp; R</FN><x xmlns='urn:x'/></vCard>";
    ask(&mut juliet, &set(written)).await;
    let left = verona.export("juliet@capulet.example").await;
    assert_eq!(left.last().unwrap().to_string(), written);
    let mantua = scene().build().await.unwrap();
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    assert_eq!(mantua.export("juliet@capulet.example").await, left);
    let mut juliet = mantua.attach("juliet@capulet.example/balcony").await;
    let answer = ask(&mut juliet, GET).await;
    assert_eq!(answer.payload().unwrap().to_element().to_string(), written);
    // The bound is that of the server it comes to.
    for (content, taken) in [(card(400), true), (card(401), false)] {
        let imported = mantua.import_xml("romeo@capulet.example", &content).await;
        assert_eq!(imported.is_ok(), taken, "{imported:?}");
    }
    mantua.import_xml("nurse@capulet.example", "<vCard xmlns='vcard-temp'/>").await.unwrap();
    let left = mantua.export("nurse@capulet.example").await;
    assert_eq!(left.len(), 1, "an empty card is no card: {left:?}");
}
