//! The named places, at both sides of a stanza's way.

use std::{sync::Arc, time::Duration};

use sestina_core::{
    Assembly, AssemblyError, Attached, Guarded, Otherwise, Outcome, Planned, Refusal, Rewritten,
};
use sestina_stanza::{Condition, Stanza};
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, faulty_store};
use sestina_xml::Element;
use tokio::time::sleep;

use crate::cast::{JULIET, Log, ROMEO, gist, heard, plugin, scene, send, stage, stanza, text};

const TO_JULIET: &str = "<message id='1' to='juliet@capulet.example/balcony'/>";

/// Notes what passes it; does what the stanza's first child says, at the place that it names.
fn watch(name: &'static str, log: &Arc<Log>, to: &mut Assembly) -> Result<(), AssemblyError> {
    for side in ["sender", "recipient"] {
        let at = move |place: &str, stanza: &Stanza| -> (String, bool) {
            let here = format!("{name} {side} {place}");
            let meant =
                stanza.child(side, "urn:example:do").is_some_and(|it| it.attr("at") == Some(place));
            (here, meant)
        };
        let mut joining = if side == "sender" { to.sender() } else { to.recipient() };
        joining.guard(log, move |log, stanza, _| {
            let (here, meant) = at("guard", stanza);
            log.note(here);
            if meant { Guarded::Refuse(Condition::Forbidden.into()) } else { Guarded::Pass }
        });
        joining.rewrite(log, move |log, stanza, _| {
            let (here, meant) = at("rewrite", stanza);
            log.note(here);
            if meant { Rewritten::Refuse(Condition::NotAcceptable.into()) } else { Rewritten::Keep }
        });
        joining.plan(log, move |log, plan, _| {
            let (here, meant) = at("plan", plan.stanza());
            log.note(here);
            if meant {
                plan.retain_targets(|_| false);
                plan.set_otherwise(Otherwise::Bounce(Condition::Gone));
            }
            Planned::Done
        });
        joining.outcome(log, move |log, stanza, outcome, _| {
            let what = match outcome {
                Outcome::Delivered(count) => format!("delivered {count}"),
                Outcome::Claimed(by) => format!("claimed by {by}"),
                Outcome::Refused(refusal) => {
                    format!("refused: {}", refusal.error().condition().name())
                }
                Outcome::Discarded => "discarded".to_owned(),
                other => format!("{other:?}"),
            };
            log.note(format!("{}: {what}", at("outcome", stanza).0));
        });
    }
    Ok(())
}

plugin!(Watch, "watch", |log, to| watch("watch", &log, to));
plugin!(Late, "late", |log, to| {
    to.after("watch");
    watch("late", &log, to)
});

#[tokio::test(start_paused = true)]
async fn a_stanza_passes_every_place_in_order() {
    let log = Log::default();
    // Assembled in the wrong order, and put right by its edge.
    let stage = stage(scene().plugin(Late(log.clone())).plugin(Watch(log.clone()))).await;
    let romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, TO_JULIET).await;
    let mut expected = Vec::new();
    for (side, place) in [
        ("sender", "guard"),
        ("sender", "rewrite"),
        ("recipient", "guard"),
        ("recipient", "rewrite"),
        ("sender", "plan"),
        ("recipient", "plan"),
        ("sender", "outcome: delivered 1"),
        ("recipient", "outcome: delivered 1"),
    ] {
        expected.extend(["watch", "late"].map(|who| format!("{who} {side} {place}")));
    }
    assert_eq!(log.take(), expected);
    assert_eq!(gist(&mut juliet).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_refuses_at_any_place_ends_the_way_and_the_sender_hears_of_it() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    for (side, place, condition) in [
        ("sender", "guard", "forbidden"),
        ("sender", "rewrite", "not-acceptable"),
        ("recipient", "guard", "forbidden"),
        ("recipient", "rewrite", "not-acceptable"),
        ("sender", "plan", "gone"),
        ("recipient", "plan", "gone"),
    ] {
        let child = format!("<{side} xmlns='urn:example:do' at='{place}'/>");
        for (kind, told) in [("message", true), ("message type='error'", false)] {
            let name = &kind[..7];
            send(&romeo, &format!("<{kind} id='1' to='{JULIET}'>{child}</{name}>")).await;
            let expected = told.then(|| format!("1 {condition}"));
            assert_eq!(gist(&mut romeo).await, Vec::from_iter(expected), "{side} {place}");
            assert!(heard(&mut juliet).await.is_empty());
            let seen = log.take();
            let outcome = format!("watch sender outcome: refused: {condition}");
            assert!(seen.contains(&outcome), "{seen:?}");
            assert!(!seen.iter().any(|seen| seen.contains("delivered")), "{seen:?}");
        }
    }
}

plugin!(Changes, "changes", |log, to| {
    to.sender().rewrite(&log, |_, stanza, _| match stanza.body().as_deref() {
        Some("swap") => Rewritten::Replace(Box::new(
            stanza.with_to("tybalt@capulet.example/x".parse().unwrap()),
        )),
        Some("take") => Rewritten::Taken,
        _ => Rewritten::Keep,
    });
    to.recipient().guard(&log, |_, stanza, _| match stanza.body().as_deref() {
        Some("drop") => Guarded::Discard,
        _ => Guarded::Pass,
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_rewriter_may_change_the_address_or_take_it_and_a_guard_may_drop_it() {
    let stage = stage(scene().plugin(Changes::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    let mut tybalt = stage.attach("tybalt@capulet.example/x").await;
    for body in ["swap", "take", "drop", "keep"] {
        send(&romeo, &format!("<message id='{body}' to='{JULIET}'><body>{body}</body></message>"))
            .await;
    }
    assert_eq!(gist(&mut juliet).await, ["keep"]);
    assert_eq!(gist(&mut tybalt).await, ["swap"]);
    assert!(gist(&mut romeo).await.is_empty());
}

// Every place waits a while.
plugin!(Slow, "slow", |log, to| {
    let later = Duration::from_secs(1);
    to.sender().guard(&log, move |log, stanza, _| {
        let (log, id) = (Log::clone(log), stanza.id().unwrap_or_default().to_owned());
        Guarded::Wait(Box::pin(async move {
            sleep(later).await;
            log.note(format!("guard {id}"));
            // A wait may end in another.
            Guarded::Wait(Box::pin(async { Guarded::Pass }))
        }))
    });
    to.recipient().rewrite(&log, move |log, stanza, _| {
        let (log, stanza) = (Log::clone(log), stanza.clone());
        Rewritten::Wait(Box::pin(async move {
            sleep(later).await;
            log.note(format!("rewrite {}", stanza.id().unwrap_or_default()));
            Rewritten::Replace(Box::new(
                stanza.with_child(Element::builder("marked", "urn:example:marked")),
            ))
        }))
    });
    to.recipient().plan(&log, move |log, _, _| {
        let log = Log::clone(log);
        Planned::Wait(Box::pin(async move {
            sleep(later).await;
            Box::new(move |plan: &mut sestina_core::Plan| {
                log.note(format!("plan {}", plan.stanza().id().unwrap_or_default()));
            }) as sestina_core::Amendment
        }))
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn whoever_must_wait_holds_up_its_stream_and_nobody_else() {
    let log = Log::default();
    let stage = stage(scene().plugin(Slow(log.clone()))).await;
    let romeo = stage.attach(ROMEO).await;
    let nurse = stage.attach("nurse@capulet.example/x").await;
    let mut juliet = stage.attach(JULIET).await;
    let start = stage.server().elapsed();
    tokio::join!(
        async {
            send(&romeo, TO_JULIET).await;
            send(&romeo, &TO_JULIET.replace("id='1'", "id='2'")).await;
        },
        async {
            sleep(Duration::from_millis(100)).await;
            send(&nurse, &TO_JULIET.replace("id='1'", "id='3'")).await;
        },
    );
    assert_eq!(stage.server().elapsed() - start, Duration::from_secs(6));
    assert_eq!(
        log.take(),
        [
            "guard 1",
            "guard 3",
            "rewrite 1",
            "rewrite 3",
            "plan 1",
            "plan 3",
            "guard 2",
            "rewrite 2",
            "plan 2"
        ]
    );
    let got = heard(&mut juliet).await;
    assert_eq!(got.iter().map(|it| it.id().unwrap()).collect::<Vec<_>>(), ["1", "3", "2"]);
    assert!(text(&got[0]).contains("<marked"), "{}", text(&got[0]));
}

// Passes whom the store has on its list.
plugin!(Listed, "listed", |log, to| {
    let list = to.space().collection::<(), String>("list");
    to.recipient().guard(&log, move |_, stanza, _| {
        let (list, owner) = (list.clone(), Owner::account(stanza.to().unwrap().bare_str()));
        Guarded::Wait(Box::pin(async move {
            match list.get(&owner, &()).await {
                Ok(_) => Guarded::Pass,
                Err(error) => Guarded::Refuse(error.into()),
            }
        }))
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_guard_that_cannot_tell_refuses() {
    let (store, faults) = faulty_store();
    let stage = stage(scene().store(store).plugin(Listed::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    for (kind, condition) in
        [(ErrorKind::Corrupt, "internal-server-error"), (ErrorKind::Io, "resource-constraint")]
    {
        faults.on(Calls::Reads).within("listed").fail(kind);
        send(&romeo, TO_JULIET).await;
        assert_eq!(gist(&mut romeo).await, [format!("1 {condition}")]);
        faults.mend();
    }
    assert!(heard(&mut juliet).await.is_empty());
    send(&romeo, TO_JULIET).await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
}

// Claims what says so, keeps a copy of everything.
plugin!(Keeper, "keeper", |log, to| {
    to.recipient().plan(&log, |log, plan, _| {
        let (copies, claims) = (Log::clone(log), Log::clone(log));
        plan.besides("keeper", async move |stanza: Stanza, _| {
            copies.note(format!("copied {}", stanza.id().unwrap_or_default()));
            Err(Refusal::internal("a failure besides is for the log alone"))
        });
        if plan.stanza().body().is_some() {
            let claimed = plan.claim("keeper", async move |stanza: Stanza, _| {
                claims.note(format!("kept {}", stanza.id().unwrap_or_default()));
                match stanza.body().as_deref() {
                    Some("full") => Err(Condition::ResourceConstraint.into()),
                    _ => Ok(()),
                }
            });
            log.note(format!("claimed {claimed} of {}", plan.claimed_by().unwrap_or_default()));
        }
        Planned::Done
    });
    Ok(())
});
plugin!(Tardy, "tardy", |log, to| {
    to.recipient().plan(&log, |log, plan, _| {
        let claimed = plan.claim("tardy", async |_, _| Ok(()));
        log.note(format!("tardy {claimed}"));
        Planned::Done
    });
    to.recipient().outcome(&log, |log, _, outcome, _| {
        if let Outcome::Claimed(by) = outcome {
            log.note(format!("claimed by {by}"));
        }
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_claim_stands_in_for_the_bounce_and_the_first_one_counts() {
    let log = Log::default();
    let stage = stage(scene().plugin(Keeper(log.clone())).plugin(Tardy(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let to = |id: &str, body: &str| {
        format!(
            "<message id='{id}' type='chat' to='juliet@capulet.example'><body>{body}</body></message>"
        )
    };
    send(&romeo, &to("1", "keep")).await;
    assert_eq!(
        log.take(),
        ["claimed true of keeper", "tardy false", "claimed by keeper", "copied 1", "kept 1"]
    );
    assert!(gist(&mut romeo).await.is_empty());
    // Whoever claims and cannot is the one who answers.
    send(&romeo, &to("2", "full")).await;
    assert_eq!(gist(&mut romeo).await, ["2 resource-constraint"]);
    log.take();
    // What is delivered is not claimed, but still copied.
    let mut juliet: Attached = stage.attach(JULIET).await;
    send(&juliet, "<presence/>").await;
    send(&romeo, &to("3", "keep")).await;
    assert_eq!(gist(&mut juliet).await, ["3"]);
    assert_eq!(log.take(), ["claimed true of keeper", "tardy false", "copied 3"]);
    // Without a claim of its own plugin, the other's stands.
    juliet.close().await;
    send(&romeo, "<message id='4' type='chat' to='juliet@capulet.example'/>").await;
    assert_eq!(log.take(), ["tardy true", "claimed by tardy", "copied 4"]);
}

// Delivers to one more session, or to one less.
plugin!(Carbons, "carbons", |log, to| {
    to.recipient().plan(&log, |_, plan, server| {
        for session in server.sessions(plan.stanza().to().unwrap()) {
            plan.add_target(session.clone());
            plan.add_target(session);
        }
        plan.retain_targets(|session| session.jid().resource() != Some("deaf"));
        Planned::Done
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn a_plan_reaches_each_session_once() {
    let stage = stage(scene().plugin(Carbons::default())).await;
    let romeo = stage.attach(ROMEO).await;
    let mut balcony = stage.attach(JULIET).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    let mut deaf = stage.attach("juliet@capulet.example/deaf").await;
    send(&romeo, TO_JULIET).await;
    assert_eq!(gist(&mut balcony).await, ["1"]);
    assert_eq!(gist(&mut hall).await, ["1"]);
    assert!(gist(&mut deaf).await.is_empty());
}

// Lets every other session of the account have a copy; keeps what nobody takes if it is to be kept.
plugin!(Copyist, "copyist", |log, to| {
    to.recipient().plan(&log, |_, plan, server| {
        for session in server.sessions(plan.stanza().to().unwrap()) {
            let mut copy = plan.stanza().with_to(session.jid().clone());
            copy.set_id(Some("copy"));
            plan.copy(session, copy);
        }
        plan.retain_targets(|session| session.jid().resource() != Some("deaf"));
        if plan.stanza().body().as_deref() == Some("keep") {
            plan.claim("copyist", async |_, _| Ok(()));
        }
        Planned::Done
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn copies_go_to_those_who_have_not_got_it_if_anybody_has() {
    let stage = stage(scene().plugin(Copyist::default())).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    let mut deaf = stage.attach("juliet@capulet.example/deaf").await;
    // To a session that is not there: kept, or given back.
    send(&romeo, "<message id='1' to='juliet@capulet.example/balcony'><body>keep</body></message>")
        .await;
    assert_eq!(gist(&mut hall).await, ["copy"]);
    send(&romeo, TO_JULIET).await;
    assert_eq!(gist(&mut romeo).await, ["1 service-unavailable"]);
    assert!(gist(&mut hall).await.is_empty());
    // To one that is there, which has no copy of it.
    let balcony = stage.attach(JULIET).await;
    send(&romeo, TO_JULIET).await;
    assert_eq!(gist(&mut hall).await, ["copy"]);
    assert_eq!(balcony.session().queued(), 1);
    // It ends without reading. Nobody has it twice, and no copy goes where it was not meant to.
    send(&hall, "<presence/>").await;
    balcony.close().await;
    assert!(gist(&mut hall).await.is_empty());
    assert_eq!(gist(&mut romeo).await, ["1 service-unavailable"]);
    let chamber = stage.attach("juliet@capulet.example/chamber").await;
    send(&romeo, "<message id='2' to='juliet@capulet.example/hall'/>").await;
    assert_eq!(gist(&mut hall).await, ["2"]);
    assert_eq!(chamber.session().queued(), 1);
    chamber.close().await;
    assert!(gist(&mut hall).await.is_empty());
    assert!(gist(&mut deaf).await.is_empty());
}

// Keeps what nobody takes; says what would become of it, and has it forgotten if its body asks so.
plugin!(Shelf, "shelf", |log, to| {
    to.recipient().plan(&log, |log, plan, _| {
        plan.besides("shelf", async |_, _| panic!("not done with what is withdrawn"));
        plan.keep("shelf", async |_, _| panic!("kept, though withdrawn"));
        log.note(format!("kept: {}", plan.is_kept()));
        plan.withdraw();
        log.note(format!("kept: {}, {:?}", plan.is_kept(), plan.claimed_by()));
        Planned::Done
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn nothing_is_done_with_what_is_withdrawn() {
    let log = Log::default();
    let stage = stage(scene().plugin(Copyist::default()).plugin(Shelf(log.clone()))).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut hall = stage.attach("juliet@capulet.example/hall").await;
    send(&romeo, TO_JULIET).await;
    assert_eq!(log.take(), ["kept: true", "kept: false, None"]);
    let mut juliet = stage.attach(JULIET).await;
    send(&romeo, TO_JULIET).await;
    assert_eq!(log.take(), ["kept: false", "kept: false, None"]);
    for session in [&mut romeo, &mut hall, &mut juliet] {
        assert!(gist(session).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_sends_passes_the_recipients_side_alone() {
    let log = Log::default();
    let stage = stage(scene().plugin(Watch(log.clone()))).await;
    let mut juliet = stage.attach(JULIET).await;
    stage
        .server()
        .route(stanza(
            "<message id='1' from='capulet.example' to='juliet@capulet.example/balcony'/>",
        ))
        .await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
    assert!(log.take().iter().all(|seen| seen.contains("recipient")));
}
