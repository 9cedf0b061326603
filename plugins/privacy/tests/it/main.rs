//! Privacy lists as clients see them, and what they leave behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contacts;

use sestina_core::Scope;
use sestina_privacy::{MOST_BYTES, MOST_ITEMS, MOST_LISTS, NAME_BYTES, Privacy};
use sestina_stanza::{Condition, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Privacy::default())
}

transcripts! { scene: conflicts, errors, in_force, kinds, lists }

async fn ask(client: &mut Client, xml: &str) -> Option<Condition> {
    client.send(xml).await;
    loop {
        let answer = Stanza::read(client.receive().await).unwrap();
        if answer.id() == Some("ask") {
            return answer.reported_error().map(|error| error.condition());
        }
    }
}

fn set(what: &str) -> String {
    format!("<iq type='set' id='ask'><query xmlns='jabber:iq:privacy'>{what}</query></iq>")
}

fn list(name: &str, jids: &[&str]) -> String {
    let item =
        |(order, jid)| format!("<item type='jid' value='{jid}' action='deny' order='{order}'/>");
    let items: String = (1..).zip(jids).map(item).collect();
    set(&format!("<list name='{name}'>{items}</list>"))
}

#[tokio::test(start_paused = true)]
async fn lists_have_their_bounds_and_go_with_their_account() {
    let bounded = Privacy { lists: 2, items: 3, bytes: 40 };
    let stage = Scene::new("capulet.example").plugin(bounded).build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let full = Some(Condition::ResourceConstraint);
    assert_eq!(ask(&mut juliet, &list("a", &["a", "b", "c", "d"])).await, full);
    assert_eq!(ask(&mut juliet, &list("a", &["a", "b", "c"])).await, None);
    assert_eq!(ask(&mut juliet, &list("b", &[&"b".repeat(38)])).await, full);
    assert_eq!(ask(&mut juliet, &list("b", &[&"b".repeat(37)])).await, None);
    assert_eq!(ask(&mut juliet, &list("c", &["c"])).await, full);
    // In place of another there is room.
    assert_eq!(ask(&mut juliet, &list("b", &[&"c".repeat(37)])).await, None);
    let longest = "n".repeat(NAME_BYTES);
    let long = Some(Condition::NotAcceptable);
    assert_eq!(ask(&mut juliet, &list(&format!("{longest}n"), &["a"])).await, long);
    assert_eq!(ask(&mut juliet, &set("<list name='b'/>")).await, None);
    assert_eq!(ask(&mut juliet, &list(&longest, &["a"])).await, None);
    let kept = stage.server().store().space("lists");
    assert_eq!(kept.owners(None, 2).await.unwrap().len(), 1);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(kept.owners(None, 2).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_next_owner_of_an_account_begins_without_lists() {
    let stage = scene().account("romeo@capulet.example").build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &list("a", &["romeo@capulet.example"])).await, None);
    assert_eq!(ask(&mut juliet, &set("<default name='a'/>")).await, None);
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let message =
        "<message to='juliet@capulet.example' id='ask' type='chat'><body>Hark</body></message>";
    // The list is remembered, although nobody is there.
    drop(juliet);
    stage.settle().await;
    assert_eq!(ask(&mut romeo, message).await, Some(Condition::ServiceUnavailable));
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    stage.settle().await;
    romeo.send(message).await;
    while Stanza::read(juliet.receive().await).unwrap().body().as_deref() != Some("Hark") {}
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_while_nobody_knows_what_is_denied() {
    let (store, faults) = faulty_store();
    let scene = scene().store(store).account("juliet@capulet.example");
    let stage = scene.build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    faults.on(Calls::Reads).within("lists").fail(ErrorKind::Io);
    let message = "<message to='juliet@capulet.example' id='ask'><body>Hark</body></message>";
    assert!(ask(&mut romeo, message).await.is_some());
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    let full = "<message to='romeo@capulet.example/orchard' id='ask'><body>Hark</body></message>";
    assert!(ask(&mut juliet, full).await.is_some());
    faults.mend();
    juliet.send(full).await;
    while Stanza::read(romeo.receive().await).unwrap().body().as_deref() != Some("Hark") {}
}

#[tokio::test(start_paused = true)]
async fn whoever_is_absent_is_looked_up_once() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &list("a", &["paris@capulet.example"])).await, None);
    assert_eq!(ask(&mut juliet, &set("<default name='a'/>")).await, None);
    drop(juliet);
    stage.settle().await;
    let request = "<iq type='get' to='juliet@capulet.example' id='ask'><q xmlns='urn:q'/></iq>";
    assert_eq!(ask(&mut romeo, request).await, Some(Condition::ServiceUnavailable));
    faults.on(Calls::Reads).within("lists").fail(ErrorKind::Io);
    // Said by whoever answers for the account, and not by a guard that cannot tell.
    assert_eq!(ask(&mut romeo, request).await, Some(Condition::ServiceUnavailable));
    let other = request.replace("juliet", "nurse");
    assert_eq!(ask(&mut romeo, &other).await, Some(Condition::ResourceConstraint));
    faults.mend();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &list("a", &["romeo@capulet.example"])).await, None);
    drop(juliet);
    stage.settle().await;
    // What was remembered before the change is not what counts after it.
    let message =
        "<message to='juliet@capulet.example' id='ask' type='headline'><body>Hark</body></message>";
    romeo.send(message).await;
    let chat = message.replace("headline", "chat");
    assert_eq!(ask(&mut romeo, &chat).await, Some(Condition::ServiceUnavailable));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_written_is_not_in_force() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut romeo = stage.login("romeo@capulet.example/orchard").await;
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &list("a", &["paris@capulet.example"])).await, None);
    assert_eq!(ask(&mut juliet, &set("<default name='a'/>")).await, None);
    faults.on(Calls::Writes).within("lists").fail(ErrorKind::Io);
    assert!(ask(&mut juliet, &list("a", &["romeo@capulet.example"])).await.is_some());
    assert!(ask(&mut juliet, &set("<list name='a'/>")).await.is_some());
    assert!(ask(&mut juliet, &set("<default/>")).await.is_some());
    let message =
        "<message to='juliet@capulet.example/balcony' id='ask'><body>Hark</body></message>";
    romeo.send(message).await;
    while Stanza::read(juliet.receive().await).unwrap().body().as_deref() != Some("Hark") {}
    faults.mend();
    assert_eq!(ask(&mut juliet, &list("a", &["romeo@capulet.example"])).await, None);
    assert!(ask(&mut romeo, message).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn lists_move_with_their_account() {
    let verona = scene().build().await.unwrap();
    let mut juliet = verona.login("juliet@capulet.example/balcony").await;
    assert_eq!(ask(&mut juliet, &list("a", &["romeo@capulet.example", "b.example/c"])).await, None);
    let other = "<list name='b'><item action='allow' order='9'><message/><iq/></item></list>";
    assert_eq!(ask(&mut juliet, &set(other)).await, None);
    assert_eq!(ask(&mut juliet, &set("<default name='a'/>")).await, None);
    let left = verona.export("juliet@capulet.example").await;
    let lists = left.last().unwrap().to_string();
    assert!(
        lists.starts_with("<query xmlns='jabber:iq:privacy'><default name='a'/><list name='a'>")
    );
    assert!(lists.contains(other), "{lists}");
    let bounds = Privacy { lists: 2, items: 2, bytes: 32 };
    let mantua = Scene::new("capulet.example").plugin(bounds).account("romeo@capulet.example");
    let mantua = mantua.build().await.unwrap();
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    assert_eq!(mantua.export("juliet@capulet.example").await, left);
    let mut romeo = mantua.login("romeo@capulet.example/orchard").await;
    let message =
        "<message to='juliet@capulet.example' id='ask' type='chat'><body>Hark</body></message>";
    assert_eq!(ask(&mut romeo, message).await, Some(Condition::ServiceUnavailable));

    // What cannot be taken as a whole, or finds no room, is not taken at all.
    let rule = |order, jid: &str| {
        format!("<item type='jid' value='{jid}' action='deny' order='{order}'/>")
    };
    let (one, two) = (rule(1, "a"), rule(2, "b"));
    for (content, taken) in [
        (format!("<list name='a'>{one}{two}</list><list name='b'>{one}</list>"), true),
        (format!("<default/><list name='a'>{one}</list>"), true),
        (format!("<list name='a'>{one}{two}{}</list>", rule(3, "c")), false),
        (format!("<list name='a'>{}</list>", rule(1, &"a".repeat(32))), true),
        (format!("<list name='a'>{}</list>", rule(1, &"a".repeat(33))), false),
        (["a", "b", "c"].map(|name| format!("<list name='{name}'>{one}</list>")).concat(), false),
        (format!("<list name='{}'>{one}</list>", "n".repeat(NAME_BYTES + 1)), false),
        (format!("<list name='a'>{one}</list><list name='a'>{two}</list>"), false),
        ("<list name='a'/>".to_owned(), false),
        (format!("<default name='b'/><list name='a'>{one}</list>"), false),
        (format!("<active name='a'/><list name='a'>{one}</list>"), false),
        (format!("<list name='a'>{one}{one}</list>"), false),
    ] {
        let xml = format!("<query xmlns='jabber:iq:privacy'>{content}</query>");
        let imported = mantua.import_xml("nurse@capulet.example", &xml).await;
        assert_eq!(imported.is_ok(), taken, "{xml}: {imported:?}");
        if taken {
            let nurse = "nurse@capulet.example".parse().unwrap();
            mantua.server().accounts().remove(&nurse).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for (lists, items, bytes) in [
        (0, 1, 1),
        (MOST_LISTS + 1, 1, 1),
        (1, 0, 1),
        (1, MOST_ITEMS + 1, 1),
        (1, 1, 0),
        (1, 1, MOST_BYTES + 1),
    ] {
        let scene = Scene::new("capulet.example").plugin(Privacy { lists, items, bytes });
        assert!(scene.build().await.is_err(), "{lists} {items} {bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == "jabber:iq:privacy"))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    let mut juliet = without.login("juliet@capulet.example/balcony").await;
    let refused = ask(&mut juliet, &list("a", &["d.e"])).await;
    assert_eq!(refused, Some(Condition::ServiceUnavailable));
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "lists"), "{spaces:?}");
}
