//! Block lists, privacy lists and contact lists, which know nothing of each other.

use sestina::plugins::{blocking::Blocking, privacy::Privacy, roster::Roster};
use sestina_testkit::{Scene, perform, transcripts};

fn scene() -> Scene {
    let scene = Scene::new("capulet.example").plugin(Privacy::default());
    scene.plugin(Blocking::default()).plugin(Roster::default())
}

transcripts! { scene in "lists": contact_rules, listed_presence, one_model }

const RULED: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:privacy'><list name='a'>
    <item type='jid' value='tybalt@capulet.example' action='deny' order='1'/>
    <item action='deny' order='2'/></list></query></iq>
  <iq type='set' id='2'><query xmlns='jabber:iq:privacy'><default name='a'/></query></iq>
juliet receives in any order:
  <iq type='result' id='1'/>
  <iq type='result' id='2'/>
  <iq type='set' id='{push}'><query xmlns='jabber:iq:privacy'><list name='a'/></query></iq>
";

const BLOCKED: &str = "
# What only privacy lists can say is said no more; who is blocked is blocked still.
[client] juliet: juliet@capulet.example/balcony
[client] tybalt: tybalt@capulet.example/street
[client] romeo: romeo@capulet.example/orchard
juliet sends: <iq type='get' id='1'><blocklist xmlns='urn:xmpp:blocking'/></iq>
juliet receives: <iq type='result' id='1'><blocklist xmlns='urn:xmpp:blocking'><item jid='tybalt@capulet.example'/></blocklist></iq>
romeo sends: <message to='juliet@capulet.example/balcony' id='2'><body>But soft</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example/balcony' id='2'><body>But soft</body></message>
tybalt sends: <message to='juliet@capulet.example/balcony' id='3'><body>A villain</body></message>
tybalt receives: <message type='error' id='3' from='juliet@capulet.example/balcony'><body>A villain</body><error type='cancel' code='503'>{any}</error></message>
";

#[tokio::test(start_paused = true)]
async fn without_privacy_lists_only_blocks_are_left() {
    let store = sestina::store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    perform(&stage, RULED).await.unwrap();
    drop(stage);
    let blocking = Scene::new("capulet.example").plugin(Blocking::default());
    let stage = blocking.store(store).build().await.unwrap();
    perform(&stage, BLOCKED).await.unwrap();
}
