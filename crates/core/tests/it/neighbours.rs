//! Servers of one process, and what passes between them.

use std::time::Duration;

use sestina_core::{
    AssemblyError, Guarded, Handling, IqHandler, Outcome, Refusal, Rewritten, Scope, Server,
    Switchboard,
};
use sestina_stanza::{Condition, IqType, Stanza};
use sestina_testkit::{Scene, Stage};
use tokio::time::timeout;

use crate::cast::{JULIET, Log, gist, heard, plugin, scene, send, stage, stanza, text};

const MERCUTIO: &str = "mercutio@montague.example/square";

fn capulet(board: &Switchboard) -> Scene {
    let board = board.clone();
    scene().settings(move |settings| settings.switchboard = board)
}

fn montague(board: &Switchboard) -> Scene {
    let board = board.clone();
    Scene::new("montague.example")
        .account("mercutio@montague.example")
        .settings(move |settings| settings.switchboard = board)
}

async fn both() -> (Stage, Stage) {
    let board = Switchboard::default();
    (stage(capulet(&board)).await, stage(montague(&board)).await)
}

#[tokio::test(start_paused = true)]
async fn neighbours_hear_each_other_and_are_told_what_fails() {
    let (capulet, montague) = both().await;
    let mut juliet = capulet.attach(JULIET).await;
    let mut mercutio = montague.attach(MERCUTIO).await;
    send(&mercutio, &format!("<message id='1' to='{JULIET}'><body>Hark!</body></message>")).await;
    assert_eq!(
        text(&juliet.receive().await.unwrap()),
        format!("<message to='{JULIET}' from='{MERCUTIO}' id='1'><body>Hark!</body></message>")
    );
    send(&juliet, &format!("<presence id='2' to='{MERCUTIO}'/>")).await;
    assert_eq!(gist(&mut mercutio).await, ["2"]);
    // A request goes to its recipient, and the answer back.
    send(&juliet, &format!("<iq type='get' id='3' to='{MERCUTIO}'><q xmlns='q'/></iq>")).await;
    assert_eq!(gist(&mut mercutio).await, ["3"]);
    send(&mercutio, &format!("<iq type='result' id='3' to='{JULIET}'/>")).await;
    assert_eq!(gist(&mut juliet).await, ["3"]);
    // What is not taken is answered, the same whether there is such an account or not.
    for to in ["nobody@montague.example", "nobody@montague.example/x", "montague.example"] {
        send(&juliet, &format!("<message id='4' to='{to}'/>")).await;
        send(&juliet, &format!("<iq type='get' id='5' to='{to}'><q xmlns='q'/></iq>")).await;
        send(&juliet, &format!("<presence id='6' to='{to}'/>")).await;
        let errors = heard(&mut juliet).await;
        let from: Vec<_> = errors.iter().map(|it| it.from().unwrap().as_str()).collect();
        assert_eq!(from, [to, to]);
        for error in errors {
            let condition = error.reported_error().unwrap().condition();
            assert_eq!(condition, Condition::ServiceUnavailable, "{to}");
        }
    }
    send(&juliet, "<message id='7' to='benvolio@verona.example'/>").await;
    assert_eq!(gist(&mut juliet).await, ["7 remote-server-not-found"]);
    assert!(heard(&mut mercutio).await.is_empty());
}

plugin!(Watch, "watch", |log, to| {
    for side in ["sender", "recipient"] {
        let note = move |log: &Log, place, stanza: &Stanza| {
            log.note(format!("{side} {place} {}", stanza.id().unwrap_or("-")));
        };
        let mut joining = if side == "sender" { to.sender() } else { to.recipient() };
        joining
            .guard(&log, move |log, stanza, _| {
                note(log, "guard", stanza);
                match stanza.body().as_deref() == Some(side) {
                    true => Guarded::Refuse(Condition::Forbidden.into()),
                    false => Guarded::Pass,
                }
            })
            .rewrite(&log, move |log, stanza, _| {
                note(log, "rewrite", stanza);
                Rewritten::Keep
            })
            .outcome(&log, move |log, stanza, outcome, _| {
                let what = match outcome {
                    Outcome::HandedOn => "handed on",
                    Outcome::Delivered(_) => "delivered",
                    Outcome::Refused(_) => "refused",
                    _ => "else",
                };
                note(log, what, stanza);
            });
    }
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn each_side_is_its_own_servers() {
    let board = Switchboard::default();
    let (here, there) = (Log::default(), Log::default());
    let capulet = stage(capulet(&board).plugin(Watch(here.clone()))).await;
    let montague = stage(montague(&board).plugin(Watch(there.clone()))).await;
    let mut juliet = capulet.attach(JULIET).await;
    let mut mercutio = montague.attach(MERCUTIO).await;
    send(&juliet, &format!("<message id='1' to='{MERCUTIO}'/>")).await;
    assert_eq!(here.take(), ["sender guard 1", "sender rewrite 1", "sender handed on 1"]);
    assert_eq!(there.take(), ["recipient guard 1", "recipient rewrite 1", "recipient delivered 1"]);
    assert_eq!(gist(&mut mercutio).await, ["1"]);
    let no = format!("<message id='2' to='{MERCUTIO}'><body>recipient</body></message>");
    send(&juliet, &no).await;
    // The refusal comes as anything that comes from elsewhere.
    assert_eq!(
        here.take(),
        [
            "sender guard 2",
            "sender rewrite 2",
            "recipient guard 2",
            "recipient refused 2",
            "sender handed on 2"
        ]
    );
    assert_eq!(there.take(), ["recipient guard 2", "recipient refused 2"]);
    assert!(
        heard(&mut juliet).await.is_empty(),
        "the hooks of her side see the answer, and refuse"
    );
}

plugin!(Rooms, "rooms", |log, to| {
    to.service("rooms", &log, async |log: &Log, stanza: Stanza, server: &Server| {
        log.note(stanza.id().unwrap_or("-"));
        if stanza.body().is_some() {
            let mut ask = crate::cast::stanza("<iq type='get' id='a'><q xmlns='q'/></iq>");
            ask.set_from(stanza.to().cloned());
            server.route(ask.with_to(stanza.from().unwrap().to_bare())).await;
        }
        Ok::<_, Refusal>(())
    })
});

#[tokio::test(start_paused = true)]
async fn a_service_is_a_neighbour_like_any_other() {
    let board = Switchboard::default();
    let log = Log::default();
    let capulet = stage(capulet(&board).plugin(Rooms(log.clone()))).await;
    let montague = stage(montague(&board)).await;
    let mut mercutio = montague.attach(MERCUTIO).await;
    send(&mercutio, "<message id='1' to='hall@rooms.capulet.example'><body>x</body></message>")
        .await;
    send(&mercutio, "<iq id='2' type='get' to='rooms.capulet.example'><q xmlns='q'/></iq>").await;
    capulet.settle().await;
    // It has asked, and was answered, by a server that it knows nothing of.
    assert_eq!(log.take(), ["1", "a"]);
    assert_eq!(gist(&mut mercutio).await, ["2 service-unavailable"]);
    assert!(board.reaches("rooms.capulet.example"));
}

#[tokio::test(start_paused = true)]
async fn a_server_speaks_for_itself_and_for_nobody_else() {
    let (capulet, montague) = both().await;
    let mut juliet = capulet.attach(JULIET).await;
    let mut mercutio = montague.attach(MERCUTIO).await;
    for from in ["romeo@capulet.example", "escalus@verona.example"] {
        let mut forged = stanza(&format!("<message id='1' to='{JULIET}'/>"));
        forged.set_from(Some(from.parse().unwrap()));
        montague.server().route(forged).await;
        assert!(heard(&mut juliet).await.is_empty(), "{from}");
    }
    montague.server().route(stanza(&format!("<message id='1' to='{JULIET}'/>"))).await;
    assert!(heard(&mut juliet).await.is_empty());
    // Nor does anybody come in by that way who would be at home here, or is on the way elsewhere.
    for (from, to, condition) in [
        (Some("romeo@capulet.example"), Some(JULIET), "invalid-from"),
        (Some(MERCUTIO), Some("escalus@verona.example"), "host-unknown"),
        (Some(MERCUTIO), Some(MERCUTIO), "host-unknown"),
        (Some(MERCUTIO), None, "improper-addressing"),
        (None, Some(JULIET), "improper-addressing"),
    ] {
        let mut message = stanza("<message id='2'/>");
        message.set_from(from.map(|it| it.parse().unwrap()));
        message.set_to(to.map(|it| it.parse().unwrap()));
        match capulet.server().incoming(message) {
            Handling::Close(error) => assert_eq!(error.condition().name(), condition),
            other => panic!("{from:?} to {to:?}: {other:?}"),
        }
    }
    assert!(heard(&mut juliet).await.is_empty());
    assert!(heard(&mut mercutio).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_domain_is_one_servers_for_as_long_as_there_is_that_server() {
    let board = Switchboard::default();
    let first = stage(capulet(&board).plugin(Rooms::default())).await;
    for domain in ["capulet.example", "rooms.capulet.example"] {
        let board = board.clone();
        let second = Scene::new(domain).settings(move |settings| settings.switchboard = board);
        match second.build().await {
            Err(AssemblyError::Neighbour { domain: taken }) => assert_eq!(taken, domain),
            other => panic!("{domain}: {other:?}"),
        }
    }
    // The one that did not come to be has left nothing behind, and taken nothing.
    assert!(board.server("capulet.example").is_some());
    assert_eq!(format!("{board:?}").matches("example").count(), 2);

    first.server().shut_down().await;
    assert!(!board.reaches("capulet.example"));
    let second = stage(capulet(&board)).await;
    drop(first);
    assert!(board.reaches("capulet.example"), "what was given up is not taken from its next owner");
    drop(second);
    assert!(board.server("capulet.example").is_none());
    assert_eq!(format!("{board:?}"), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_that_has_gone_is_not_found() {
    let (capulet, montague) = both().await;
    let mut juliet = capulet.attach(JULIET).await;
    montague.server().shut_down().await;
    send(&juliet, &format!("<message id='1' to='{MERCUTIO}'/>")).await;
    assert_eq!(gist(&mut juliet).await, ["1 remote-server-not-found"]);
}

plugin!(Slow, "slow", |log, to| {
    let wait = |_: &Log, _: &Stanza, _: &Server| {
        Guarded::Wait(Box::pin(async {
            tokio::task::yield_now().await;
            Guarded::Pass
        }))
    };
    to.sender().guard(&log, wait);
    to.recipient().guard(&log, wait);
    let echo = tower::service_fn(|_| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, Refusal>(None)
    });
    to.iq(Scope::Server, IqHandler::service(IqType::Get, "q", "q", echo))
});

#[tokio::test(start_paused = true)]
async fn two_that_write_to_each_other_without_end_do_not_wait_for_each_other() {
    const MANY: usize = 3_000;
    let board = Switchboard::default();
    let capulet = stage(capulet(&board).plugin(Slow::default())).await;
    let montague = stage(montague(&board).plugin(Slow::default())).await;
    let play = async |stage: &Stage, me: &str, to: &str, domain: &str| {
        let mut session = stage.attach(me).await;
        let mut others = 0;
        for round in 0..MANY {
            send(&session, &format!("<message id='{round}' to='{to}'/>")).await;
            send(&session, &format!("<iq type='get' id='q' to='{domain}'><q xmlns='q'/></iq>"))
                .await;
            others += heard(&mut session).await.len();
        }
        while others < 2 * MANY {
            session.receive().await.unwrap();
            others += 1;
        }
        assert_eq!(others, 2 * MANY);
        session.close().await;
    };
    // Both are there before either writes.
    let (a, b) = ("juliet@capulet.example/a", "mercutio@montague.example/b");
    let _there = (capulet.attach(JULIET).await, montague.attach(MERCUTIO).await);
    let dialogue = async {
        tokio::join!(
            play(&capulet, a, b, "montague.example"),
            play(&montague, b, a, "capulet.example")
        )
    };
    timeout(Duration::from_secs(600), dialogue).await.unwrap();
}
