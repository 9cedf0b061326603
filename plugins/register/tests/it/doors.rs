//! Who is let in, and how often.

use std::{net::SocketAddr, time::Duration};

use sestina_register::{Open, Rate, Registration};
use sestina_stanza::ns;
use sestina_testkit::{Client, Scene, Stage};
use sestina_xml::Element;

use crate::wish;

async fn stage(registration: Registration) -> Stage {
    Scene::new("capulet.example").plugin(registration).build().await.expect("the stage is set")
}

async fn open(client: &mut Client) -> bool {
    client.open().await.child("register", ns::REGISTER_FEATURE).is_some()
}

/// The condition of an answer, or `ok`.
fn verdict(answer: &Element) -> String {
    match answer.child("error", ns::CLIENT) {
        None => "ok".into(),
        Some(error) => error.first_child().map_or("", |condition| condition.name()).into(),
    }
}

async fn ask(client: &mut Client, name: &str) -> String {
    client.send(wish("1", name)).await;
    let answer = client.receive().await;
    assert!(answer.child("query", ns::REGISTER).is_none(), "{answer}");
    verdict(&answer)
}

fn at(peer: &str) -> SocketAddr {
    peer.parse().expect("an address")
}

#[tokio::test(start_paused = true)]
async fn the_feature_is_shown_to_those_who_would_be_let_in() {
    for (door, clear, peer, let_in) in [
        (Open::Nobody, false, None, false),
        (Open::Nobody, true, Some("127.0.0.1:1"), false),
        (Open::Loopback, false, None, true),
        (Open::Loopback, false, Some("127.0.0.1:1"), true),
        (Open::Loopback, false, Some("[::1]:1"), true),
        (Open::Loopback, true, Some("192.0.2.1:1"), false),
        // What goes over it can be read by others.
        (Open::Everybody, false, Some("192.0.2.1:1"), false),
        (Open::Everybody, true, Some("192.0.2.1:1"), true),
        (Open::Everybody, false, Some("127.0.0.1:1"), true),
    ] {
        let stage = Scene::new("capulet.example")
            .settings(move |settings| settings.authentication.allow_plaintext = clear)
            .plugin(Registration { open: door, ..Registration::default() })
            .build()
            .await
            .unwrap();
        let mut client = match peer {
            None => stage.connect(),
            Some(peer) => stage.connect_from(at(peer)),
        };
        assert_eq!(open(&mut client).await, let_in, "{door:?} {clear} {peer:?}");
        client.send("<iq type='get' id='0'><query xmlns='jabber:iq:register'/></iq>").await;
        let expected = if let_in { "ok" } else { "not-allowed" };
        assert_eq!(verdict(&client.receive().await), expected);
        assert_eq!(ask(&mut client, "juliet").await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_logged_in_is_not_offered_registration() {
    let stage = stage(Registration::default()).await;
    let mut client = stage.connect();
    assert!(open(&mut client).await);
    assert_eq!(ask(&mut client, "juliet").await, "ok");
    client.authenticate("juliet", "juliet").await;
    assert!(!open(&mut client).await);
}

#[tokio::test(start_paused = true)]
async fn an_address_tries_so_often_and_no_more() {
    let rate = Rate { attempts: 2, per: Duration::from_secs(60), ..Rate::default() };
    let registration = Registration { open: Open::Everybody, rate, ..Registration::default() };
    let stage = Scene::new("capulet.example")
        .settings(|settings| settings.authentication.allow_plaintext = true)
        .plugin(registration)
        .build()
        .await
        .unwrap();
    let mut client = stage.connect_from(at("[2001:db8::1]:1"));
    client.open().await;
    assert_eq!(ask(&mut client, "juliet").await, "ok");
    assert_eq!(ask(&mut client, "juliet").await, "conflict");
    assert_eq!(ask(&mut client, "romeo").await, "resource-constraint");
    // Neither another connection nor another address of the same subscriber helps.
    let mut neighbour = stage.connect_from(at("[2001:db8::2]:1"));
    neighbour.open().await;
    assert_eq!(ask(&mut neighbour, "romeo").await, "resource-constraint");
    let mut elsewhere = stage.connect_from(at("192.0.2.1:1"));
    elsewhere.open().await;
    assert_eq!(ask(&mut elsewhere, "nurse").await, "ok");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut later = stage.connect_from(at("[2001:db8::1]:2"));
    later.open().await;
    assert_eq!(ask(&mut later, "romeo").await, "ok");
    assert_eq!(ask(&mut later, "tybalt").await, "resource-constraint");
}

#[tokio::test(start_paused = true)]
async fn this_machine_is_counted_on_demand() {
    for (loopback, third) in [(false, "ok"), (true, "resource-constraint")] {
        let rate = Rate { attempts: 2, loopback, ..Rate::default() };
        let stage = stage(Registration { rate, ..Registration::default() }).await;
        let mut client = stage.connect_from(at("127.0.0.1:1"));
        client.open().await;
        assert_eq!(ask(&mut client, "juliet").await, "ok");
        assert_eq!(ask(&mut client, "romeo").await, "ok");
        assert_eq!(ask(&mut client, "nurse").await, third);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_not_allowed() {
    let registration = Registration { change: false, remove: false, ..Registration::default() };
    let stage = stage(registration).await;
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, "juliet").await, "not-allowed");
    juliet
        .send("<iq type='set' id='2'><query xmlns='jabber:iq:register'><remove/></query></iq>")
        .await;
    assert_eq!(verdict(&juliet.receive().await), "not-allowed");
    juliet.close().await;
    stage.login("juliet@capulet.example/balcony").await;
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_named() {
    use sestina_register::Bounds;
    for (bounds, setting) in [
        (Bounds { username: 0, ..Bounds::default() }, "bounds.username"),
        (Bounds { username: 1024, ..Bounds::default() }, "bounds.username"),
        (Bounds { password: 1025, ..Bounds::default() }, "bounds.password"),
        (
            Bounds { shortest_password: 9, password: 8, ..Bounds::default() },
            "bounds.shortest_password",
        ),
    ] {
        let scene = Scene::new("capulet.example");
        let built = scene.plugin(Registration { bounds, ..Registration::default() }).build().await;
        let error = built.expect_err(setting).to_string();
        assert!(error.contains("register") && error.contains(setting), "{error}");
    }
}
