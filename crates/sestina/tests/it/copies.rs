//! Copies beside what keeps messages and what keeps them out.

use sestina::plugins::{
    blocking::Blocking, carbons::Carbons, offline::OfflineMessages, privacy::Privacy,
};
use sestina_testkit::{Scene, play};

#[test]
fn copies_of_messages_that_wait_or_are_blocked() {
    // Assembled last, so that it has to find its place.
    let scene = Scene::new("capulet.example").plugin(OfflineMessages::default());
    let scene = scene.plugin(Blocking::default()).plugin(Privacy::default());
    play(scene.plugin(Carbons), COPIES);
}

const COPIES: &str = "
[client] hall: juliet@capulet.example/hall
[client] romeo: romeo@capulet.example/orchard
[client] tybalt: tybalt@capulet.example/street
hall sends: <iq type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>
hall receives: <iq type='result' id='1'/>

# Who takes no messages sees what waits for those who do, and it waits all the same.
hall sends: <presence><priority>-1</priority></presence>
romeo sends: <message type='chat' to='juliet@capulet.example' id='2'><body>Hark</body></message>
hall receives:
  <message type='chat' from='juliet@capulet.example'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
    <message xmlns='jabber:client' type='chat' from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='2'><body>Hark</body></message></forwarded></received></message>
[client] balcony: juliet@capulet.example/balcony
balcony sends: <presence/>
balcony receives: <message type='chat' from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='2'><body>Hark</body><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
hall receives nothing

# From whom she blocks there is nothing to copy, and of what she cannot say to them neither.
hall sends: <iq type='set' id='3'><block xmlns='urn:xmpp:blocking'><item jid='tybalt@capulet.example'/></block></iq>
hall receives in any order:
  <iq type='result' id='3'/>
  <iq type='set' id='{any}'><query xmlns='jabber:iq:privacy'><list name='blocked'/></query></iq>
balcony receives: <iq type='set' id='{any}'><query xmlns='jabber:iq:privacy'><list name='blocked'/></query></iq>
tybalt sends: <message type='chat' to='juliet@capulet.example' id='4'><body>Out!</body></message>
tybalt receives:
  <message type='error' from='juliet@capulet.example' id='4'><body>Out!</body><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
balcony sends: <message type='chat' to='tybalt@capulet.example' id='5'><body>Peace</body></message>
balcony receives:
  <message type='error' from='tybalt@capulet.example' id='5'><body>Peace</body><error type='cancel' code='406'>
    <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></message>
hall receives nothing
balcony receives nothing

# A session that hears nothing of somebody sees no copies of it.
hall sends: <iq type='set' id='6'><query xmlns='jabber:iq:privacy'><list name='quiet'><item type='jid' value='romeo@capulet.example' action='deny' order='1'><message/></item></list></query></iq>
hall receives in any order:
  <iq type='result' id='6'/>
  <iq type='set' id='{any}'><query xmlns='jabber:iq:privacy'><list name='quiet'/></query></iq>
balcony receives: <iq type='set' id='{any}'><query xmlns='jabber:iq:privacy'><list name='quiet'/></query></iq>
hall sends: <iq type='set' id='7'><query xmlns='jabber:iq:privacy'><active name='quiet'/></query></iq>
hall receives: <iq type='result' id='7'/>
romeo sends: <message type='chat' to='juliet@capulet.example/balcony' id='8'><body>Hark</body></message>
balcony receives: <message type='chat' from='romeo@capulet.example/orchard' to='juliet@capulet.example/balcony' id='8'><body>Hark</body></message>
hall receives nothing
";
