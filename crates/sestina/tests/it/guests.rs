//! What discovery says of guests.

use sestina::plugins::{anonymous::Anonymous, disco::Discovery};
use sestina_testkit::Scene;

#[tokio::test(start_paused = true)]
async fn a_guest_is_not_registered() {
    let scene = Scene::new("capulet.example").plugin(Anonymous::default());
    let stage = scene.plugin(Discovery::default()).build().await.unwrap();
    let mut tybalt = stage.connect();
    tybalt.open().await;
    tybalt
        .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'>=</auth>")
        .await;
    assert_eq!(tybalt.receive().await.name(), "success");
    tybalt.open().await;
    tybalt.bind(None).await;
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    for (client, kind) in [(&mut tybalt, "anonymous"), (&mut juliet, "registered")] {
        let own = client.jid().unwrap().bare_str().to_owned();
        let query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
        client.send(format!("<iq type='get' id='1' to='{own}'>{query}</iq>")).await;
        let answer = client.receive().await;
        let identities: Vec<_> = answer
            .first_child()
            .unwrap()
            .children()
            .filter(|child| child.name() == "identity" && child.attr("category") == Some("account"))
            .map(|child| child.attr("type").unwrap().to_owned())
            .collect();
        assert_eq!(identities, [kind]);
    }
}
