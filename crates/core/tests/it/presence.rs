//! What a session says of itself, and the events of its life.

use sestina_core::{PresenceChanged, Refusal, Server, SessionBound, SessionClosed};

use crate::cast::{JULIET, Log, ROMEO, gist, plugin, scene, send, stage};

plugin!(Watch, "watch", |log, to| {
    to.on(&log, async |log: &Log, it: &SessionBound, server: &Server| {
        let found = server.session(it.session.jid()).is_some();
        log.note(format!("bound {} {found}", it.session.jid()));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &PresenceChanged, _: &Server| {
        let rank = it.session.priority();
        log.note(format!("{:?} {rank:?} initial {}", it.presence.kind(), it.initial));
        assert_eq!(it.presence.from(), Some(it.session.jid()));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &SessionClosed, server: &Server| {
        let found = server.session(it.session.jid()).is_some();
        log.note(format!("closed {} {found}", it.session.jid()));
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn events_come_in_the_order_of_a_sessions_life() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let session = stage.attach(JULIET).await;
    send(&session, "<presence type='unavailable'/>").await;
    send(&session, "<presence><priority> 7 </priority></presence>").await;
    send(&session, "<presence><priority>-1</priority></presence>").await;
    // Directed presence changes nothing for all.
    send(&session, "<presence to='romeo@capulet.example'/>").await;
    send(&session, "<presence type='unavailable'/>").await;
    send(&session, "<presence/>").await;
    session.close().await;
    assert_eq!(
        log.take(),
        [
            "bound juliet@capulet.example/balcony true",
            "Presence(Available) Some(7) initial true",
            "Presence(Available) Some(-1) initial false",
            "Presence(Unavailable) None initial false",
            "Presence(Available) Some(0) initial true",
            "Presence(Unavailable) None initial false",
            "closed juliet@capulet.example/balcony false",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_is_online_from_its_first_presence_to_its_last() {
    let stage = stage(scene()).await;
    let server = stage.server();
    let session = stage.attach(JULIET).await;
    let account = session.session().account().clone();
    assert!(!server.is_online(&account) && session.session().presence().is_none());
    send(&session, "<presence><show>away</show></presence>").await;
    assert!(server.is_online(&account));
    let presence = session.session().presence().unwrap();
    assert_eq!(presence.child_text("show").as_deref(), Some("away"));
    send(&session, "<presence type='unavailable'/>").await;
    assert!(!server.is_online(&account) && session.session().presence().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_priority_that_is_none_changes_nothing() {
    let stage = stage(scene()).await;
    let mut romeo = stage.attach(ROMEO).await;
    send(&romeo, "<presence><priority>3</priority></presence>").await;
    for odd in ["128", "-129", "high", "", "1.5"] {
        send(&romeo, &format!("<presence id='1'><priority>{odd}</priority></presence>")).await;
        assert_eq!(gist(&mut romeo).await, ["1 bad-request"], "{odd}");
        assert_eq!(romeo.session().priority(), Some(3));
    }
    for (edge, priority) in [("127", 127), ("-128", -128)] {
        send(&romeo, &format!("<presence><priority>{edge}</priority></presence>")).await;
        assert_eq!(romeo.session().priority(), Some(priority));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_listener_keeps_nobody_else_from_hearing() {
    plugin!(Broken, "broken", |log, to| {
        to.on(&log, async |_: &Log, _: &SessionBound, _: &Server| {
            Err(Refusal::internal("broken on purpose"))
        });
        Ok(())
    });
    let log = Log::default();
    let stage = stage(scene().plugin(Broken::default()).plugin(Watch(log.clone()))).await;
    stage.attach(JULIET).await;
    assert_eq!(log.take(), ["bound juliet@capulet.example/balcony true"]);
}
