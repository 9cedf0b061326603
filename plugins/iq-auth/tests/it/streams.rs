//! Streams without a version, and what is offered where (S1-01, S1-04).

use std::net::SocketAddr;

use sestina_core::{AssemblyError, Scope};
use sestina_iq_auth::{IqAuth, LONGEST_CHAIN};
use sestina_stanza::ns;
use sestina_testkit::{Client, Received, Scene, Stage};

use crate::{all, client::Old, scene, with};

fn peer(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Opens a stream with such a header; the condition it is refused with, if it is.
async fn opened(stage: &Stage, attributes: &str) -> (Client, Option<String>) {
    let mut client = stage.connect();
    client.send(format!("<stream:stream {attributes}>")).await;
    let Received::Open(header) = client.next().await else { panic!("no stream") };
    assert!(header.id().is_some_and(|id| !id.is_empty()));
    match client.next_if_any().await {
        None => (client, None),
        Some(Received::Element(error)) => {
            assert!(error.is("error", ns::STREAM), "{error}");
            let condition = error.first_child().unwrap().name().to_owned();
            assert_eq!(client.next().await, Received::Close);
            (client, Some(condition))
        }
        Some(other) => panic!("{other:?}"),
    }
}

const OLD: &str = "to='capulet.example' xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams'";

#[tokio::test(start_paused = true)]
async fn s1_01_a_stream_without_a_version_has_no_features() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let (mut client, refused) = opened(&stage, OLD).await;
    assert_eq!(refused, None);
    // Nothing but a way in is for such a stream.
    client.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>").await;
    let error = client.receive().await;
    assert_eq!(error.first_child().unwrap().name(), "not-authorized");

    let mut juliet = Old::new(&stage).await;
    let mut other = Old::new(&stage).await;
    assert_ne!(juliet.id, other.id);
    assert_eq!(juliet.show("juliet", "password", "juliet").await, "in");
    assert_eq!(other.show("juliet", "password", "wrong").await, "not-authorized");
    let session = stage.server().session(&"juliet@capulet.example/r".parse().unwrap());
    assert!(session.is_some());
    assert!(juliet.client.close().await.is_empty());
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn s1_01_a_header_is_read_like_any_other() {
    let stage = scene().build().await.unwrap();
    for (attributes, condition) in [
        (OLD.replace("capulet", "montague"), "host-unknown"),
        (OLD.replace("jabber:client", "jabber:server"), "invalid-namespace"),
        (OLD.replace("/streams", "/brooks"), "invalid-namespace"),
        (format!("{OLD} version='one'"), "unsupported-version"),
    ] {
        let (_, refused) = opened(&stage, &attributes).await;
        assert_eq!(refused.as_deref(), Some(condition), "{attributes}");
    }
    assert_eq!(opened(&stage, &format!("{OLD} version='0.9'")).await.1, None);
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let stage = Scene::new("capulet.example").build().await.unwrap();
    assert_eq!(opened(&stage, OLD).await.1.as_deref(), Some("unsupported-version"));
    let mut client = stage.connect();
    let features = client.open().await;
    assert!(features.child("auth", ns::AUTH_FEATURE).is_none());
    for kind in ["get", "set"] {
        client.send(format!("<iq type='{kind}' id='1'><query xmlns='jabber:iq:auth'/></iq>")).await;
        let answer = client.receive().await;
        assert_eq!(answer.children().count(), 1, "{answer}");
        let error = answer.child("error", ns::CLIENT).unwrap();
        assert_eq!(error.first_child().unwrap().name(), "service-unavailable");
    }
    let described = stage.server().describe(&Scope::Server).unwrap();
    assert!(!described.features().any(|feature| feature == ns::AUTH));
    let spaces = stage.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "iq-auth"), "{spaces:?}");
}

/// The fields that are offered to whoever comes from there, and whether the feature is.
async fn offered(stage: &Stage, from: Option<&str>) -> (String, bool) {
    let connect = || match from {
        Some(from) => stage.connect_from(peer(from)),
        None => stage.connect(),
    };
    let features = connect().open().await;
    let answer = Old::over(connect()).await.ask("juliet").await;
    let fields = match answer.child("query", ns::AUTH) {
        Some(query) => query.children().map(|field| field.name().to_owned()).collect::<Vec<_>>(),
        None => vec![
            answer.child("error", ns::CLIENT).unwrap().children().next().unwrap().name().to_owned(),
        ],
    };
    (fields.join(" "), features.child("auth", ns::AUTH_FEATURE).is_some())
}

#[tokio::test(start_paused = true)]
async fn s1_04_what_is_offered_follows_settings_and_channel() {
    let plain = IqAuth::default();
    let none = IqAuth { plain: false, ..plain };
    let hashed = IqAuth { plain: false, ..all() };
    let (street, home) = (Some("192.0.2.7:4000"), Some("127.0.0.1:4000"));
    let everything = "username password digest sequence token resource";
    for (auth, from, fields, feature) in [
        (all(), None, everything, true),
        (all(), home, everything, true),
        (all(), street, "username digest sequence token resource", true),
        (hashed, None, "username digest sequence token resource", true),
        (plain, home, "username password resource", true),
        (plain, street, "service-unavailable", false),
        (none, None, "service-unavailable", false),
    ] {
        let stage = with(auth).build().await.unwrap();
        assert_eq!(offered(&stage, from).await, (fields.to_owned(), feature), "{auth:?} {from:?}");
    }
    // Whoever takes passwords in the clear by SASL takes them here, too.
    let open = with(plain).settings(|it| it.authentication.allow_plaintext = true);
    let offered = offered(&open.build().await.unwrap(), street).await;
    assert_eq!(offered, ("username password resource".to_owned(), true));
}

#[tokio::test(start_paused = true)]
async fn s1_04_where_tls_is_required_it_comes_first() {
    let scene = scene().settings(|settings| settings.authentication.require_tls = true);
    let stage = scene.account("juliet@capulet.example").build().await.unwrap();
    for ask in ["get", "set"] {
        let mut old = Old::over(stage.connect_from(peer("127.0.0.1:4000"))).await;
        let query = "<query xmlns='jabber:iq:auth'><username>juliet</username>\
            <password>juliet</password><resource>r</resource></query>";
        old.client.send(format!("<iq type='{ask}' id='1'>{query}</iq>")).await;
        let error = old.client.receive().await;
        assert!(error.is("error", ns::STREAM), "{error}");
        assert_eq!(error.first_child().unwrap().name(), "policy-violation");
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_not_asked_for_is_not_taken() {
    let stage = with(IqAuth { plain: false, ..all() });
    let stage = stage.account("juliet@capulet.example").build().await.unwrap();
    let mut old = Old::new(&stage).await;
    assert_eq!(old.show("juliet", "password", "juliet").await, "not-acceptable");
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let mut old = Old::over(stage.connect_from(peer("192.0.2.7:4000"))).await;
    assert_eq!(old.show("juliet", "password", "juliet").await, "not-acceptable");
    assert_eq!(old.digest("juliet", "juliet").await, "in");
    let plain = with(IqAuth::default()).account("juliet@capulet.example").build().await.unwrap();
    let mut old = Old::new(&plain).await;
    assert_eq!(old.digest("juliet", "juliet").await, "not-acceptable");
    assert_eq!(old.show("juliet", "hash", "juliet").await, "not-acceptable");
}

#[tokio::test(start_paused = true)]
async fn weaknesses_are_named_and_settings_bounded() {
    let weak = |stage: &Stage| stage.server().weaknesses().len();
    assert_eq!(weak(&with(IqAuth::default()).build().await.unwrap()), 1);
    assert_eq!(weak(&scene().build().await.unwrap()), 3);
    for sequences in [0, LONGEST_CHAIN + 1] {
        let wrong = with(IqAuth { sequences, ..all() }).build().await.unwrap_err();
        assert!(matches!(wrong, AssemblyError::Setting { name: "sequences", .. }), "{wrong:?}");
    }
}
