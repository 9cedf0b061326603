//! A server's end: with goodbyes, and leaving nothing behind.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use sestina_core::{
    Assembly, AssemblyError, Guarded, Plugin, Refusal, Scope, Server, ShuttingDown, Spec,
};
use sestina_stanza::Condition;
use tokio::task::yield_now;

use crate::cast::{JULIET, Log, ROMEO, plugin, scene, send, stage};

plugin!(Last, "last", |log, to| {
    to.on(&log, async |log: &Log, _: &ShuttingDown, server: &Server| {
        log.note(format!("{} sessions", server.session_count()));
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn everybody_is_told_and_nobody_comes_in_any_more() {
    let log = Log::default();
    let stage = stage(scene().plugin(Last(log.clone()))).await;
    let server = stage.server().clone();
    let romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, &format!("<message id='1' to='{JULIET}'/>")).await;
    let ends = tokio::spawn({
        let server = server.clone();
        async move { server.shut_down().await }
    });
    yield_now().await;
    assert_eq!(log.take(), ["2 sessions"]);
    let refused = server.attach(JULIET.parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.condition(), Condition::ServiceUnavailable);
    // What was queued before is handed over first.
    assert_eq!(juliet.receive().await.unwrap().id(), Some("1"));
    for mut session in [romeo, juliet] {
        let ended = session.receive().await.unwrap_err();
        assert_eq!(ended.error.unwrap().condition().name(), "system-shutdown");
        session.close().await;
    }
    ends.await.unwrap();
    assert_eq!(server.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_go_is_waited_for_so_long() {
    let drain = Duration::from_secs(7);
    let stage = stage(scene().settings(move |settings| settings.bounds.drain = drain)).await;
    let _stays = stage.attach(ROMEO).await;
    let start = stage.server().elapsed();
    stage.server().shut_down().await;
    assert_eq!(stage.server().elapsed() - start, drain);
}

/// Has hooks, handlers and state everywhere.
struct Everywhere(Arc<()>);

impl Plugin for Everywhere {
    const NAME: &'static str = "everywhere";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let state = &self.0;
        to.sender().guard(state, |_, _, _| Guarded::Pass);
        to.recipient().outcome(state, |_, _, _, _| {});
        to.on(state, async |_: &(), _: &ShuttingDown, _: &Server| Ok::<_, Refusal>(()));
        to.service("rooms", state, async |_: &(), _, _: &Server| Ok::<_, Refusal>(()))?;
        to.provide(state.clone())?;
        let this = to.require::<()>();
        to.form(Scope::Server, move |_| {
            let () = *this;
            None
        });
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_server_leaves_nothing_behind() {
    let state = Arc::new(());
    let watch: Weak<()> = Arc::downgrade(&state);
    let stage = stage(scene().plugin(Everywhere(state))).await;
    let mut juliet = stage.attach(JULIET).await;
    let mut romeo = stage.login(ROMEO).await;
    send(&juliet, "<presence/>").await;
    romeo.send(format!("<message to='{JULIET}'/>")).await;
    juliet.receive().await.unwrap();
    assert!(watch.strong_count() > 0);
    juliet.close().await;
    drop(romeo);
    stage.settle().await;
    drop(stage);
    // The connections' tasks are aborted with the network.
    yield_now().await;
    assert_eq!(watch.strong_count(), 0);
}
