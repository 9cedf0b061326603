//! Rules of senders beside what keeps messages, contact lists and discovery.

use sestina::plugins::{
    amp::Amp, disco::Discovery, offline::OfflineMessages, roster::Roster, vacation::Vacation,
};
use sestina_testkit::{Scene, play};

#[test]
fn rules_of_messages_that_wait() {
    // Assembled first, so that it has to find its place.
    let scene = Scene::new("capulet.example").start("2030-02-03T04:05:06Z").plugin(Amp::default());
    let scene = scene.plugin(OfflineMessages::default()).plugin(Roster::default());
    play(scene.plugin(Discovery::default()).plugin(Vacation::default()), RULES);
}

const RULES: &str = "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
[client] tybalt: tybalt@capulet.example/street
romeo sends: <iq type='get' id='1' to='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/amp'/></iq>
romeo receives: <iq type='result' id='1' from='capulet.example'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/amp'><identity category='server' type='im'/><feature var='http://jabber.org/protocol/amp'/><feature var='http://jabber.org/protocol/amp?action=alert'/><feature var='http://jabber.org/protocol/amp?action=drop'/><feature var='http://jabber.org/protocol/amp?action=error'/><feature var='http://jabber.org/protocol/amp?action=notify'/><feature var='http://jabber.org/protocol/amp?condition=deliver'/><feature var='http://jabber.org/protocol/amp?condition=expire-at'/><feature var='http://jabber.org/protocol/amp?condition=match-resource'/></query></iq>

# He sees her presence.
romeo sends: <presence type='subscribe' to='juliet@capulet.example'/>
juliet sends: <presence/>
juliet receives in any order:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
  <presence type='subscribe' from='romeo@capulet.example' to='juliet@capulet.example'/>
juliet sends:
  <presence type='subscribed' to='romeo@capulet.example'/>
  <iq type='set' id='2'><query xmlns='http://jabber.org/protocol/vacation'><start/><end/><message>Away</message></query></iq>
juliet receives: <iq type='result' id='2'/>
juliet disconnects

# A message that must not wait does not, and nobody speaks of it.
romeo sends: <message to='juliet@capulet.example' id='3'><body>Now</body><amp xmlns='http://jabber.org/protocol/amp'><rule condition='deliver' value='stored' action='drop'/></amp></message>
romeo receives nothing

# Three wait that are good for an hour, and one for three; that she is away is told once to each.
romeo sends: <message to='juliet@capulet.example' id='4'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='error'/></amp></message>
romeo receives: <message from='juliet@capulet.example' to='romeo@capulet.example/orchard'>{any}</message>
romeo sends:
  <message to='juliet@capulet.example' id='5'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='notify'/></amp></message>
  <message to='juliet@capulet.example' id='6'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp'><rule condition='expire-at' value='2030-02-03T07:05:06Z' action='error'/></amp></message>
tybalt sends: <message to='juliet@capulet.example' id='7'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='drop'/></amp></message>
tybalt receives: <message from='juliet@capulet.example' to='tybalt@capulet.example/street'>{any}</message>
romeo receives nothing
2 h pass
juliet connects
juliet sends: <presence/>
juliet receives in any order:
  <presence from='juliet@capulet.example/balcony' to='juliet@capulet.example'/>
  <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='5'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp' from='romeo@capulet.example/orchard' to='juliet@capulet.example'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='notify'/></amp><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
  <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='6'><body>Soon</body><amp xmlns='http://jabber.org/protocol/amp' from='romeo@capulet.example/orchard' to='juliet@capulet.example'><rule condition='expire-at' value='2030-02-03T07:05:06Z' action='error'/></amp><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='{any}'/></message>
juliet receives nothing
romeo receives in any order:
  <message type='error' from='capulet.example' id='4'><amp xmlns='http://jabber.org/protocol/amp' status='error' from='romeo@capulet.example/orchard' to='juliet@capulet.example'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='error'/></amp><error type='modify' code='500'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><failed-rules xmlns='http://jabber.org/protocol/amp#errors'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='error'/></failed-rules></error></message>
  <message from='capulet.example' id='5'><amp xmlns='http://jabber.org/protocol/amp' status='notify' from='romeo@capulet.example/orchard' to='juliet@capulet.example'><rule condition='expire-at' value='2030-02-03T05:05:06Z' action='notify'/></amp></message>
tybalt receives nothing
romeo receives nothing
";
