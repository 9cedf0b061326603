//! Last activity as clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Lookup, Plugin, Refusal, Scope, Settings, Spec,
    Subscription,
};
use sestina_last::{LONGEST_STATUS, LastActivity};
use sestina_stanza::{Condition, Jid};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, perform, transcripts};

/// Romeo sees Juliet's presence, and she does not see his; what the nurse's list says nobody knows.
struct Families;

impl Plugin for Families {
    const NAME: &'static str = "families";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Contacts>(Arc::new(self))
    }
}

impl Contacts for Families {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        let subscription = match (account.local(), contact.local()) {
            (Some("juliet"), Some("romeo")) => Subscription::From,
            (Some("romeo"), Some("juliet")) => Subscription::To,
            (Some("nurse"), _) => {
                let broken = Refusal::new(Condition::InternalServerError).because("a torn page");
                return Lookup::Wait(Box::pin(async { Err(broken) }));
            }
            _ => return Lookup::Known(None),
        };
        Lookup::Known(Some(Contact::new(subscription, [])))
    }
}

fn alone() -> Scene {
    Scene::new("capulet.example").start("2030-02-03T04:05:06Z").plugin(LastActivity { status: 20 })
}

fn scene() -> Scene {
    alone().plugin(Families).account("nurse@capulet.example")
}

transcripts! { scene: tells_contacts, tells_nobody_else, tells_the_uptime }

/// Whether the store holds anything of the plugin's about an account.
async fn is_stored(stage: &Stage, account: &str) -> bool {
    let owners = stage.server().store().space("last").owners(None, 10).await.unwrap();
    owners.contains(&sestina_store::Owner::account(account))
}

#[tokio::test(start_paused = true)]
async fn without_contact_lists_nobody_is_told_of_others() {
    perform(
        &alone().build().await.unwrap(),
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
juliet sends: <presence/>
romeo sends: <iq type='get' id='1' to='juliet@capulet.example'><query xmlns='jabber:iq:last'/></iq>
romeo receives:
  <iq type='error' id='1' from='juliet@capulet.example'><query xmlns='jabber:iq:last'/>
    <error type='auth' code='403'>
      <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='get' id='2' to='juliet@capulet.example'><query xmlns='jabber:iq:last'/></iq>
juliet receives:
  <iq type='result' id='2' from='juliet@capulet.example'>
    <query xmlns='jabber:iq:last' seconds='0'/></iq>
",
    )
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_record_goes_with_its_account() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert!(is_stored(&stage, "juliet@capulet.example").await);
    juliet.send("<presence/>").await;
    stage.settle().await;
    // Its session goes with it, and that is not remembered.
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(!is_stored(&stage, "juliet@capulet.example").await);
}

#[tokio::test(start_paused = true)]
async fn sessions_without_an_account_are_forgotten() {
    let stage = scene().build().await.unwrap();
    let host = stage.attach("host@capulet.example/program").await;
    for presence in [
        "<presence xmlns='jabber:client'/>",
        "<presence xmlns='jabber:client' type='unavailable'/>",
    ] {
        let presence = sestina_xml::Element::parse(presence, &Default::default()).unwrap();
        host.send(sestina_stanza::Stanza::read(presence).unwrap()).await.unwrap();
    }
    stage.settle().await;
    assert!(!is_stored(&stage, "host@capulet.example").await);
}

/// What cannot be read is not told, and who cannot be remembered still comes and goes.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_keeps_nobody_from_going() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    faults.on(Calls::Writes).within("last").fail(ErrorKind::Full);
    faults.on(Calls::Reads).within("last").fail(ErrorKind::Io);
    juliet
        .send(
            "<presence/><presence type='unavailable'/>\
             <iq type='get' id='1'><query xmlns='jabber:iq:last'/></iq>",
        )
        .await;
    let answer = juliet.receive().await.to_string();
    assert!(answer.contains("type='error'"), "{answer}");
    faults.mend();
    juliet.send("<iq type='get' id='2'><query xmlns='jabber:iq:last'/></iq>").await;
    let answer = juliet.receive().await.to_string();
    assert!(answer.contains(">Registered</query>"), "{answer}");
}

#[test]
fn settings_are_checked() {
    let install = |status| {
        let domain = "capulet.example".parse().unwrap();
        let mut assembly = Assembly::new(Settings::new(domain, sestina_store::memory()));
        assembly.plugin(LastActivity { status }).is_ok()
    };
    assert!(install(0) && install(LONGEST_STATUS) && !install(LONGEST_STATUS + 1));
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let without = Scene::new("capulet.example").plugin(Families).build().await.unwrap();
    for (stage, there) in [(&scene().build().await.unwrap(), true), (&without, false)] {
        for scope in [Scope::Server, Scope::Account] {
            let described = stage.server().describe(&scope);
            let told = described.is_some_and(|it| it.features().any(|it| it == "jabber:iq:last"));
            assert_eq!(told, there, "{scope:?}");
        }
    }
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
juliet sends: <presence/><presence type='unavailable'/>
romeo sends: <iq type='get' id='1' to='juliet@capulet.example'><query xmlns='jabber:iq:last'/></iq>
romeo receives:
  <iq type='error' id='1' from='juliet@capulet.example'><query xmlns='jabber:iq:last'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
romeo sends: <iq type='get' id='2' to='capulet.example'><query xmlns='jabber:iq:last'/></iq>
romeo receives:
  <iq type='error' id='2' from='capulet.example'><query xmlns='jabber:iq:last'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "last"), "{spaces:?}");
}

#[tokio::test(start_paused = true)]
async fn it_moves_with_its_account() {
    const JULIET: &str = "juliet@capulet.example";
    let scene = || Scene::new("capulet.example").plugin(LastActivity { status: 8 });
    let verona = scene().account(JULIET).build().await.unwrap();
    let left = verona.export(JULIET).await;
    // 2030-02-03T04:05:06Z.
    let seen = "<query xmlns='jabber:iq:last' last='1896321906'>Register</query>";
    assert_eq!(left.last().unwrap().to_string(), seen);
    let mantua = scene().start("2031-01-01T00:00:00Z").build().await.unwrap();
    mantua.import(JULIET, &left).await.unwrap();
    assert_eq!(mantua.export(JULIET).await, left);
    for wrong in ["", "last=''", "last='-1'", "last='99999999999'", "seconds='9'"] {
        let wrong = format!("<query xmlns='jabber:iq:last' {wrong}/>");
        mantua.import_xml("romeo@capulet.example", &wrong).await.unwrap_err();
    }
}
