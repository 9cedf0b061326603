//! Rules beside what they ask and what they use.

use sestina::plugins::{filter::Filter, offline::OfflineMessages, roster::Roster};
use sestina_testkit::{Scene, play};

#[test]
fn rules_with_a_contact_list_and_messages_that_wait() {
    let scene = Scene::new("capulet.example").plugin(Filter::default());
    play(scene.plugin(Roster::default()).plugin(OfflineMessages::default()), FILTERED);
}

const FILTERED: &str = "
[account] nurse@capulet.example
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
[client] tybalt: tybalt@capulet.example/street
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='romeo@capulet.example'><group>Montagues</group></item></query></iq>
juliet receives: <iq type='result' id='1'/>
juliet sends:
  <iq type='set' id='2'><query xmlns='jabber:iq:filter'><rule><group>Capulets</group></rule><rule><roster/><show>dnd</show><offline/><reply>Later</reply></rule><rule><roster/><continue/></rule><rule><type>chat</type><error code='403'/></rule><rule><unavailable/><offline/><continue/></rule></query></iq>
juliet receives: <iq type='result' id='2'/>
juliet sends: <presence><show>dnd</show></presence>
juliet receives: <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'><show>dnd</show></presence>

# Whoever is not on the list is turned away, who is finds her busy.
tybalt sends: <message to='juliet@capulet.example' id='3' type='chat'><body>Out!</body></message>
tybalt receives: <message type='error' from='juliet@capulet.example' id='3'><body>Out!</body><error type='auth' code='403'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
romeo sends: <message to='juliet@capulet.example' id='4'><body>Hark</body></message>
romeo receives: <message from='juliet@capulet.example' to='romeo@capulet.example/orchard'><body>Later</body><x xmlns='jabber:x:envelope'><forwardedby jid='juliet@capulet.example'/></x></message>
juliet receives nothing

# What was kept comes with her, once; and so does what her rules and the server would both keep.
juliet sends: <presence type='unavailable'/>
tybalt sends: <message to='juliet@capulet.example' id='5'><body>Hark</body></message>
tybalt receives nothing
juliet sends: <presence/>
juliet receives in any order:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
  <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='4'><body>Hark</body><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
  <message from='tybalt@capulet.example/street' to='juliet@capulet.example' id='5'><body>Hark</body><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
juliet receives nothing

# What is passed on to somebody who is not there waits there.
juliet sends: <iq type='set' id='6'><query xmlns='jabber:iq:filter'><rule><forward>nurse@capulet.example</forward></rule></query></iq>
juliet receives: <iq type='result' id='6'/>
romeo sends: <message to='juliet@capulet.example' id='7'><body>Hark</body></message>
romeo receives nothing
[client] nurse: nurse@capulet.example/house
nurse sends: <presence/>
nurse receives in any order:
  <presence from='nurse@capulet.example/house' to='nurse@capulet.example'/>
  <message from='juliet@capulet.example' to='nurse@capulet.example' id='7'><body>Hark</body><x xmlns='jabber:x:envelope'><forwardedby jid='juliet@capulet.example'/><from jid='romeo@capulet.example/orchard'/><cc jid='nurse@capulet.example'/></x><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
";
