//! The software's version as clients see it.

use sestina_core::Scope;
use sestina_testkit::{Scene, play, transcripts};
use sestina_version::SoftwareVersion;

fn scene() -> Scene {
    let version = SoftwareVersion {
        name: "Verona".into(),
        version: "1597 <Q1>".into(),
        os: Some("quill".into()),
    };
    Scene::new("capulet.example").plugin(version)
}

transcripts! { scene: tells_the_version }

#[test]
fn what_is_not_to_be_told_is_not_told() {
    let version = SoftwareVersion { version: String::new(), ..SoftwareVersion::default() };
    play(
        Scene::new("capulet.example").plugin(version),
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><query xmlns='jabber:iq:version'/></iq>
juliet receives:
  <iq type='result' id='1' from='capulet.example'><query xmlns='jabber:iq:version'>
    <name>sestina</name><version/></query></iq>
",
    );
}

#[tokio::test(start_paused = true)]
async fn software_has_a_name() {
    let version = SoftwareVersion { name: String::new(), ..SoftwareVersion::default() };
    let error = Scene::new("capulet.example").plugin(version).build().await.unwrap_err();
    assert_eq!(error.to_string(), "version: name must be the name of the software");
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const REQUEST: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><query xmlns='jabber:iq:version'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'><query xmlns='jabber:iq:version'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
";
    let stage = Scene::new("capulet.example").build().await.unwrap();
    sestina_testkit::perform(&stage, REQUEST).await.unwrap();
    let described = stage.server().describe(&Scope::Server).unwrap();
    assert!(!described.features().any(|feature| feature == "jabber:iq:version"));
}
