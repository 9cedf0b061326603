//! Blocking as clients see it, and what it leaves behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_blocking::{Blocking, MOST_BYTES, MOST_ITEMS};
use sestina_core::Scope;
use sestina_stanza::{Condition, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Blocking { items: 3, bytes: 50 })
}

transcripts! { scene: blocked, lists }

async fn ask(client: &mut Client, xml: &str) -> Option<Condition> {
    client.send(xml).await;
    Stanza::read(client.receive().await).unwrap().reported_error().map(|error| error.condition())
}

fn blocking(jids: &[&str]) -> String {
    let items: String = jids.iter().map(|jid| format!("<item jid='{jid}'/>")).collect();
    format!("<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'>{items}</block></iq>")
}

#[tokio::test(start_paused = true)]
async fn a_list_has_its_bound_and_goes_with_its_account() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &blocking(&["a@b.c", "b.c/r", "d.e"])).await, None);
    assert_eq!(ask(&mut juliet, &blocking(&["d.e"])).await, None);
    assert_eq!(ask(&mut juliet, &blocking(&["f.g"])).await, Some(Condition::ResourceConstraint));
    let unblock = "<iq type='set' id='1'><unblock xmlns='urn:xmpp:blocking'/></iq>";
    assert_eq!(ask(&mut juliet, unblock).await, None);
    let (fits, long) = ("a".repeat(50), "a".repeat(51));
    assert_eq!(ask(&mut juliet, &blocking(&[&long])).await, Some(Condition::ResourceConstraint));
    assert_eq!(ask(&mut juliet, &blocking(&[&fits])).await, None);
    let kept = stage.server().store().space("lists");
    assert_eq!(kept.owners(None, 2).await.unwrap().len(), 1);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(kept.owners(None, 2).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_while_nobody_knows_who_is_blocked() {
    let (store, faults) = faulty_store();
    let scene = scene().store(store).account("juliet@capulet.example");
    let stage = scene.build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    faults.on(Calls::Reads).within("lists").fail(ErrorKind::Io);
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    stage.settle().await;
    let message = "<message to='juliet@capulet.example' id='1'><body>Hark</body></message>";
    let refused = ask(&mut romeo, message).await;
    assert!(refused.is_some());
    faults.mend();
    romeo.send(message).await;
    loop {
        let stanza = Stanza::read(juliet.receive().await).unwrap();
        if stanza.body().as_deref() == Some("Hark") {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for items in [0, MOST_ITEMS + 1] {
        let blocking = Blocking { items, ..Blocking::default() };
        assert!(Scene::new("capulet.example").plugin(blocking).build().await.is_err(), "{items}");
    }
    for bytes in [0, MOST_BYTES + 1] {
        let blocking = Blocking { bytes, ..Blocking::default() };
        assert!(Scene::new("capulet.example").plugin(blocking).build().await.is_err(), "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == "urn:xmpp:blocking"))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    let mut juliet = without.login("juliet@capulet.example/balcony").await;
    let refused = ask(&mut juliet, &blocking(&["d.e"])).await;
    assert_eq!(refused, Some(Condition::ServiceUnavailable));
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "lists"), "{spaces:?}");
}
