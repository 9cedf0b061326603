//! Lines as clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use {{crate}}::{{type}};
use sestina_core::Scope;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, faulty_store, perform, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin({{type}} { longest: 10 })
}

transcripts! { scene: keeps_a_line }

#[tokio::test(start_paused = true)]
async fn nothing_is_confirmed_that_was_not_stored() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).account("juliet@capulet.example").build().await.unwrap();
    faults.on(Calls::Writes).within("{{name}}").fail(ErrorKind::Io);
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='set' id='1'><line xmlns='urn:example:{{name}}'>Hark!</line></iq>
juliet receives:
  <iq type='error' id='1'><line xmlns='urn:example:{{name}}'>Hark!</line>{any}</iq>
",
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_line_has_some_length() {
    let scene = Scene::new("capulet.example").plugin({{type}} { longest: 0 });
    let error = scene.build().await.unwrap_err();
    assert_eq!(error.to_string(), "{{name}}: longest must be at least 1 byte");
}

#[tokio::test(start_paused = true)]
async fn a_line_goes_with_its_account() {
    let stage = scene().build().await.unwrap();
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='set' id='1'><line xmlns='urn:example:{{name}}'>Hark!</line></iq>
juliet receives: <iq type='result' id='1'/>
",
    )
    .await
    .unwrap();
    let kept = stage.server().store().space("{{name}}");
    assert_eq!(kept.owners(None, 2).await.unwrap().len(), 1);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(kept.owners(None, 2).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    let described = stage.server().describe(&Scope::Own);
    let told = |feature: &str| feature == "urn:example:{{name}}";
    assert!(described.is_none_or(|it| !it.features().any(told)));
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><line xmlns='urn:example:{{name}}'/></iq>
juliet receives:
  <iq type='error' id='1'><line xmlns='urn:example:{{name}}'/><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
}
