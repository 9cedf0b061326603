//! Statistics as people and administrators see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_core::Scope;
use sestina_stanza::Payload;
use sestina_stats::{Failure, MOST, Query, Statistics};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, faulty_store, transcripts};

const NAMESPACE: &str = "http://jabber.org/protocol/stats";

fn scene() -> Scene {
    let scene = Scene::new("capulet.example").account("nurse@capulet.example");
    scene.plugin(Statistics).settings(|settings| {
        settings.administrators.push("juliet@capulet.example".parse().unwrap());
    })
}

transcripts! { scene: s3_19_administrators, s3_19_everybody }

async fn ask(client: &mut Client, names: &[String]) -> Option<Query> {
    let stats: String = names.iter().map(|name| format!("<stat name='{name}'/>")).collect();
    let query = format!("<query xmlns='{NAMESPACE}'>{stats}</query>");
    client.send(format!("<iq type='get' id='1' to='capulet.example'>{query}</iq>")).await;
    let answer = client.receive().await;
    (answer.attr("type") == Some("result"))
        .then(|| Query::read(answer.child("query", NAMESPACE).unwrap()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn many_are_asked_for_at_once_but_not_more() {
    let stage = scene().build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let mut names: Vec<_> = (0..MOST).map(|number| format!("a/{number}")).collect();
    assert_eq!(ask(&mut romeo, &names).await.unwrap().stats.len(), MOST);
    names.push("a/b".into());
    assert_eq!(ask(&mut romeo, &names).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_counted_now_says_so() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let names = ["users/total".to_owned(), "users/online".to_owned()];
    let counted = ask(&mut juliet, &names).await.unwrap();
    assert_eq!(counted.stats[0].outcome, Some(Ok(("users".into(), 2))));
    faults.on(Calls::Reads).fail(ErrorKind::Io);
    let counted = ask(&mut juliet, &names).await.unwrap();
    assert_eq!(counted.stats[0].outcome, Some(Err(Failure::Unavailable)));
    assert_eq!(counted.stats[1].outcome, Some(Ok(("users".into(), 0))));
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &sestina_testkit::Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == NAMESPACE))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    let mut romeo = without.login("romeo@capulet.example/orchard").await;
    assert_eq!(ask(&mut romeo, &[]).await, None);
}
