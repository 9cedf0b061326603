//! Copies as clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_carbons::{Carbons, REMEMBERED};
use sestina_core::Scope;
use sestina_testkit::{Client, Scene, perform, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Carbons)
}

transcripts! { scene: asks_for_copies, copies_what_comes, copies_what_goes, copies_failures, leaves_alone, trusts_nobody, keeps_copies_apart }

const ENABLE: &str = "<iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>";

async fn enabled(mut client: Client) -> Client {
    client.send(ENABLE).await;
    client.receive().await;
    client
}

/// As many failures are copied as messages are remembered.
#[tokio::test(start_paused = true)]
async fn old_messages_are_forgotten() {
    let stage = scene().build().await.unwrap();
    let mut hall = enabled(stage.login("juliet@capulet.example/hall").await).await;
    let mut balcony = stage.login("juliet@capulet.example/balcony").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    for id in 0..=REMEMBERED {
        let to = "romeo@capulet.example/orchard";
        balcony.send(&format!("<message type='chat' to='{to}' id='{id}'/>")).await;
        romeo.receive().await;
        hall.receive().await;
    }
    for id in [0, 1] {
        let to = "juliet@capulet.example/balcony";
        romeo.send(&format!("<message type='error' to='{to}' id='{id}'/>")).await;
        balcony.receive().await;
    }
    let copy = hall.receive().await.to_string();
    assert!(copy.contains("id='1'") && copy.contains("<received"), "{copy}");
    stage.settle().await;
    assert_eq!(
        stage.server().session(&"juliet@capulet.example/hall".parse().unwrap()).unwrap().queued(),
        0
    );
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &sestina_testkit::Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.map_or(0, |it| it.features().filter(|it| it.contains("carbons")).count())
    };
    assert_eq!(told(&scene().build().await.unwrap()), 2);
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert_eq!(told(&without), 0);
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>
juliet receives:
  <iq type='error' id='1'><enable xmlns='urn:xmpp:carbons:2'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
}
