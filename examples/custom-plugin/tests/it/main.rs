//! Notes on doors as clients see them.

mod guide;

use custom_plugin::DoorNotes;
use sestina_core::Scope;
use sestina_testkit::{Scene, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(DoorNotes { longest: 20 })
}

transcripts! { scene: leaves_notes }

#[tokio::test(start_paused = true)]
async fn a_note_goes_with_its_account() {
    let stage = scene().build().await.unwrap();
    sestina_testkit::perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='set' id='1'><note xmlns='urn:example:door'>Gone</note></iq>
juliet receives: <iq type='result' id='1'/>
",
    )
    .await
    .unwrap();
    let notes = stage.server().store().space("door-notes");
    assert_eq!(notes.owners(None, 2).await.unwrap().len(), 1);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(notes.owners(None, 2).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_note_has_some_length() {
    let scene = Scene::new("capulet.example").plugin(DoorNotes { longest: 0 });
    let error = scene.build().await.unwrap_err();
    assert_eq!(error.to_string(), "door-notes: longest must be at least 1 byte");
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &sestina_testkit::Stage| {
        let described = stage.server().describe(&Scope::Account);
        described.is_some_and(|it| it.features().any(|feature| feature == "urn:example:door"))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    sestina_testkit::perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1'><note xmlns='urn:example:door'/></iq>
juliet receives:
  <iq type='error' id='1'><note xmlns='urn:example:door'/><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "door-notes"), "{spaces:?}");
}
