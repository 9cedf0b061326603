//! Every bound is met.

use sestina_core::{Assembly, AssemblyError, Settings};
use sestina_roster::{Bounds, Roster};
use sestina_stanza::{Condition, PresenceType, Stanza};
use sestina_testkit::{Client, Received, Scene};

use crate::scene;

/// Sends something and takes the answer to it; none where nothing comes.
async fn ask(client: &mut Client, stanza: String) -> Option<Condition> {
    client.send(stanza).await;
    let answer = Stanza::read(client.receive().await).unwrap();
    answer.reported_error().map(|error| error.condition())
}

fn item(jid: &str, name: &str) -> String {
    format!(
        "<iq type='set' id='1'><query xmlns='jabber:iq:roster'>\
         <item jid='{jid}' name='{name}'/></query></iq>"
    )
}

#[tokio::test(start_paused = true)]
async fn so_many_contacts() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for number in 0..5 {
        assert_eq!(ask(&mut juliet, item(&format!("{number}@b.example"), "")).await, None);
    }
    let full = Some(Condition::ResourceConstraint);
    assert_eq!(ask(&mut juliet, item("5@b.example", "")).await, full);
    assert_eq!(
        ask(&mut juliet, "<presence type='subscribe' to='5@b.example'/>".into()).await,
        full
    );
    assert_eq!(ask(&mut juliet, item("4@b.example", "renamed")).await, None);
}

#[tokio::test(start_paused = true)]
async fn so_many_bytes() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let long = |letter: &str| format!("{}@b.example", letter.repeat(1000));
    for letter in ["a", "b", "c", "d"] {
        assert_eq!(ask(&mut juliet, item(&long(letter), "")).await, None);
    }
    let full = Some(Condition::ResourceConstraint);
    assert_eq!(ask(&mut juliet, item(&long("e"), "")).await, full);
}

#[tokio::test(start_paused = true)]
async fn so_many_requests_of_strangers() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    for name in ["tybalt", "romeo", "paris"] {
        let mut stranger = stage.login(&format!("{name}@capulet.example/1")).await;
        let status = "s".repeat(if name == "romeo" { 300 } else { 10 });
        stranger
            .send(format!(
                "<presence type='subscribe' to='juliet@capulet.example'>\
                 <status>{status}</status></presence>"
            ))
            .await;
        stage.settle().await;
    }
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    let mut received = Vec::new();
    stage.settle().await;
    while let Some(Received::Element(element)) = juliet.next_if_any().await {
        let stanza = Stanza::read(element).unwrap();
        let status = stanza.child_text("status").map(|status| status.len());
        received.push((stanza.from().unwrap().local().unwrap().to_owned(), status));
    }
    let expected = [("juliet", None), ("romeo", None), ("tybalt", Some(10))];
    assert_eq!(received, expected.map(|(name, status)| (name.to_owned(), status)));
}

#[tokio::test(start_paused = true)]
async fn so_many_changes_one_by_one() {
    let bounds = Bounds { changes: 2, ..Bounds::default() };
    let scene = Scene::new("capulet.example").plugin(Roster { bounds });
    let stage = scene.build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut versions = Vec::new();
    for number in 0..4 {
        ask(&mut juliet, item(&format!("{number}@b.example"), "")).await;
        versions.push(version(&mut juliet).await);
    }
    assert_eq!(told_since(&mut juliet, &versions[3]).await, Some(0));
    assert_eq!(told_since(&mut juliet, &versions[1]).await, Some(2));
    assert_eq!(told_since(&mut juliet, &versions[0]).await, None);
}

/// The version of the list, asked for by a session that is not told of changes.
async fn version(juliet: &mut Client) -> String {
    juliet.send("<iq type='get' id='2'><query xmlns='jabber:iq:roster' ver=''/></iq>").await;
    loop {
        let answer = juliet.receive().await;
        if answer.root().attr("id") == Some("2") {
            return answer.root().first_child().unwrap().attr("ver").unwrap().to_owned();
        }
    }
}

/// How many changes a client is told one by one that knows a version; none if it gets the list.
async fn told_since(juliet: &mut Client, version: &str) -> Option<usize> {
    while juliet.next_if_any().await.is_some() {}
    let query = format!("<query xmlns='jabber:iq:roster' ver='{version}'/>");
    juliet.send(format!("<iq type='get' id='3'>{query}</iq>")).await;
    if juliet.receive().await.root().first_child().is_some() {
        return None;
    }
    let mut told = 0;
    while juliet.next_if_any().await.is_some() {
        told += 1;
    }
    Some(told)
}

#[tokio::test(start_paused = true)]
async fn so_much_directed_presence() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for number in 0..3 {
        juliet.send(format!("<presence to='{number}@capulet.example'/>")).await;
    }
    juliet.send("<presence to='1@capulet.example'/>").await;
    stage.settle().await;
    assert!(juliet.next_if_any().await.is_none());
    let full = Some(Condition::ResourceConstraint);
    let fourth = "<presence to='3@capulet.example'/>";
    assert_eq!(ask(&mut juliet, fourth.into()).await, full);
    juliet.send("<presence type='unavailable' to='0@capulet.example'/>").await;
    juliet.send(fourth).await;
    stage.settle().await;
    assert!(juliet.next_if_any().await.is_none());
}

/// Whoever has more contacts than their queue holds stanzas hears of all of them.
#[tokio::test(start_paused = true)]
async fn a_session_that_comes_is_told_no_faster_than_it_listens() {
    let stage = Scene::new("capulet.example")
        .settings(|settings| settings.bounds.queue.stanzas = 50)
        .plugin(Roster::default())
        .build()
        .await
        .unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let mut others = Vec::new();
    for number in 0..120 {
        let contact = format!("{number}@capulet.example");
        stage.account(&contact.parse().unwrap()).await;
        let session = stage.attach(&format!("{contact}/1")).await;
        let approval = Stanza::presence(PresenceType::Subscribed)
            .to("juliet@capulet.example".parse().unwrap())
            .build();
        session.send(approval).await.unwrap();
        session.send(Stanza::presence(PresenceType::Available).build()).await.unwrap();
        juliet.send(format!("<presence type='subscribe' to='{contact}'/>")).await;
        others.push(session);
    }
    stage.settle().await;
    juliet.send("<presence/>").await;
    let mut seen = 0;
    while let Some(received) = juliet.next_if_any().await {
        assert!(matches!(received, Received::Element(_)), "{received:?}");
        seen += 1;
    }
    assert_eq!(seen, 121);
}

#[test]
fn a_list_must_fit_its_record() {
    for bounds in [
        Bounds { bytes: 1 << 20, ..Bounds::default() },
        Bounds { contacts: usize::MAX, ..Bounds::default() },
        Bounds { name: 1 << 16, ..Bounds::default() },
        Bounds { request: 1 << 20, ..Bounds::default() },
    ] {
        let settings = Settings::new("a.example".parse().unwrap(), sestina_store::memory());
        let refused = Assembly::new(settings).plugin(Roster { bounds }).map(drop);
        assert!(matches!(refused, Err(AssemblyError::Setting { plugin: "roster", .. })));
    }
}
