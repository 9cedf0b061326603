//! The address as clients find it (S2-05).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_address::{ADDRESS, ClientAddress};
use sestina_testkit::{Client, Scene, Stage};
use sestina_xml::Element;

async fn stage() -> Stage {
    let scene = Scene::new("capulet.example").account("juliet@capulet.example");
    scene.plugin(ClientAddress).build().await.unwrap()
}

fn from(stage: &Stage, peer: &str) -> Client {
    stage.connect_from(peer.parse().unwrap())
}

fn told(features: &Element) -> Option<String> {
    features.child("address", ADDRESS).map(|address| address.text().into_owned())
}

#[tokio::test(start_paused = true)]
async fn s2_05_a_stranger_is_told_where_it_comes_from() {
    let stage = stage().await;
    for (peer, address) in [
        ("192.0.2.7:40000", "192.0.2.7"),
        ("[2001:db8::7]:40000", "2001:db8::7"),
        ("[::ffff:192.0.2.7]:40000", "192.0.2.7"),
    ] {
        let features = from(&stage, peer).open().await;
        assert_eq!(told(&features).as_deref(), Some(address));
    }
    assert_eq!(told(&stage.connect().open().await), None);
}

#[tokio::test(start_paused = true)]
async fn s2_05_nobody_is_told_later() {
    let stage = stage().await;
    let mut juliet = from(&stage, "127.0.0.1:40000");
    assert!(told(&juliet.open().await).is_some());
    juliet.authenticate("juliet", "juliet").await;
    assert_eq!(told(&juliet.open().await), None);
}

#[tokio::test(start_paused = true)]
async fn s2_05_where_tls_is_required_it_is_not_in_the_way() {
    let scene = Scene::new("capulet.example").plugin(ClientAddress);
    let scene = scene.settings(|settings| settings.authentication.require_tls = true);
    let stage = scene.build().await.unwrap();
    let features = from(&stage, "192.0.2.7:40000").open().await;
    assert_eq!(features.children().count(), 1, "{features}");
}

#[tokio::test(start_paused = true)]
async fn it_is_told_and_not_negotiated() {
    let stage = stage().await;
    let mut stranger = from(&stage, "192.0.2.7:40000");
    stranger.open().await;
    stranger.send(format!("<address xmlns='{ADDRESS}'>198.51.100.1</address>")).await;
    let error = stranger.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "unsupported-stanza-type");
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    assert_eq!(told(&from(&stage, "192.0.2.7:40000").open().await), None);
}
