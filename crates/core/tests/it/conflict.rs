//! Resources that are bound twice, and as many as there may be.

use sestina_core::{Conflict, Refusal, Server, SessionBound, SessionClosed};
use sestina_stanza::Condition;
use sestina_testkit::{Scene, Stage};

use crate::cast::{JULIET, Log, gist, plugin, scene, send, stage};

fn with(conflict: Conflict) -> Scene {
    scene().settings(move |settings| settings.conflict = conflict)
}

plugin!(Watch, "watch", |log, to| {
    to.on(&log, async |log: &Log, it: &SessionBound, _: &Server| {
        log.note(format!("bound {}", it.session.id()));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &SessionClosed, _: &Server| {
        log.note(format!("closed {}", it.session.id()));
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn by_default_the_new_one_replaces_the_old_one() {
    let log = Log::default();
    let stage = stage(with(Conflict::default()).plugin(Watch(log.clone()))).await;
    let mut old = stage.attach(JULIET).await;
    send(&old, "<presence/>").await;
    let mut new = stage.attach(JULIET).await;
    let ended = old.receive().await.unwrap_err();
    assert_eq!(ended.error.unwrap().condition().name(), "conflict");
    assert!(!stage.server().is_online(new.session().account()));
    // The carrier of the old one closes it in its own time, which does not touch the new one.
    old.close().await;
    assert_eq!(log.take(), ["bound 1", "bound 2", "closed 1"]);
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    send(&romeo, &format!("<message id='1' to='{JULIET}'/>")).await;
    assert_eq!(gist(&mut new).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn the_new_one_may_get_another_name() {
    let stage = stage(with(Conflict::Rename)).await;
    let old = stage.attach(JULIET).await;
    let new = stage.attach(JULIET).await;
    assert_ne!(old.jid(), new.jid());
    assert!(old.jid().same_bare(new.jid()));
    assert_eq!(stage.server().sessions(old.jid()).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_new_one_may_be_refused_if_it_has_chosen_the_name() {
    let stage = stage(with(Conflict::Refuse)).await;
    let old = stage.attach(JULIET).await;
    let refused = stage.server().attach(JULIET.parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.condition(), Condition::Conflict);
    assert_eq!(stage.server().session(old.jid()).unwrap().id(), old.session().id());
}

#[tokio::test(start_paused = true)]
async fn an_account_has_so_many_sessions_and_no_more() {
    let stage = stage(scene().settings(|settings| settings.bounds.sessions_per_account = 2)).await;
    let bind = async |stage: &Stage, resource: &str| {
        let jid = format!("juliet@capulet.example/{resource}").parse().unwrap();
        stage.server().attach(jid).await
    };
    let _a = bind(&stage, "a").await.unwrap();
    let b = bind(&stage, "b").await.unwrap();
    let refused = bind(&stage, "c").await.unwrap_err();
    assert_eq!(refused.condition(), Condition::ResourceConstraint);
    // A resource that is there already takes no room.
    let again = bind(&stage, "b").await.unwrap();
    b.close().await;
    again.close().await;
    bind(&stage, "c").await.unwrap().close().await;
    stage.attach("romeo@capulet.example/a").await;
}

#[tokio::test(start_paused = true)]
async fn only_full_addresses_of_served_domains_are_bound() {
    let stage = stage(scene()).await;
    for odd in ["juliet@capulet.example", "capulet.example", "juliet@montague.example/x"] {
        let refused = stage.server().attach(odd.parse().unwrap()).await.unwrap_err();
        assert_eq!(refused.condition(), Condition::JidMalformed, "{odd}");
    }
    assert_eq!(stage.server().session_count(), 0);
}
