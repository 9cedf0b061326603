//! Draft acknowledgements as clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_draft_acks::{ACKS, DraftAcks};
use sestina_testkit::{Client, Received, Scene, Stage, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").account("juliet@capulet.example").plugin(DraftAcks)
}

transcripts! { scene: s2_04_acknowledges_in_order, s2_04_is_not_for_strangers }

/// Opens a stream that declares the namespace on its root.
async fn opened(client: &mut Client) {
    let header = client.header();
    let header = header.strip_suffix('>').unwrap();
    client.send(format!("{header} xmlns:ack='{ACKS}'>")).await;
    assert!(matches!(client.next().await, Received::Open(_)));
    let features = client.receive().await;
    assert!(features.child("ack", ACKS).is_some(), "{features}");
}

async fn logged_in(stage: &Stage) -> Client {
    let mut client = stage.connect();
    client.open().await;
    client.authenticate("juliet", "juliet").await;
    client
}

#[tokio::test(start_paused = true)]
async fn s2_03_a_prefix_of_the_root_holds_for_the_life_of_the_stream() {
    let stage = scene().build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let io = logged_in(&stage).await.into_io();
    let mut juliet = Client::new(io, "capulet.example");
    opened(&mut juliet).await;
    juliet.send("<ack:enable/>").await;
    assert!(juliet.receive().await.is("enabled", ACKS));
    juliet.bind(Some("balcony")).await;
    juliet.send("<ack:r c='1'/>").await;
    let answer = juliet.receive().await;
    assert_eq!((answer.is("a", ACKS), answer.attr("b")), (true, Some("1")));
    // On another's stream it is declared anew.
    juliet
        .send("<message to='romeo@capulet.example/orchard'><ack:note>Hark</ack:note></message>")
        .await;
    let heard = romeo.receive().await;
    assert!(heard.child("note", ACKS).is_some(), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").account("juliet@capulet.example");
    let stage = stage.build().await.unwrap();
    let mut juliet = logged_in(&stage).await;
    assert!(juliet.open().await.child("ack", ACKS).is_none());
    juliet.bind(None).await;
    juliet.send(format!("<ping xmlns='{ACKS}'/>")).await;
    let error = juliet.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "unsupported-stanza-type");
}
