//! What is told is what is there.

use sestina_core::Scope;
use sestina_disco::{Discovery, Info};
use sestina_stanza::{Payload, ns};
use sestina_testkit::{Client, Scene, perform};

use crate::scene;

async fn ask(client: &mut Client, node: Option<&str>) -> Info {
    let query = Info { node: node.map(Into::into), ..Info::default() }.write();
    client.send(format!("<iq type='get' id='1' to='capulet.example'>{query}</iq>")).await;
    let answer = client.receive().await;
    let query = answer.child("query", ns::DISCO_INFO).expect("an answer");
    Info::read(query).expect("information")
}

#[tokio::test(start_paused = true)]
async fn the_capabilities_stand_for_what_is_told() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let mut juliet = stage.connect();
    assert!(juliet.open().await.child("c", ns::CAPS).is_none(), "not for strangers");
    juliet.authenticate("juliet", "juliet").await;
    let features = juliet.open().await;
    let caps = features.child("c", ns::CAPS).expect("capabilities");
    assert_eq!(caps.attr("hash"), Some("sha-1"));
    let (node, ver) = (caps.attr("node").expect("a node"), caps.attr("ver").expect("a version"));
    juliet.bind(None).await;
    let about = ask(&mut juliet, None).await;
    assert_eq!(about.verification(), ver);
    assert!(about.features.contains(ns::CAPS));
    let named = format!("{node}#{ver}");
    assert_eq!(ask(&mut juliet, Some(&named)).await, Info { node: Some(named), ..about });
    let scene = Scene::new("capulet.example").plugin(Discovery::default());
    let other = scene.build().await.unwrap();
    let mut juliet = other.login("juliet@capulet.example/balcony").await;
    assert_ne!(ask(&mut juliet, None).await.verification(), ver);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_one_is_named() {
    for node in ["", "https://a.example/#b"] {
        let discovery = Discovery { node: node.into(), ..Discovery::default() };
        let error = Scene::new("capulet.example").plugin(discovery).build().await.unwrap_err();
        assert_eq!(error.to_string(), "disco: node must be a URI without '#'");
    }
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    for scope in [Scope::Server, Scope::Account, Scope::Services] {
        let described = stage.server().describe(&scope);
        assert!(described.is_none_or(|it| it.features().next().is_none()), "{scope:?}");
    }
    let mut client = stage.connect();
    stage.account(&"romeo@capulet.example".parse().unwrap()).await;
    client.open().await;
    client.authenticate("romeo", "romeo").await;
    assert!(client.open().await.child("c", ns::CAPS).is_none());
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='get' id='1' to='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='get' id='2'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>
juliet receives:
  <iq type='error' id='2'>
    <query xmlns='http://jabber.org/protocol/disco#items'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = stage.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "disco"), "{spaces:?}");
}
