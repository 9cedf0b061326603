//! Bounded queues: what happens when nobody reads, and that nothing is lost on the way.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use sestina_core::{Attached, Overflow, QueueBounds};
use sestina_testkit::{Scene, Stage};

use crate::cast::{JULIET, ROMEO, gist, heard, scene, send, stage};

fn bounded(queue: QueueBounds, overflow: Overflow) -> Scene {
    scene().settings(move |settings| {
        settings.bounds.queue = queue;
        settings.overflow = overflow;
    })
}

async fn chat(from: &Attached, to: &str, id: usize) {
    send(from, &format!("<message id='{id}' type='chat' to='{to}'><body>Hark!</body></message>"))
        .await;
}

async fn duet(scene: Scene) -> (Stage, Attached, Attached) {
    let stage = stage(scene).await;
    let romeo = stage.attach(ROMEO).await;
    let juliet = stage.attach(JULIET).await;
    send(&juliet, "<presence/>").await;
    (stage, romeo, juliet)
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_closes_its_session_and_what_it_held_is_not_lost() {
    let bounds = QueueBounds { stanzas: 3, bytes: usize::MAX };
    let (stage, mut romeo, juliet) = duet(bounded(bounds, Overflow::Close)).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    send(&hall, "<presence><priority>-1</priority></presence>").await;
    for id in 1..=5 {
        chat(&romeo, JULIET, id).await;
    }
    assert_eq!(juliet.session().queued(), 3);
    // The fourth found no room, the fifth found the session closing.
    assert_eq!(gist(&mut romeo).await, ["4 service-unavailable", "5 service-unavailable"]);
    send(&hall, "<presence/>").await;
    juliet.close().await;
    assert_eq!(gist(&mut hall).await, ["1", "2", "3"]);
    assert!(gist(&mut romeo).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_on_gets_what_was_queued_and_then_hears_why() {
    let bounds = QueueBounds { stanzas: 2, bytes: usize::MAX };
    let (_stage, romeo, mut juliet) = duet(bounded(bounds, Overflow::Close)).await;
    for id in 1..=3 {
        chat(&romeo, JULIET, id).await;
    }
    assert_eq!(gist(&mut juliet).await, ["1", "2"]);
    let ended = juliet.receive().await.unwrap_err();
    assert_eq!(ended.error.unwrap().condition().name(), "resource-constraint");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_as_stanzas_are() {
    let bounds = QueueBounds { stanzas: usize::MAX, bytes: 300 };
    let (_stage, mut romeo, juliet) = duet(bounded(bounds, Overflow::Close)).await;
    let large = "x".repeat(100);
    for id in 1..=5 {
        let xml = format!("<message id='{id}' to='{JULIET}'><body>{large}</body></message>");
        send(&romeo, &xml).await;
        heard(&mut romeo).await;
    }
    assert_eq!(juliet.session().queued(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_has_room_for_one_stanza_of_any_size() {
    let bounds = QueueBounds { stanzas: usize::MAX, bytes: 300 };
    let (_stage, romeo, mut juliet) = duet(bounded(bounds, Overflow::Close)).await;
    let large = "x".repeat(1000);
    for id in ["1", "2"] {
        let xml = format!("<message id='{id}' to='{JULIET}'><body>{large}</body></message>");
        send(&romeo, &xml).await;
        assert_eq!(gist(&mut juliet).await, [id]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_may_stay_lets_senders_know() {
    let bounds = QueueBounds { stanzas: 2, bytes: usize::MAX };
    let (_stage, mut romeo, mut juliet) = duet(bounded(bounds, Overflow::Refuse)).await;
    for id in 1..=3 {
        chat(&romeo, JULIET, id).await;
    }
    assert_eq!(gist(&mut romeo).await, ["3 resource-constraint"]);
    assert_eq!(gist(&mut juliet).await, ["1", "2"]);
    chat(&romeo, JULIET, 4).await;
    assert_eq!(gist(&mut juliet).await, ["4"]);
    assert!(heard(&mut romeo).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_closed_session_has_not_read_is_answered_where_nobody_else_takes_it() {
    let (stage, mut romeo, juliet) = duet(scene()).await;
    chat(&romeo, JULIET, 1).await;
    send(&romeo, &format!("<message id='2' type='headline' to='{JULIET}'/>")).await;
    send(&romeo, &format!("<iq id='3' type='get' to='{JULIET}'><q xmlns='q'/></iq>")).await;
    send(&romeo, &format!("<presence id='4' to='{JULIET}'/>")).await;
    juliet.close().await;
    assert_eq!(gist(&mut romeo).await, ["1 service-unavailable", "3 service-unavailable"]);
    assert_eq!(stage.server().session_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_the_end_does_not_come_again() {
    let (stage, romeo, mut juliet) = duet(scene()).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    send(&hall, "<presence/>").await;
    chat(&romeo, JULIET, 1).await;
    chat(&romeo, JULIET, 2).await;
    assert_eq!(juliet.receive().await.unwrap().id(), Some("1"));
    juliet.close().await;
    assert_eq!(gist(&mut hall).await, ["2"]);
}

/// Juliet in two places of the same priority, so that both get what is for neither.
async fn trio() -> (Stage, Attached, Attached, Attached) {
    let (stage, romeo, balcony) = duet(scene()).await;
    let hall = stage.attach("juliet@capulet.example/hall").await;
    send(&hall, "<presence/>").await;
    (stage, romeo, balcony, hall)
}

#[tokio::test(start_paused = true)]
async fn a_message_that_another_session_has_does_not_come_again() {
    let (_stage, mut romeo, balcony, mut hall) = trio().await;
    chat(&romeo, "juliet@capulet.example", 1).await;
    assert_eq!(gist(&mut hall).await, ["1"]);
    chat(&romeo, "juliet@capulet.example", 2).await;
    // The first was read elsewhere before she left, and the second after.
    balcony.close().await;
    assert_eq!(gist(&mut hall).await, ["2"]);
    assert!(gist(&mut romeo).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_none_of_several_has_read_is_answered_once() {
    let (_stage, mut romeo, balcony, hall) = trio().await;
    chat(&romeo, "juliet@capulet.example", 1).await;
    balcony.close().await;
    assert!(gist(&mut romeo).await.is_empty());
    hall.close().await;
    assert_eq!(gist(&mut romeo).await, ["1 service-unavailable"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_none_of_several_has_read_goes_to_whoever_has_come() {
    let (stage, mut romeo, balcony, hall) = trio().await;
    chat(&romeo, "juliet@capulet.example", 1).await;
    let mut garden = stage.attach("juliet@capulet.example/garden").await;
    send(&garden, "<presence/>").await;
    balcony.close().await;
    assert!(gist(&mut garden).await.is_empty());
    hall.close().await;
    assert_eq!(gist(&mut garden).await, ["1"]);
    assert!(gist(&mut romeo).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn presence_that_nobody_has_read_is_told_to_nobody_else() {
    let (stage, romeo, juliet) = duet(scene()).await;
    send(&romeo, "<presence id='1' to='juliet@capulet.example'/>").await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    send(&hall, "<presence/>").await;
    juliet.close().await;
    assert!(gist(&mut hall).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_is_not_drowned_in_the_answers_of_those_who_did_not() {
    let queue = QueueBounds { stanzas: 10, bytes: usize::MAX };
    let stage = stage(bounded(queue, Overflow::Close)).await;
    let mut nurse = stage.login("nurse@capulet.example/chamber").await;
    let mut deaf = Vec::new();
    for name in ["juliet", "tybalt", "romeo"] {
        let session = stage.attach(&format!("{name}@capulet.example/x")).await;
        for id in 0..queue.stanzas {
            nurse.send(format!("<message id='{id}' to='{}'/>", session.jid())).await;
        }
        deaf.push(session);
    }
    stage.settle().await;
    assert!(deaf.iter().all(|session| session.session().queued() == queue.stanzas));
    // They all go at once, and each of their messages comes back.
    drop(deaf);
    for _ in 0..3 * queue.stanzas {
        assert_eq!(nurse.receive().await.attr("type"), Some("error"));
    }
    assert!(nurse.next_if_any().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_is_drained_when_its_carrier_has_passed_everything_on() {
    let (_stage, romeo, mut juliet) = duet(scene()).await;
    let session = juliet.session().clone();
    assert!(session.drained().await, "nothing is queued");
    let mut cx = Context::from_waker(Waker::noop());
    chat(&romeo, JULIET, 1).await;
    chat(&romeo, JULIET, 2).await;
    let mut both = pin!(session.drained());
    assert!(both.as_mut().poll(&mut cx).is_pending());
    // What comes later is not waited for.
    chat(&romeo, JULIET, 3).await;
    // Taken is not passed on: only who comes for more has done with it.
    assert!(
        session.poll_outbound(&mut cx, |item| item.stanza().unwrap().id() == Some("1")).is_ready()
    );
    assert_eq!(session.queued(), 1);
    assert!(both.as_mut().poll(&mut cx).is_pending());
    let mut all = pin!(session.drained());
    assert!(session.poll_outbound(&mut cx, |_| true).is_ready());
    assert_eq!(both.as_mut().poll(&mut cx), Poll::Ready(true));
    assert!(all.as_mut().poll(&mut cx).is_pending());
    // A host program has what it was given.
    chat(&romeo, JULIET, 4).await;
    let waits = {
        let session = session.clone();
        tokio::spawn(async move { session.drained().await })
    };
    tokio::task::yield_now().await;
    juliet.receive().await.unwrap();
    assert!(waits.await.unwrap());
    chat(&romeo, JULIET, 5).await;
    let waits = {
        let session = session.clone();
        tokio::spawn(async move { session.drained().await })
    };
    tokio::task::yield_now().await;
    juliet.close().await;
    assert!(!waits.await.unwrap(), "nobody has read it");
    assert!(!session.drained().await, "nor will anybody");
}
