//! Notes on doors as clients see them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod guide;

use custom_plugin::DoorNotes;
use sestina_core::{Caller, CommandError, Report, Scope};
use sestina_stanza::{Condition, DataForm, Field, FormType};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, faulty_store, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(DoorNotes { longest: 20 })
}

transcripts! { scene: leaves_notes, locks_a_door }

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

const NOTE: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='set' id='1'><note xmlns='urn:example:door' locked='true'>Gone</note></iq>
juliet receives: <iq type='result' id='1'/>
";

/// Runs the command, as whoever sits at the machine does.
async fn take_down(stage: &sestina_testkit::Stage, account: &str) -> Result<Report, CommandError> {
    let command = stage.server().command("urn:example:door#take-down").unwrap();
    let mut form = DataForm::new(FormType::Submit);
    form.fields.push(Field::new("account").value(account));
    command.run(Caller::Operator, stage.domain().clone(), form, stage.server()).await
}

#[tokio::test(start_paused = true)]
async fn administrators_take_notes_down() {
    let stage = scene().build().await.unwrap();
    sestina_testkit::perform(&stage, NOTE).await.unwrap();
    take_down(&stage, "juliet@capulet.example").await.unwrap();
    for account in ["juliet@capulet.example", "nobody@capulet.example"] {
        match take_down(&stage, account).await.unwrap_err() {
            CommandError::Refused(refusal) => {
                assert_eq!(refusal.error().condition(), Condition::ItemNotFound);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_opens_no_door_and_confirms_nothing() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    sestina_testkit::perform(&stage, NOTE).await.unwrap();
    faults.on(Calls::Reads).within("door-notes").fail(ErrorKind::Io);
    faults.on(Calls::Writes).within("door-notes").fail(ErrorKind::Full);
    sestina_testkit::perform(
        &stage,
        "
[client] romeo: romeo@capulet.example/orchard
romeo sends: <message id='1' to='juliet@capulet.example'><body>Hark!</body></message>
romeo receives:
  <message type='error' id='1' from='juliet@capulet.example'><body>Hark!</body>
    <error type='wait' code='500'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo sends: <iq type='set' id='2'><note xmlns='urn:example:door'>Here</note></iq>
romeo receives:
  <iq type='error' id='2'><note xmlns='urn:example:door'>Here</note>
    <error type='wait' code='500'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
}
