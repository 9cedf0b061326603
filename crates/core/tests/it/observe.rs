//! What an observer sees, and when.

use std::sync::Arc;

use parking_lot::Mutex;
use sestina_core::{Guarded, Planned, QueueBounds, Seen, Verdict};
use sestina_stanza::{Condition, Stanza};
use sestina_testkit::{Scene, Stage};

use crate::{
    cast::{JULIET, ROMEO, gist, heard, plugin, scene, send, stage},
    log::Listening,
};

/// Everything that was seen, in order.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    /// What was seen since the last look, but for the store.
    fn take(&self) -> Vec<String> {
        let mut seen = std::mem::take(&mut *self.0.lock());
        seen.retain(|seen| !seen.starts_with("Stored"));
        seen
    }

    fn watching(&self, scene: Scene) -> Scene {
        let diary = self.clone();
        scene.settings(|settings| {
            settings.observer = Some(Arc::new(move |seen: Seen<'_>| {
                let text = match seen {
                    Seen::Received(kind) => format!("received {kind:?}"),
                    Seen::Queued(kind) => format!("queued {kind:?}"),
                    Seen::Decided { verdict, .. } => {
                        format!("{} by {}", verdict.name(), verdict.by())
                    }
                    seen => format!("{seen:?}"),
                };
                diary.0.lock().push(text);
            }));
        })
    }
}

fn says(stanza: &Stanza, what: &str) -> bool {
    stanza.body().as_deref() == Some(what)
}

// Does with a stanza what its body says.
plugin!(Usher, "usher", |log, to| {
    to.sender().guard(&log, |_, stanza, _| {
        if says(stanza, "refuse") {
            Guarded::Refuse(Condition::Forbidden.into())
        } else if says(stanza, "break") {
            panic!("oh no")
        } else {
            Guarded::Pass
        }
    });
    to.recipient().guard(&log, |_, stanza, _| {
        if says(stanza, "discard") { Guarded::Discard } else { Guarded::Pass }
    });
    to.sender().rewrite(&log, |_, stanza, _| {
        if says(stanza, "take") {
            sestina_core::Rewritten::Taken
        } else {
            sestina_core::Rewritten::Keep
        }
    });
    to.recipient().plan(&log, |_, plan, _| {
        let (keep, claim) = (says(plan.stanza(), "keep"), says(plan.stanza(), "claim"));
        if keep || claim {
            plan.retain_targets(|_| false);
        }
        if keep {
            plan.keep("usher", |_, _| async { Ok(()) });
        } else if claim {
            plan.claim("usher", |_, _| async { Ok(()) });
        }
        Planned::Done
    });
    to.service("rooms", &log, async |_: &crate::cast::Log, _: Stanza, _: &sestina_core::Server| {
        Ok::<_, sestina_core::Refusal>(())
    })
});

async fn verona(diary: &Diary) -> Stage {
    stage(diary.watching(scene().plugin(Usher::default()).breaks())).await
}

#[tokio::test(start_paused = true)]
async fn each_stanza_is_decided_about_once() {
    let diary = Diary::default();
    let stage = verona(&diary).await;
    let mut romeo = stage.attach(ROMEO).await;
    let mut juliet = stage.attach(JULIET).await;
    diary.take();
    let message = |body: &str| format!("<message to='{JULIET}'><body>{body}</body></message>");
    for (xml, verdict) in [
        (message("hello"), "delivered by core"),
        (message("refuse"), "refused by usher"),
        (message("break"), "refused by usher"),
        (message("discard"), "discarded by usher"),
        (message("take"), "claimed by usher"),
        (message("keep"), "kept by usher"),
        (message("claim"), "claimed by usher"),
        ("<message to='nurse@capulet.example'/>".into(), "refused by core"),
        ("<message type='headline' to='nurse@capulet.example'/>".into(), "discarded by core"),
        ("<message to='friar@mantua.example'/>".into(), "refused by core"),
        ("<message to='rooms.capulet.example'/>".into(), "handled by core"),
        ("<presence/>".into(), "handled by core"),
        ("<iq type='get' id='1'><none xmlns='urn:example:none'/></iq>".into(), "handled by core"),
        ("<iq type='result' id='1' to='capulet.example'/>".into(), "discarded by core"),
    ] {
        send(&romeo, &xml).await;
        let seen = diary.take();
        let received = seen.iter().filter(|seen| seen.starts_with("received")).count();
        let decided: Vec<_> = seen.iter().filter(|seen| seen.contains(" by ")).collect();
        assert_eq!((received, decided), (1, vec![&verdict.to_owned()]), "{xml}: {seen:?}");
        let queued = heard(&mut romeo).await.len() + heard(&mut juliet).await.len();
        let told = seen.iter().filter(|seen| seen.starts_with("queued")).count();
        assert_eq!(queued, told, "{xml}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_requests_bounds_and_panics_are_seen() {
    let diary = Diary::default();
    let only_one = |settings: &mut sestina_core::Settings| {
        settings.bounds.sessions_per_account = 1;
        settings.bounds.queue = QueueBounds { stanzas: 1, bytes: 1 << 20 };
    };
    let stage =
        stage(diary.watching(scene().plugin(Usher::default()).breaks().settings(only_one))).await;
    let romeo = stage.attach(ROMEO).await;
    assert_eq!(diary.take(), ["SessionBegan"]);
    let other = "romeo@capulet.example/other".parse().unwrap();
    stage.server().attach(other).await.unwrap_err();
    assert_eq!(diary.take(), [r#"Bounded { bound: "session.per-account" }"#]);

    send(&romeo, "<message><body>break</body></message>").await;
    let panicked = r#"Panicked { plugin: "usher", joint: Guard }"#;
    assert_eq!(diary.take()[1], panicked);
    // The answer to that waits, and nothing else finds room.
    send(&romeo, "<message to='nobody@capulet.example'/>").await;
    let full = r#"Bounded { bound: "session.queue" }"#.to_owned();
    assert!(diary.take().contains(&full));
    stage.settle().await;
    romeo.close().await;
    // Nobody else reads the answer that nobody has read.
    assert_eq!(diary.take(), ["SessionEnded", "discarded by core"]);

    let mut juliet = stage.attach(JULIET).await;
    diary.take();
    send(
        &juliet,
        "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
    )
    .await;
    assert_eq!(gist(&mut juliet).await, ["1"]);
    let took = r#"Requested { plugin: "core", took: 0ns, refused: false }"#.to_owned();
    let seen = diary.take();
    assert!(seen.contains(&took), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_store_does_is_seen() {
    let diary = Diary::default();
    let stage = verona(&diary).await;
    let seen = std::mem::take(&mut *diary.0.lock());
    let commits = seen.iter().filter(|seen| seen.contains("operation: Commit")).count();
    assert!(commits >= 2, "{seen:?}");
    assert!(!seen.iter().any(|seen| seen.contains("failed: true")), "{seen:?}");
    stage.server().store().close().await.unwrap();
    let nurse = "nurse@capulet.example".parse().unwrap();
    stage.server().accounts().create(&nurse, "nurse").await.unwrap_err();
    let seen = std::mem::take(&mut *diary.0.lock());
    assert!(seen.iter().any(|seen| seen.contains("failed: true")), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn connections_and_logins_are_seen_and_nobody_is_named() {
    let diary = Diary::default();
    let stage = verona(&diary).await;
    let mut client = stage.connect();
    client.open().await;
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ROMEO'>=</auth>").await;
    assert_eq!(client.receive().await.name(), "failure");
    client.authenticate("romeo", "romeo").await;
    client.open().await;
    client.bind(Some("orchard")).await;
    client.send("<message to='juliet@capulet.example'><body>Hark!</body></message>").await;
    client.receive().await;
    client.close().await;
    stage.settle().await;
    let seen = diary.take();
    let expected = [
        r#"Connected { over: "starttls" }"#,
        r#"LoggedIn { mechanism: "unknown", failure: Some("invalid-mechanism") }"#,
        r#"LoggedIn { mechanism: "PLAIN", failure: None }"#,
        "SessionBegan",
        "received Message(Normal)",
        "refused by core",
        "queued Message(Error)",
        "SessionEnded",
        r#"Disconnected { over: "starttls", why: "closed" }"#,
    ];
    assert_eq!(seen, expected);
    let all = format!("{seen:?}").to_lowercase();
    assert!(!["romeo", "juliet", "capulet", "hark"].iter().any(|name| all.contains(name)), "{all}");
    drop(stage.connect());
    stage.settle().await;
    assert_eq!(diary.take()[1], r#"Disconnected { over: "starttls", why: "lost" }"#);
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_says_within_which_connection_session_and_stanza() {
    let log = Listening::begin();
    let stage = verona(&Diary::default()).await;
    let mut romeo = stage.login(ROMEO).await;
    romeo.send("<message id='1' to='capulet.example'><body>break</body></message>").await;
    romeo.receive().await;
    romeo.close().await;
    stage.settle().await;
    let said = log.end();
    let line = |what: &str| said.lines().find(|line| line.contains(what)).unwrap_or_default();
    assert!(line("a session begins").contains(r#"connection{over="starttls"}"#), "{said}");
    let panicked = line("panicked");
    for part in [
        "session{jid=romeo@capulet.example/orchard}",
        r#"stanza{kind="message" from=romeo@capulet.example/orchard to=capulet.example}"#,
    ] {
        assert!(panicked.contains(part), "{said}");
    }
    assert!(line("a session ends").contains("session{jid="), "{said}");
    // Neither what was said nor a password.
    assert!(!said.contains("break") && !said.contains("password"), "{said}");
}

#[test]
fn verdicts_have_names_of_their_own() {
    let verdicts = [
        Verdict::Delivered,
        Verdict::Kept("a"),
        Verdict::Claimed("a"),
        Verdict::Handled,
        Verdict::HandedOn,
        Verdict::Refused("a"),
        Verdict::Discarded("a"),
    ];
    let names: std::collections::BTreeSet<_> = verdicts.map(Verdict::name).into();
    assert_eq!(names.len(), verdicts.len());
}
