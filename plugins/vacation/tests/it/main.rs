//! Vacations as clients see them, and what is left of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use sestina_core::{Assembly, AssemblyError, Plan, Planned, Plugin, Scope, Server, Spec};
use sestina_stanza::{Condition, Jid, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store, transcripts};
use sestina_vacation::{LONGEST, MOST_SENDERS, Vacation};

/// Takes whatever nobody is there to take, as something that keeps messages does.
#[derive(Debug)]
struct Cellar;

impl Plugin for Cellar {
    const NAME: &'static str = "offline";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.recipient().plan(&Arc::new(self), |_, plan: &mut Plan, _: &Server| {
            if plan.is_undeliverable() {
                plan.claim("offline", async |_, _| Ok(()));
            }
            Planned::Done
        });
        Ok(())
    }
}

/// Assembled before what it has to stand behind.
fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Vacation { longest: 40, senders: 2 }).plugin(Cellar)
}

transcripts! { scene: away, settings }

fn vacation(message: &str) -> String {
    format!(
        "<iq type='set' id='1'><query xmlns='http://jabber.org/protocol/vacation'>\
         <start/><end/><message>{message}</message></query></iq>"
    )
}

async fn ask(client: &mut Client, xml: &str) -> Option<Condition> {
    client.send(xml).await;
    Stanza::read(client.receive().await).unwrap().reported_error().map(|error| error.condition())
}

/// Whether a sender is told anything.
async fn told(stage: &Stage, sender: &mut Client) -> bool {
    sender.send("<message to='juliet@capulet.example'><body>Hark</body></message>").await;
    stage.settle().await;
    sender.next_if_any().await.is_some()
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for (longest, senders) in [(0, 1), (LONGEST + 1, 1), (1, 0), (1, MOST_SENDERS + 1)] {
        let scene = Scene::new("capulet.example").plugin(Vacation { longest, senders });
        assert!(scene.build().await.is_err(), "{longest} {senders}");
    }
    let scene = Scene::new("capulet.example").plugin(Vacation { longest: LONGEST, senders: 1 });
    assert!(scene.build().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_acknowledged_nor_said() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    faults.on(Calls::Writes).within("vacation").fail(ErrorKind::Full);
    let full = Some(Condition::ResourceConstraint);
    assert_eq!(ask(&mut juliet, &vacation("Away")).await, full);
    faults.mend();
    assert_eq!(ask(&mut juliet, &vacation("Away")).await, None);
    faults.on(Calls::Writes).within("vacation").fail(ErrorKind::Full);
    assert!(!told(&stage, &mut romeo).await);
    faults.mend();
    assert!(told(&stage, &mut romeo).await);
    assert!(!told(&stage, &mut romeo).await);
}

#[tokio::test(start_paused = true)]
async fn a_vacation_and_who_knows_of_it_outlive_the_server_but_not_the_account() {
    let store = sestina_store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    assert_eq!(ask(&mut juliet, &vacation("Away")).await, None);
    assert!(told(&stage, &mut romeo).await);
    drop((stage, juliet, romeo));
    let stage = scene().store(store.clone()).build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/street").await;
    let mut tybalt = stage.login("tybalt@capulet.example/street").await;
    assert!(!told(&stage, &mut romeo).await);
    assert!(told(&stage, &mut tybalt).await);
    let juliet: Jid = "juliet@capulet.example".parse().unwrap();
    stage.server().accounts().remove(&juliet).await.unwrap();
    assert!(store.space("vacation").owners(None, 1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const NAMESPACE: &str = "http://jabber.org/protocol/vacation";
    let tells = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == NAMESPACE))
    };
    assert!(tells(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!tells(&without));
    let mut juliet = without.login("juliet@capulet.example/balcony").await;
    let refused = ask(&mut juliet, &vacation("Away")).await;
    assert_eq!(refused, Some(Condition::ServiceUnavailable));
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "vacation"), "{spaces:?}");
}
