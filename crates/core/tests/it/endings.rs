//! Sessions end once, and everybody hears of it, however that comes about.

use std::{future::pending, time::Duration};

use sestina_core::{
    AccountError, AccountRemoved, Get, Plan, Planned, PresenceChanged, Refusal, Scope, Server,
    SessionBound, SessionClosed, ShuttingDown, answer,
};
use sestina_stanza::{Invalid, Jid, Payload, PresenceType};
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, SETTLED, Scene, Stage, faulty_store};
use sestina_xml::{Element, ElementRef};
use tokio::time::{sleep, timeout};

use crate::cast::{JULIET, Log, ROMEO, gist, plugin, scene, send, stage};

plugin!(Watch, "watch", |log, to| {
    to.on(&log, async |log: &Log, it: &SessionBound, _: &Server| {
        log.note(format!("bound {}", it.session.jid()));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &PresenceChanged, _: &Server| {
        if it.presence.kind() == PresenceType::Unavailable.into() {
            log.note(format!("unavailable {}", it.session.jid()));
        }
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &SessionClosed, _: &Server| {
        log.note(format!("closed {}", it.session.jid()));
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_carrier_that_vanishes_ends_its_session_like_one_that_takes_its_leave() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let romeo = stage.attach(ROMEO).await;
    let juliet = stage.attach(JULIET).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    send(&juliet, "<presence/>").await;
    send(&hall, "<presence/>").await;
    send(&romeo, &format!("<message id='1' type='chat' to='{JULIET}'/>")).await;
    log.take();
    drop(juliet);
    stage.settle().await;
    assert_eq!(log.take(), [format!("unavailable {JULIET}"), format!("closed {JULIET}")]);
    assert_eq!(gist(&mut hall).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_once_and_goes_on_when_nobody_waits_for_it() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let juliet = stage.attach(JULIET).await;
    log.take();
    let session = juliet.session().clone();
    assert!(timeout(Duration::ZERO, stage.server().close(&session)).await.is_err());
    stage.server().close(&session).await;
    juliet.close().await;
    stage.settle().await;
    assert_eq!(log.take(), [format!("closed {JULIET}")]);
}

plugin!(Porter, "porter", |log, to| {
    to.on(&log, async |_: &Log, _: &SessionBound, _: &Server| {
        sleep(Duration::from_secs(60)).await;
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_binding_that_is_given_up_leaves_no_session() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone())).plugin(Porter::default())).await;
    let bind = stage.server().attach(JULIET.parse().unwrap());
    assert!(timeout(Duration::from_secs(1), bind).await.is_err());
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
    assert_eq!(log.take(), [format!("bound {JULIET}"), format!("closed {JULIET}")]);
}

/// Logs in, then lets `between` happen, then binds; hands back the reply.
async fn bind_after(stage: &Stage, between: impl AsyncFnOnce(&Stage)) -> String {
    let mut client = stage.connect();
    client.open().await;
    client.authenticate("juliet", "juliet").await;
    client.open().await;
    between(stage).await;
    client
        .send(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <resource>balcony</resource></bind></iq>",
        )
        .await;
    client.receive().await.to_string()
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_account_while_logging_in_gets_no_session() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let juliet: Jid = "juliet@capulet.example".parse().unwrap();
    let reply = bind_after(&stage, async |_| {}).await;
    assert!(reply.contains("type='result'"), "{reply}");
    stage.settle().await;
    log.take();
    let disabled = bind_after(&stage, async |stage| {
        stage.server().accounts().set_disabled(&juliet, true).await.unwrap();
    });
    let reply = disabled.await;
    assert!(reply.contains("<not-authorized"), "{reply}");
    stage.server().accounts().set_disabled(&juliet, false).await.unwrap();
    let removed = bind_after(&stage, async |stage| {
        stage.server().accounts().remove(&juliet).await.unwrap();
    });
    let reply = removed.await;
    assert!(reply.contains("<not-authorized"), "{reply}");
    assert_eq!(stage.server().session_count(), 0);
    assert!(log.take().is_empty());
}

struct Leave;

impl Payload for Leave {
    const NAME: &'static str = "leave";
    const NAMESPACE: &'static str = "urn:example:leave";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

plugin!(Bouncer, "bouncer", |log, to| {
    to.iq(
        Scope::Own,
        answer(&log, async |_: &Log, it: Get<Leave>, _: &Server| {
            if let Some(session) = &it.origin.session {
                session.close(None);
            }
            Ok::<(), Refusal>(())
        }),
    )
});

#[tokio::test(start_paused = true)]
async fn whoever_was_told_to_go_is_not_heard_any_more() {
    let stage = stage(scene().plugin(Bouncer::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.login(JULIET).await;
    let message = |id| format!("<message id='{id}' to='{ROMEO}'/>");
    juliet
        .send(format!(
            "{}<iq id='2' type='get'><leave xmlns='urn:example:leave'/></iq>{}",
            message(1),
            message(3)
        ))
        .await;
    stage.settle().await;
    assert_eq!(gist(&mut romeo).await, ["1"]);

    let nurse = stage.attach("nurse@capulet.example/kitchen").await;
    nurse.session().close(None);
    let late = sestina_stanza::Stanza::message(sestina_stanza::MessageType::Chat).build();
    assert!(nurse.send(late).await.is_err());
}

plugin!(Letterbox, "letterbox", |log, to| {
    to.recipient().plan(&log, |log: &Log, plan: &mut Plan, _: &Server| {
        log.note(format!("{} {}", plan.targets().len(), plan.is_second()));
        if plan.is_undeliverable() {
            let log = log.clone();
            plan.claim("letterbox", async move |stanza, _| {
                log.note(format!("kept {}", stanza.id().unwrap_or_default()));
                Ok(())
            });
        }
        Planned::Done
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn what_a_session_that_goes_takes_no_more_may_be_kept() {
    let log = Log::default();
    let stage = stage(scene().plugin(Letterbox(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let juliet = stage.attach(JULIET).await;
    send(&juliet, "<presence/>").await;
    juliet.session().close(None);
    send(&romeo, "<message id='1' type='chat' to='juliet@capulet.example'/>").await;
    assert_eq!(log.take(), ["1 false", "0 true", "kept 1"]);
    assert!(gist(&mut romeo).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_for_the_server_passes_no_account() {
    let log = Log::default();
    let stage = stage(scene().plugin(Letterbox(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    send(&romeo, "<message id='1' to='capulet.example'/>").await;
    assert_eq!(gist(&mut romeo).await, ["1 service-unavailable"]);
    assert!(log.take().is_empty());
}

plugin!(Diary, "diary", |log, to| {
    to.on(&log, async |log: &Log, _: &AccountRemoved, _: &Server| {
        log.note("removed");
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn an_account_is_there_until_nothing_of_it_is_left() {
    let (store, faults) = faulty_store();
    let first = stage(scene().store(store.clone()).plugin(Diary::default())).await;
    let (server, juliet) = (first.server(), "juliet@capulet.example".parse().unwrap());
    let notes = server.store().space("diary").collection::<(), String>("notes");
    let owner = Owner::account("juliet@capulet.example");
    notes.put(&owner, &(), &"dear diary".to_owned()).await.unwrap();
    faults.on(Calls::Writes).within("diary").fail(ErrorKind::Full);
    let removed = server.accounts().remove(&juliet).await;
    assert!(matches!(removed, Err(AccountError::Store(_))), "{removed:?}");
    // Nobody else can take the name and find what was left under it.
    let taken = server.accounts().create(&juliet, "mine").await;
    assert!(matches!(taken, Err(AccountError::Exists)), "{taken:?}");
    // It does not come back half gone.
    let enabled = server.accounts().set_disabled(&juliet, false).await;
    assert!(matches!(enabled, Err(AccountError::Unknown)), "{enabled:?}");
    let changed = server.accounts().set_password(&juliet, "mine").await;
    assert!(matches!(changed, Err(AccountError::Unknown)), "{changed:?}");
    faults.mend();
    // A server that starts over the same store goes on where the first was cut off.
    let log = Log::default();
    let second = Scene::new("capulet.example").store(store.clone()).plugin(Diary(log.clone()));
    let second = stage(second).await;
    let accounts = second.server().accounts();
    assert_eq!(log.take(), ["removed"]);
    assert_eq!(notes.get(&owner, &()).await.unwrap(), None);
    assert!(!accounts.exists(&juliet).await);
    // Once is enough: whoever has the name next keeps it.
    accounts.create(&juliet, "mine").await.unwrap();
    let third = Scene::new("capulet.example").store(store).plugin(Diary(log.clone()));
    assert!(stage(third).await.server().accounts().exists(&juliet).await);
    assert!(log.take().is_empty());
}

plugin!(Notary, "notary", |log, to| {
    to.on(&log, async |log: &Log, it: &SessionClosed, server: &Server| {
        sleep(Duration::from_secs(1)).await;
        let notes = server.store().space("notary").collection::<(), String>("notes");
        let owner = Owner::account(it.session.account().as_str());
        notes.put(&owner, &(), &"was here".to_owned()).await?;
        log.note("noted");
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn what_is_written_down_about_sessions_of_an_account_that_goes_is_erased_too() {
    let log = Log::default();
    let stage = stage(scene().plugin(Notary(log.clone()))).await;
    let juliet = stage.login(JULIET).await;
    let account = juliet.jid().unwrap().to_bare();
    stage.server().accounts().remove(&account).await.unwrap();
    assert_eq!(log.take(), ["noted"]);
    let notes = stage.server().store().space("notary").collection::<(), String>("notes");
    assert_eq!(notes.get(&Owner::account(account.as_str()), &()).await.unwrap(), None);
    // Nobody waits for those that stay all the same.
    let _stays = stage.attach(ROMEO).await;
    let start = stage.server().elapsed();
    stage.server().accounts().remove(&ROMEO.parse::<Jid>().unwrap().to_bare()).await.unwrap();
    let took = stage.server().elapsed() - start;
    assert!(took >= stage.server().bounds().drain && took < Duration::from_secs(60), "{took:?}");
}

plugin!(Sloth, "sloth", |log, to| {
    to.on(&log, async |_: &Log, _: &ShuttingDown, _: &Server| {
        pending::<()>().await;
        Ok::<_, Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn no_plugin_holds_up_a_shutdown_for_ever() {
    let stage = stage(scene().plugin(Sloth::default())).await;
    let drain = stage.server().bounds().drain;
    assert!(timeout(drain + SETTLED, stage.server().shut_down()).await.is_ok());
}
