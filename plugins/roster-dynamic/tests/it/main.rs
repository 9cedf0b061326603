//! What is known of contacts, as clients see it (S3-21).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Attached, BoxFuture, Plugin, Refusal, Scope, Server, Spec,
};
use sestina_roster_dynamic::{AT_ONCE, ContactData, DynamicRoster, Item, LONGEST};
use sestina_stanza::{Condition, Jid, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, transcripts};
use sestina_xml::{Element, Limits};

const NAMESPACE: &str = "jabber:iq:roster-dynamic";

fn scene() -> Scene {
    let scene = Scene::new("capulet.example").account("juliet@capulet.example");
    scene.plugin(DynamicRoster { contacts: 3, longest: 200 })
}

transcripts! { scene: keeps_what_is_known }

async fn ask(session: &mut Attached, kind: &str, items: &str) -> Stanza {
    let iq = format!(
        "<iq xmlns='jabber:client' type='{kind}' id='1'>\
         <query xmlns='{NAMESPACE}'>{items}</query></iq>"
    );
    let iq = Element::parse(iq, &Limits::default()).unwrap();
    session.send(Stanza::read(iq).unwrap()).await.unwrap();
    session.receive().await.unwrap()
}

async fn refused(session: &mut Attached, kind: &str, items: &str) -> Option<Condition> {
    ask(session, kind, items).await.reported_error().map(|error| error.condition())
}

/// What is known of one contact.
async fn known(session: &mut Attached, contact: &str) -> String {
    let answer = ask(session, "get", &format!("<item jid='{contact}'/>")).await;
    answer.payload().unwrap().first_child().unwrap().text().into_owned()
}

fn items(count: usize) -> String {
    (0..count).map(|number| format!("<item jid='{number}@a.example'>{number}</item>")).collect()
}

async fn juliet(stage: &Stage) -> Attached {
    stage.attach("juliet@capulet.example/balcony").await
}

#[tokio::test(start_paused = true)]
async fn s3_21_what_makes_no_sense_is_refused() {
    let stage = scene().build().await.unwrap();
    let mut juliet = juliet(&stage).await;
    for bad in ["", "<item/>", "<item jid='@'/>", "<item jid='a@b'/><item>x</item>"] {
        for kind in ["get", "set"] {
            let told = refused(&mut juliet, kind, bad).await;
            assert_eq!(told, Some(Condition::BadRequest), "{bad}");
        }
    }
    assert!(
        stage.server().store().space("roster-dynamic").owners(None, 1).await.unwrap().is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn everything_is_bounded() {
    let stage = scene().build().await.unwrap();
    let mut juliet = juliet(&stage).await;
    // All or nothing.
    let full = Some(Condition::ResourceConstraint);
    assert_eq!(refused(&mut juliet, "set", &items(4)).await, full);
    assert_eq!(known(&mut juliet, "0@a.example").await, "");
    assert_eq!(refused(&mut juliet, "set", &items(3)).await, None);
    assert_eq!(refused(&mut juliet, "set", "<item jid='x@a'>x</item>").await, full);
    assert_eq!(refused(&mut juliet, "set", "<item jid='0@a.example'>x</item>").await, None);
    assert_eq!(refused(&mut juliet, "set", "<item jid='0@a.example'/>").await, None);
    assert_eq!(refused(&mut juliet, "set", "<item jid='x@a'>x</item>").await, None);
    let unacceptable = Some(Condition::NotAcceptable);
    let long = format!("<item jid='x@a'>{}</item>", "x".repeat(200));
    assert_eq!(refused(&mut juliet, "set", &long).await, unacceptable);
    assert_eq!(refused(&mut juliet, "get", &items(AT_ONCE)).await, None);
    for kind in ["get", "set"] {
        assert_eq!(refused(&mut juliet, kind, &items(AT_ONCE + 1)).await, unacceptable);
    }
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for (contacts, longest, fine) in
        [(0, 1, false), (1, 0, false), (1, LONGEST + 1, false), (1, LONGEST, true)]
    {
        let scene = Scene::new("capulet.example").plugin(DynamicRoster { contacts, longest });
        assert_eq!(scene.build().await.is_ok(), fine, "{contacts} {longest}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_acknowledged() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = juliet(&stage).await;
    faults.on(Calls::Writes).within("roster-dynamic").fail(ErrorKind::Full);
    assert!(refused(&mut juliet, "set", &items(1)).await.is_some());
    faults.mend();
    assert_eq!(known(&mut juliet, "0@a.example").await, "");
    assert_eq!(refused(&mut juliet, "set", &items(1)).await, None);
    faults.on(Calls::Reads).within("roster-dynamic").fail(ErrorKind::Io);
    assert!(refused(&mut juliet, "get", &items(1)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_known_outlives_the_server_but_not_the_account() {
    let store = sestina_store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    assert_eq!(refused(&mut juliet(&stage).await, "set", &items(1)).await, None);
    drop(stage);
    let stage = scene().store(store.clone()).build().await.unwrap();
    assert_eq!(known(&mut juliet(&stage).await, "0@a.example").await, "0");
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(store.space("roster-dynamic").owners(None, 1).await.unwrap().is_empty());
}

/// Knows everybody, and keeps nothing.
struct Oracle;

impl Plugin for Oracle {
    const NAME: &'static str = "oracle";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn ContactData>(Arc::new(self))
    }
}

impl ContactData for Oracle {
    fn read<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        _: &'a Server,
    ) -> BoxFuture<'a, Result<Option<Item>, Refusal>> {
        let element = Element::builder("item", NAMESPACE)
            .attr("jid", contact.as_str())
            .text(format!("known to {account}"))
            .build();
        Box::pin(async { Ok(Some(Item { jid: contact.clone(), element })) })
    }

    fn write<'a>(
        &'a self,
        _: &'a Jid,
        _: Vec<Item>,
        _: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async { Err(Condition::NotAllowed.into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn s3_21_whoever_computes_it_is_asked_instead() {
    let stage = scene().plugin(Oracle).build().await.unwrap();
    let mut juliet = juliet(&stage).await;
    assert_eq!(known(&mut juliet, "x@a.example").await, "known to juliet@capulet.example");
    assert_eq!(refused(&mut juliet, "set", &items(1)).await, Some(Condition::NotAllowed));
    assert!(
        stage.server().store().space("roster-dynamic").owners(None, 1).await.unwrap().is_empty()
    );
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == NAMESPACE))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    let refused = refused(&mut juliet(&without).await, "get", &items(1)).await;
    assert_eq!(refused, Some(Condition::ServiceUnavailable));
}
