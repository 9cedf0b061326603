//! Ways in: SASL2 with Bind 2, and a thousand clients at once.

use std::time::Duration;

use sestina_net::Bounds;
use sestina_sasl::encode_base64;
use sestina_testkit::Scene;
use tokio::task::JoinSet;

#[tokio::test(start_paused = true)]
async fn one_round_trip_authenticates_and_binds() {
    let scene = Scene::new("capulet.example").account("romeo@capulet.example");
    let stage = scene.build().await.unwrap();
    let mut romeo = stage.connect();
    let features = romeo.open().await;
    let offered = features.child("authentication", "urn:xmpp:sasl:2").unwrap();
    let inline = offered.child("inline", "urn:xmpp:sasl:2").unwrap();
    assert!(inline.child("bind", "urn:xmpp:bind:0").is_some(), "{features}");
    let token = encode_base64(b"\0romeo\0romeo");
    romeo
        .send(format!(
            "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>\
             <initial-response>{token}</initial-response>\
             <bind xmlns='urn:xmpp:bind:0'><tag>Orchard</tag></bind></authenticate>"
        ))
        .await;
    let success = romeo.receive().await;
    assert!(success.is("success", "urn:xmpp:sasl:2"), "{success}");
    assert!(success.child("bound", "urn:xmpp:bind:0").is_some(), "{success}");
    let authorized =
        success.child("authorization-identifier", "urn:xmpp:sasl:2").unwrap().text().into_owned();
    let resource = authorized.strip_prefix("romeo@capulet.example/Orchard").unwrap();
    assert!(!resource.is_empty(), "{authorized}");
    // XEP-0388 §2.6: features follow, without a new header.
    assert!(romeo.receive().await.is("features", "http://etherx.jabber.org/streams"));
    romeo.send(format!("<message to='{authorized}' id='1'/>")).await;
    assert_eq!(romeo.receive().await.attr("id"), Some("1"));
    assert_eq!(stage.server().session_count(), 1);
}

/// Each account may have so many attempts under way at once.
const RESOURCES: usize = 10;

#[tokio::test]
async fn a_thousand_clients_log_in_at_once() {
    // A thousand passwords are checked one after another, on a machine that may be busy.
    let bounds = Bounds { authenticate: Duration::from_secs(600), ..Bounds::default() };
    let stage = Scene::new("capulet.example").bounds(bounds).build().await.unwrap();
    let accounts: Vec<_> = (0..100).map(|at| format!("client{at}@capulet.example")).collect();
    for account in &accounts {
        stage.account(&account.parse().unwrap()).await;
    }
    let mut clients = JoinSet::new();
    for account in &accounts {
        for resource in 0..RESOURCES {
            let mut client = stage.connect();
            let jid = format!("{account}/{resource}").parse().unwrap();
            clients.spawn(async move {
                client.login(&jid).await;
                client
            });
        }
    }
    let mut clients = clients.join_all().await;
    assert_eq!(stage.server().session_count(), 1_000);
    // Everybody is heard, too.
    for at in 0..clients.len() {
        let to = clients[(at + 1) % clients.len()].jid().unwrap().clone();
        clients[at].send(format!("<message to='{to}'/>")).await;
    }
    for client in &mut clients {
        assert_eq!(client.receive().await.name(), "message");
    }
    for client in clients {
        assert_eq!(client.close().await, []);
    }
    while stage.server().session_count() > 0 {
        tokio::task::yield_now().await;
    }
}
