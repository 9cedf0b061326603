//! Pings as clients see them.

use sestina_core::Scope;
use sestina_ping::Pings;
use sestina_testkit::{Scene, perform, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Pings)
}

transcripts! { scene: answers_pings }

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const REQUEST: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'><ping xmlns='urn:xmpp:ping'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='get' id='2'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives:
  <iq type='error' id='2'><ping xmlns='urn:xmpp:ping'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
";
    let stage = Scene::new("capulet.example").build().await.unwrap();
    perform(&stage, REQUEST).await.unwrap();
    for scope in [Scope::Server, Scope::Own] {
        let described = stage.server().describe(&scope);
        assert!(described.is_none_or(|it| it.features().all(|feature| feature != "urn:xmpp:ping")));
    }
}
