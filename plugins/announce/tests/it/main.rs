//! Announcements as people hear them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_announce::{Announcements, LONGEST};
use sestina_core::{Caller, CommandError, Report, Server};
use sestina_stanza::{Condition, DataForm, Field, FormType, Jid, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example")
        .settings(|it| it.administrators = vec![Jid::new("nurse@capulet.example").unwrap()])
        .plugin(Announcements { longest: 40 })
}

transcripts! { scene: messages }

async fn run(server: &Server, node: &str, text: &str) -> Result<Report, CommandError> {
    let command = server.command(&format!("http://jabber.org/protocol/admin#{node}")).unwrap();
    let mut form = DataForm::new(FormType::Submit);
    for var in ["motd", "welcome"] {
        form.fields.push(Field::new(var).value(text));
    }
    let home = Jid::new("capulet.example").unwrap();
    command.run(Caller::Operator, home, form, server).await
}

fn refused(ran: Result<Report, CommandError>) -> Condition {
    match ran.unwrap_err() {
        CommandError::Refused(refusal) => refusal.error().condition(),
        other => panic!("{other:?}"),
    }
}

/// What a client hears when it becomes available anew.
async fn heard(stage: &Stage, client: &mut Client) -> Option<String> {
    client.send("<presence type='unavailable'/><presence/>").await;
    stage.settle().await;
    let mut told = None;
    while let Some(received) = client.next_if_any().await {
        if let sestina_testkit::Received::Element(element) = received {
            let stanza = Stanza::read(element).unwrap();
            told = told.or_else(|| stanza.body().map(|body| body.into_owned()));
        }
    }
    told
}

#[tokio::test(start_paused = true)]
async fn each_account_hears_each_message_of_the_day_once() {
    let store = sestina_store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    let server = stage.server();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(heard(&stage, &mut juliet).await, None);
    run(server, "set-motd", "A feast").await.unwrap();
    let told = Stanza::read(juliet.receive().await).unwrap();
    assert_eq!(told.body().as_deref(), Some("A feast"), "she was online");
    assert_eq!(heard(&stage, &mut juliet).await, None);
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    run(server, "edit-motd", "A great feast").await.unwrap();
    assert_eq!(heard(&stage, &mut romeo).await.as_deref(), Some("A great feast"));
    assert_eq!(heard(&stage, &mut romeo).await, None);
    assert_eq!(heard(&stage, &mut juliet).await, None);
    drop((stage, juliet, romeo));

    // All of that outlives the server.
    let stage = scene().store(store.clone()).build().await.unwrap();
    let server = stage.server();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut tybalt = stage.login("tybalt@capulet.example/street").await;
    assert_eq!(heard(&stage, &mut juliet).await, None);
    assert_eq!(heard(&stage, &mut tybalt).await.as_deref(), Some("A great feast"));

    // One after a time without any is another one.
    run(server, "delete-motd", "").await.unwrap();
    let gone = run(server, "edit-motd", "A duel").await;
    assert!(matches!(gone, Err(CommandError::Forbidden)), "{gone:?}");
    let mut paris = stage.login("paris@capulet.example/street").await;
    assert_eq!(heard(&stage, &mut paris).await, None);
    juliet.send("<presence type='unavailable'/>").await;
    stage.settle().await;
    run(server, "set-motd", "A duel").await.unwrap();
    assert_eq!(heard(&stage, &mut juliet).await.as_deref(), Some("A duel"));

    server.accounts().remove(&Jid::new("juliet@capulet.example").unwrap()).await.unwrap();
    let owners = store.space("announce").owners(None, 9).await.unwrap();
    assert!(!owners.iter().any(|it| it.as_account() == Some("juliet@capulet.example")));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_acknowledged_nor_said() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let server = stage.server();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    faults.on(Calls::Writes).within("announce").fail(ErrorKind::Full);
    for node in ["set-motd", "set-welcome"] {
        assert_eq!(refused(run(server, node, "A feast").await), Condition::ResourceConstraint);
    }
    assert_eq!(heard(&stage, &mut juliet).await, None);
    faults.mend();
    juliet.send("<presence type='unavailable'/>").await;
    stage.settle().await;
    run(server, "set-motd", "A feast").await.unwrap();
    faults.on(Calls::Writes).within("announce").fail(ErrorKind::Full);
    assert_eq!(heard(&stage, &mut juliet).await, None, "who has heard cannot be written down");
    faults.mend();
    assert_eq!(heard(&stage, &mut juliet).await.as_deref(), Some("A feast"));
}

#[tokio::test(start_paused = true)]
async fn a_welcome_goes_to_new_accounts_as_long_as_there_is_one() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let early = run(server, "delete-welcome", "").await;
    assert!(matches!(early, Err(CommandError::Forbidden)), "{early:?}");
    run(server, "set-welcome", "Welcome").await.unwrap();
    // The session of a host program is there before the account is.
    let mut paris = stage.attach("paris@capulet.example/street").await;
    let presence = Stanza::presence(sestina_stanza::PresenceType::Available).build();
    paris.send(presence).await.unwrap();
    let account = Jid::new("paris@capulet.example").unwrap();
    server.accounts().create(&account, "county").await.unwrap();
    assert_eq!(paris.receive().await.unwrap().body().as_deref(), Some("Welcome"));
    run(server, "delete-welcome", "").await.unwrap();
    server.accounts().remove(&account).await.unwrap();
    let paris = stage.attach("paris@capulet.example/street").await;
    let presence = Stanza::presence(sestina_stanza::PresenceType::Available).build();
    paris.send(presence).await.unwrap();
    server.accounts().create(&account, "county").await.unwrap();
    stage.settle().await;
    assert_eq!(paris.session().queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_too_long_changes_nothing() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    run(server, "set-motd", &"a".repeat(40)).await.unwrap();
    for node in ["set-motd", "edit-motd", "set-welcome"] {
        let long = run(server, node, &"a".repeat(41)).await;
        assert_eq!(refused(long), Condition::NotAcceptable, "{node}");
    }
    let edit = server.command("http://jabber.org/protocol/admin#edit-motd").unwrap();
    let pages = edit.ask(server).await.unwrap();
    assert_eq!(pages[0].value("motd").map(str::len), Some(40), "what is set is suggested");
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for longest in [0, LONGEST + 1] {
        let scene = Scene::new("capulet.example").plugin(Announcements { longest });
        assert!(scene.build().await.is_err(), "{longest}");
    }
    let scene = Scene::new("capulet.example").plugin(Announcements { longest: LONGEST });
    assert!(scene.build().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let without = Scene::new("capulet.example")
        .settings(|it| it.administrators = vec![Jid::new("nurse@capulet.example").unwrap()])
        .build()
        .await
        .unwrap();
    assert_eq!(without.server().commands().count(), 0);
    let mut nurse = without.login("nurse@capulet.example/house").await;
    let mut juliet = without.login("juliet@capulet.example/balcony").await;
    assert_eq!(heard(&without, &mut juliet).await, None);
    nurse.send("<message to='capulet.example/announce/online'><body>Hark</body></message>").await;
    without.settle().await;
    assert_eq!(heard(&without, &mut juliet).await, None);
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "announce"), "{spaces:?}");
}
