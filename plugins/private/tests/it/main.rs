//! Private storage as clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sestina_core::{Assembly, Attached, Scope, Settings};
use sestina_private::{LONGEST, LONGEST_NAME, PrivateStorage};
use sestina_stanza::{Condition, ErrorType, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, perform, transcripts};
use sestina_xml::{Element, Limits};

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(PrivateStorage { elements: 2, longest: 300 })
}

transcripts! { scene: keeps_bookmarks, refuses_others }

/// What the server makes of a query with this in it, sent within the process.
async fn ask(session: &mut Attached, kind: &str, content: &str) -> Stanza {
    let iq = format!(
        "<iq xmlns='jabber:client' type='{kind}' id='1'>\
         <query xmlns='jabber:iq:private'>{content}</query></iq>"
    );
    let iq = Element::parse(iq, &Limits::default()).unwrap();
    session.send(Stanza::read(iq).unwrap()).await.unwrap();
    session.receive().await.unwrap()
}

async fn refused(
    session: &mut Attached,
    kind: &str,
    content: &str,
) -> Option<(Condition, ErrorType)> {
    let error = ask(session, kind, content).await.reported_error();
    error.map(|error| (error.condition(), error.kind()))
}

/// What is kept under a name, as it is written.
async fn kept(session: &mut Attached, name: &str) -> String {
    let answer = ask(session, "get", name).await;
    answer.payload().unwrap().first_child().unwrap().to_element().to_string()
}

/// Whether the store holds anything of the plugin's.
async fn is_stored(stage: &Stage) -> bool {
    !stage.server().store().space("private").owners(None, 1).await.unwrap().is_empty()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_one_element_with_a_namespace_of_its_own() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let bad = (Condition::BadRequest, ErrorType::Modify);
    let unacceptable = (Condition::NotAcceptable, ErrorType::Modify);
    let long = format!("<a xmlns='{}'/>", "x".repeat(LONGEST_NAME));
    for (content, get) in [
        ("", bad),
        ("hello", bad),
        ("<a xmlns='urn:example:a'/><a xmlns='urn:example:a'/>", unacceptable),
        ("<a xmlns='urn:example:a'/><b xmlns='urn:example:b'/><c/>", unacceptable),
        ("<a/>", unacceptable),
        ("<a xmlns=''/>", unacceptable),
        (long.as_str(), unacceptable),
    ] {
        assert_eq!(refused(&mut juliet, "get", content).await, Some(get), "{content}");
        let set = refused(&mut juliet, "set", content).await;
        assert_eq!(set, Some(unacceptable), "{content}");
    }
    assert!(!is_stored(&stage).await);
    let longest = format!("<a xmlns='{}'/>", "x".repeat(LONGEST_NAME - 1));
    assert_eq!(refused(&mut juliet, "get", &longest).await, None);
}

#[tokio::test(start_paused = true)]
async fn elements_are_bounded_in_size_and_number() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let element = |name: &str, size: usize| {
        let (before, after) = (format!("<{name} xmlns='urn:example:a'>"), format!("</{name}>"));
        format!("{before}{}{after}", "x".repeat(size - before.len() - after.len()))
    };
    assert_eq!(refused(&mut juliet, "set", &element("a", 300)).await, None);
    let large = refused(&mut juliet, "set", &element("a", 301)).await;
    assert_eq!(large, Some((Condition::NotAcceptable, ErrorType::Modify)));
    assert_eq!(kept(&mut juliet, "<a xmlns='urn:example:a'/>").await, element("a", 300));

    assert_eq!(refused(&mut juliet, "set", &element("b", 100)).await, None);
    let third = refused(&mut juliet, "set", &element("c", 100)).await;
    assert_eq!(third, Some((Condition::ResourceConstraint, ErrorType::Wait)));
    // One that is there can still be changed, and one that goes makes room.
    assert_eq!(refused(&mut juliet, "set", &element("a", 100)).await, None);
    assert_eq!(refused(&mut juliet, "set", "<b xmlns='urn:example:a'> </b>").await, None);
    assert_eq!(refused(&mut juliet, "set", &element("c", 100)).await, None);
    assert_eq!(kept(&mut juliet, "<b xmlns='urn:example:a'/>").await, "<b xmlns='urn:example:a'/>");
    // Each account has its own.
    let mut romeo = stage.attach("romeo@capulet.example/orchard").await;
    assert_eq!(refused(&mut romeo, "set", &element("d", 100)).await, None);
}

#[tokio::test(start_paused = true)]
async fn elements_come_back_byte_for_byte() {
    const ELEMENT: &str = "<p:a xmlns:p=\"urn:example:p\" xmlns='urn:example:a' p:b = '1'>\n\
        <c>&lt;&#x20;</c><![CDATA[>]]></p:a>";
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    assert_eq!(refused(&mut juliet, "set", ELEMENT).await, None);
    assert_eq!(kept(&mut juliet, "<a xmlns='urn:example:p'/>").await, ELEMENT);
}

#[tokio::test(start_paused = true)]
async fn elements_go_with_their_account() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet
        .send(
            "<iq type='set' id='1'><query xmlns='jabber:iq:private'>\
             <a xmlns='urn:example:a'>b</a></query></iq>",
        )
        .await;
    assert_eq!(juliet.receive().await.attr("type"), Some("result"));
    assert!(is_stored(&stage).await);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(!is_stored(&stage).await);
}

/// Nobody is told that something is kept which is not, or that it is not when it cannot be read.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_not_an_empty_one() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    faults.on(Calls::Writes).within("private").fail(ErrorKind::Full);
    assert!(refused(&mut juliet, "set", "<a xmlns='urn:example:a'>b</a>").await.is_some());
    faults.mend();
    faults.on(Calls::Reads).within("private").fail(ErrorKind::Io);
    assert!(refused(&mut juliet, "get", "<a xmlns='urn:example:a'/>").await.is_some());
    faults.mend();
    assert_eq!(kept(&mut juliet, "<a xmlns='urn:example:a'/>").await, "<a xmlns='urn:example:a'/>");
}

#[test]
fn settings_are_checked() {
    let install = |elements, longest| {
        let domain = "capulet.example".parse().unwrap();
        let mut assembly = Assembly::new(Settings::new(domain, sestina_store::memory()));
        assembly.plugin(PrivateStorage { elements, longest }).is_ok()
    };
    assert!(install(1, 1) && install(1, LONGEST));
    assert!(!install(0, 1) && !install(1, 0) && !install(1, LONGEST + 1));
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let without = Scene::new("capulet.example").build().await.unwrap();
    for (stage, there) in [(&scene().build().await.unwrap(), true), (&without, false)] {
        for scope in [Scope::Server, Scope::Own] {
            let described = stage.server().describe(&scope);
            let told =
                described.is_some_and(|it| it.features().any(|it| it == "jabber:iq:private"));
            assert_eq!(told, there, "{scope:?}");
        }
    }
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='get' id='1'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query></iq>
juliet receives:
  <iq type='error' id='1'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends:
  <iq type='set' id='2'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>b</a></query></iq>
juliet receives:
  <iq type='error' id='2'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>b</a></query>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "private"), "{spaces:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_moves_with_its_account() {
    const JULIET: &str = "juliet@capulet.example";
    const KEPT: &str = "<query xmlns='jabber:iq:private'><a xmlns='urn:a' x='1'>\n<b/></a>\
        <p:a xmlns:p='urn:b'><p:c/></p:a></query>";
    let stage = scene().build().await.unwrap();
    stage.import_xml(JULIET, KEPT).await.unwrap();
    let left = stage.export(JULIET).await;
    assert_eq!(left.last().unwrap().child("a", "urn:b").unwrap().children().count(), 1);
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    assert_eq!(kept(&mut juliet, "<a xmlns='urn:a'/>").await, "<a xmlns='urn:a' x='1'>\n<b/></a>");
    let mantua = scene().build().await.unwrap();
    mantua.import(JULIET, &left).await.unwrap();
    assert_eq!(mantua.export(JULIET).await, left);
    // Bounds are those of the server it comes to.
    let long = format!("<a xmlns='urn:a'>{}</a>", "x".repeat(300));
    for wrong in
        ["<a xmlns='urn:a' x='1'/><b xmlns='urn:a' x='1'/><c xmlns='urn:a' x='1'/>", "<a/>", &long]
    {
        let wrong = format!("<query xmlns='jabber:iq:private'>{wrong}</query>");
        stage.import_xml("romeo@capulet.example", &wrong).await.unwrap_err();
    }
    assert_eq!(stage.server().accounts().list().await.unwrap().len(), 1);
}
