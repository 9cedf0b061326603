//! Following a session: who may, what is seen, and what it costs at most.

use sestina_core::{Caller, Direction, NotFollowed, Server};
use sestina_stanza::{Jid, MessageType, PresenceType, Stanza};
use sestina_testkit::{Scene, Stage};

fn jid(text: &str) -> Jid {
    Jid::new(text).unwrap()
}

fn nurse() -> Caller {
    Caller::Account(jid("nurse@capulet.example"))
}

async fn stage() -> Stage {
    let scene = Scene::new("capulet.example").settings(|it| {
        it.administrators = vec![jid("nurse@capulet.example")];
        it.bounds.followers = 2;
    });
    scene.build().await.unwrap()
}

fn message(to: &str, body: &str) -> Stanza {
    Stanza::message(MessageType::Chat).to(jid(to)).body(body).build()
}

const JULIET: &str = "juliet@capulet.example";

#[tokio::test(start_paused = true)]
async fn both_directions_are_seen_and_no_body() {
    let stage = stage().await;
    let mut tap = stage.server().follow(&jid(JULIET), &nurse()).unwrap();
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    let romeo = stage.attach("romeo@capulet.example/orchard").await;
    let here = Stanza::presence(PresenceType::Available);
    juliet.send(here.build()).await.unwrap();
    romeo.send(message(JULIET, "Hark")).await.unwrap();
    juliet.send(message("romeo@capulet.example/orchard", "Who's there?")).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let glimpse = tap.next().await.unwrap();
        assert_eq!(glimpse.session(), juliet.jid());
        assert!(!format!("{glimpse:?}").contains("Hark"));
        seen.push((glimpse.direction(), glimpse.name().to_owned(), glimpse.show(false)));
    }
    assert_eq!((seen[0].0, &*seen[0].1), (Direction::In, "presence"));
    assert_eq!(seen[1].0, Direction::Out);
    assert!(seen[1].2.contains("from='romeo@capulet.example/orchard'"), "{}", seen[1].2);
    assert!(seen[1].2.contains("<body>[4 characters]</body>"), "{}", seen[1].2);
    assert_eq!(seen[2].0, Direction::In);
    assert!(seen[2].2.contains("<body>[12 characters]</body>"), "{}", seen[2].2);
    assert_eq!(tap.missed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_address_is_one_session() {
    let stage = stage().await;
    let mut tap = stage.server().follow(&jid("juliet@capulet.example/nook"), &nurse()).unwrap();
    let balcony = stage.attach("juliet@capulet.example/balcony").await;
    let nook = stage.attach("juliet@capulet.example/nook").await;
    balcony.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    nook.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    assert_eq!(tap.next().await.unwrap().session(), nook.jid());
}

#[tokio::test(start_paused = true)]
async fn only_administrators_follow_and_not_too_many() {
    let stage = stage().await;
    let server = stage.server();
    let follow = |by: Caller| server.follow(&jid(JULIET), &by);
    let tybalt = jid("tybalt@capulet.example");
    assert_eq!(follow(Caller::Account(tybalt.clone())).unwrap_err(), NotFollowed::Forbidden);
    assert_eq!(follow(Caller::Session(tybalt)).unwrap_err(), NotFollowed::Forbidden);
    let first = follow(Caller::Operator).unwrap();
    let _second = follow(nurse()).unwrap();
    assert_eq!(follow(nurse()).unwrap_err(), NotFollowed::TooMany);
    drop(first);
    let _third = follow(nurse()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_look_misses_what_is_too_much() {
    let stage = stage().await;
    let mut tap = stage.server().follow(&jid(JULIET), &nurse()).unwrap();
    let juliet = stage.attach("juliet@capulet.example/balcony").await;
    for _ in 0..300 {
        juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    }
    assert_eq!((tap.missed(), tap.missed()), (44, 0));
    let long = "a".repeat(1 << 20);
    for _ in 0..256 {
        tap.next().await.unwrap();
    }
    // It comes back as an error, as long as it is.
    juliet.send(message("nobody@verona.example", &long)).await.unwrap();
    juliet.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
    let next = tap.next().await.unwrap();
    assert_eq!((next.name(), tap.missed()), ("presence", 2));
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_keeps_no_server() {
    let mut tap = {
        let server: Server = stage().await.server().clone();
        server.follow(&jid(JULIET), &Caller::Operator).unwrap()
    };
    assert!(tap.next().await.is_none());
}
