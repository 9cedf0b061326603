//! Messages that wait, as clients see them, and what becomes of them when things go wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod handover;
mod mailbox;
mod mishaps;
mod model;
mod moving;

use std::time::Duration;

use sestina_core::Scope;
use sestina_offline::{Bounds, OfflineMessages};
use sestina_testkit::{Scene, Stage, perform, play, transcripts};

/// With room for a hundred messages.
fn scene() -> Scene {
    Scene::new("capulet.example").plugin(keeping(100))
}

fn keeping(messages: usize) -> OfflineMessages {
    let bounds = Bounds { messages, unwritten: 4, ..Bounds::default() };
    OfflineMessages { keep: Duration::from_secs(24 * 60 * 60), bounds }
}

transcripts! { scene: does_not_wait, waits }

#[test]
fn what_finds_no_room_is_refused() {
    play(Scene::new("capulet.example").plugin(keeping(3)), IS_FULL);
}

const IS_FULL: &str = "
# Three messages wait, and no more.
[account] juliet@capulet.example
[client] romeo: romeo@capulet.example/orchard
romeo sends:
  <message to='juliet@capulet.example' id='1'><body>One</body></message>
  <message to='juliet@capulet.example' id='2'><body>Two</body></message>
romeo receives nothing
12 h pass
romeo sends:
  <message to='juliet@capulet.example' id='3'><body>Three</body></message>
  <message to='juliet@capulet.example' id='4'><body>Four</body></message>
romeo receives:
  <message type='error' id='4' from='juliet@capulet.example'><body>Four</body><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>

# What has waited for a day makes room.
12 h pass
romeo sends:
  <message to='juliet@capulet.example' id='5'><body>Five</body></message>
  <message to='juliet@capulet.example' id='6'><body>Six</body></message>
  <message to='juliet@capulet.example' id='7'><body>Seven</body></message>
romeo receives:
  <message type='error' id='7' from='juliet@capulet.example'><body>Seven</body><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>

# And is not delivered.
12 h pass
[client] juliet: juliet@capulet.example/balcony
juliet sends: <presence/>
juliet receives:
  <message to='juliet@capulet.example' from='romeo@capulet.example/orchard' id='5'><body>Five</body><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
  <message to='juliet@capulet.example' from='romeo@capulet.example/orchard' id='6'><body>Six</body><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
juliet receives nothing
";

#[tokio::test(start_paused = true)]
async fn what_waits_goes_with_its_account() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    perform(
        &stage,
        "
[client] romeo: romeo@capulet.example/orchard
romeo sends: <message to='juliet@capulet.example'><body>Hark</body></message>
romeo receives nothing
",
    )
    .await
    .unwrap();
    let kept = stage.server().store().space("offline");
    assert_eq!(kept.owners(None, 2).await.unwrap().len(), 1);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(kept.owners(None, 2).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    let never = OfflineMessages { keep: Duration::ZERO, ..OfflineMessages::default() };
    assert!(Scene::new("capulet.example").plugin(never).build().await.is_err());
    let bounds = Bounds { unwritten: 0, ..Bounds::default() };
    let nothing = OfflineMessages { bounds, ..OfflineMessages::default() };
    assert!(Scene::new("capulet.example").plugin(nothing).build().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == "msgoffline"))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without =
        Scene::new("capulet.example").account("juliet@capulet.example").build().await.unwrap();
    assert!(!told(&without));
    perform(
        &without,
        "
[client] romeo: romeo@capulet.example/orchard
romeo sends: <message to='juliet@capulet.example' id='1'><body>Hark</body></message>
romeo receives:
  <message type='error' id='1' from='juliet@capulet.example'><body>Hark</body>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "offline"), "{spaces:?}");
}
