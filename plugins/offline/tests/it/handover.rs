//! Messages change hands: whatever ends meanwhile, none is lost, and none overtakes another.

use std::collections::BTreeSet;

use sestina_core::{Attached, Server};
use sestina_stanza::{Condition, Jid, MessageType, PresenceType, Stanza};
use sestina_store::{Direction, ErrorKind, Log, Owner, Record};
use sestina_testkit::{Calls, Stage, faulty_store};

use crate::scene;

pub(crate) fn jid(jid: &str) -> Jid {
    jid.parse().unwrap()
}

pub(crate) fn numbered(number: usize) -> Stanza {
    Stanza::message(MessageType::Chat)
        .to(jid("juliet@capulet.example"))
        .body(number.to_string())
        .build()
}

pub(crate) async fn leave(stage: &Stage, messages: usize) {
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    for number in 0..messages {
        romeo.send(numbered(number)).await.unwrap();
    }
    stage.settle().await;
    romeo.close().await;
}

pub(crate) async fn come(stage: &Stage, resource: &str) -> Attached {
    let juliet = stage.attach(&format!("juliet@capulet.example/{resource}")).await;
    juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    juliet
}

/// What comes until nothing more does.
pub(crate) async fn all(juliet: &mut Attached) -> Vec<usize> {
    let mut numbers = Vec::new();
    let patience = std::time::Duration::from_secs(5);
    while let Ok(stanza) = tokio::time::timeout(patience, juliet.receive()).await {
        if let Some(body) = stanza.unwrap().body() {
            numbers.push(body.parse().unwrap());
        }
    }
    numbers
}

/// A record of any shape, for counting.
#[derive(serde::Serialize, serde::Deserialize)]
struct Any(sestina_stanza::Timestamp, String);

impl Record for Any {
    const VERSION: u8 = 1;
}

pub(crate) async fn stored(server: &Server) -> usize {
    let log: Log<Any> = server.store().space("offline").log("messages");
    let owner = Owner::account("juliet@capulet.example");
    log.range(&owner, .., 1000, Direction::Forward).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn many_come_in_order_and_are_gone_then() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 100).await;
    assert_eq!(stored(stage.server()).await, 100);
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, (0..100).collect::<Vec<_>>());
    assert_eq!(stored(stage.server()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn one_of_many_resources_gets_each() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 90).await;
    let (mut one, mut two) = tokio::join!(come(&stage, "one"), come(&stage, "two"));
    let (one, two) = tokio::join!(all(&mut one), all(&mut two));
    assert_eq!(one.len() + two.len(), 90);
    assert!(one.is_sorted() && two.is_sorted());
    assert_eq!(one.into_iter().chain(two).collect::<BTreeSet<_>>(), (0..90).collect());
}

#[tokio::test(start_paused = true)]
async fn what_a_session_has_not_read_waits_for_the_next_in_order() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 90).await;
    let mut juliet = come(&stage, "balcony").await;
    for _ in 0..10 {
        juliet.receive().await.unwrap();
    }
    juliet.close().await;
    stage.settle().await;
    // What the first one has read is done with, though it came in one go with the rest.
    assert_eq!(stored(stage.server()).await, 80);
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, (10..90).collect::<Vec<_>>());
    assert_eq!(stored(stage.server()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn another_resource_takes_over() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 90).await;
    let one = come(&stage, "one").await;
    stage.settle().await;
    let mut two = come(&stage, "two").await;
    one.close().await;
    assert_eq!(all(&mut two).await, (0..90).collect::<Vec<_>>());
    assert_eq!(stored(stage.server()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn live_messages_that_were_not_read_wait_as_well() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let juliet = come(&stage, "balcony").await;
    stage.settle().await;
    leave(&stage, 5).await;
    assert_eq!(stored(stage.server()).await, 0);
    juliet.close().await;
    // They are stored when the session has ended.
    assert_eq!(stored(stage.server()).await, 5);
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, (0..5).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_read_keeps_nobody_waiting() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 10).await;
    let juliet = come(&stage, "balcony").await;
    stage.settle().await;
    let away = Stanza::presence(PresenceType::Available).text_child("priority", "-1").build();
    juliet.send(away).await.unwrap();
    // Ten times what may be on its way.
    leave(&stage, 40).await;
    assert_eq!(stored(stage.server()).await, 50);
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_waits_for_the_store() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    for number in 0..3 {
        romeo.send(numbered(number)).await.unwrap();
    }
    stage.server().shut_down().await;
    assert_eq!(stored(stage.server()).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_told_of_and_loses_nothing() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).account("juliet@capulet.example").build().await.unwrap();
    leave(&stage, 3).await;
    faults.on(Calls::Reads).within("offline").times(1).fail(ErrorKind::Io);
    let mut juliet = come(&stage, "balcony").await;
    assert!(all(&mut juliet).await.is_empty());
    juliet.close().await;
    // Handed over, but still there.
    faults.on(Calls::Writes).within("offline").times(1).fail(ErrorKind::Full);
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, [0, 1, 2]);
    juliet.close().await;
    let mut juliet = come(&stage, "balcony").await;
    assert_eq!(all(&mut juliet).await, [0, 1, 2]);
    juliet.close().await;
    faults.on(Calls::Writes).within("offline").times(1).fail(ErrorKind::Full);
    let mut romeo = stage.attach("romeo@capulet.example/orchard").await;
    romeo.send(numbered(4)).await.unwrap();
    let error = romeo.receive().await.unwrap().reported_error().unwrap();
    assert_eq!(error.condition(), Condition::ResourceConstraint);
    assert_eq!(stored(stage.server()).await, 0);
}
