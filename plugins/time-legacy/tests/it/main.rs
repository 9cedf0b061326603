//! The server's time as old clients see it.

use sestina_core::Scope;
use sestina_testkit::{Scene, perform, transcripts};
use sestina_time_legacy::LegacyTime;

fn scene() -> Scene {
    Scene::new("capulet.example").start("2030-02-03T04:05:06Z").plugin(LegacyTime)
}

transcripts! { scene: tells_the_time }

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const REQUEST: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><query xmlns='jabber:iq:time'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'><query xmlns='jabber:iq:time'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
";
    let stage = Scene::new("capulet.example").build().await.unwrap();
    perform(&stage, REQUEST).await.unwrap();
    let described = stage.server().describe(&Scope::Server).unwrap();
    assert!(!described.features().any(|feature| feature == "jabber:iq:time"));
    let described = scene().build().await.unwrap();
    let described = described.server().describe(&Scope::Server).unwrap();
    assert!(described.features().any(|feature| feature == "jabber:iq:time"));
}
