//! The software as whoever looks around is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_core::Scope;
use sestina_software_info::SoftwareInfo;
use sestina_stanza::DataForm;
use sestina_testkit::Scene;

async fn forms(scene: Scene) -> Vec<DataForm> {
    let stage = scene.build().await.unwrap();
    let server = stage.server();
    server.describe(&Scope::Server).unwrap().forms(server)
}

fn with(info: SoftwareInfo) -> Scene {
    Scene::new("capulet.example").plugin(info)
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_told() {
    let info = SoftwareInfo {
        software: "Verona".into(),
        version: "1597".into(),
        os: "quill".into(),
        os_version: "3".into(),
    };
    let forms = forms(with(info)).await;
    let [form] = &*forms else { panic!("{forms:?}") };
    assert_eq!(form.form_type(), Some("urn:xmpp:dataforms:softwareinfo"));
    let told = ["os", "os_version", "software", "software_version"].map(|var| form.value(var));
    assert_eq!(told, [Some("quill"), Some("3"), Some("Verona"), Some("1597")]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_told_is_not_told() {
    let defaults = forms(with(SoftwareInfo::default())).await;
    assert_eq!(defaults[0].value("software"), Some("sestina"));
    assert!(defaults[0].value("software_version").is_some());
    assert!(defaults[0].find("os").is_none() && defaults[0].find("os_version").is_none());
    let discreet = SoftwareInfo { version: String::new(), ..SoftwareInfo::default() };
    assert!(forms(with(discreet)).await[0].find("software_version").is_none());
}

#[tokio::test(start_paused = true)]
async fn software_has_a_name() {
    let info = SoftwareInfo { software: String::new(), ..SoftwareInfo::default() };
    let error = with(info).build().await.unwrap_err();
    assert_eq!(error.to_string(), "software-info: software must be the name of the software");
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_there_is_no_form() {
    assert!(forms(Scene::new("capulet.example")).await.is_empty());
}
