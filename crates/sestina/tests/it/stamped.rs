//! Since when messages have waited, said in both forms.

use sestina::plugins::{delay_legacy::LegacyDelay, offline::OfflineMessages};
use sestina_testkit::{Scene, play};

/// Whichever of the two is assembled first.
#[test]
fn s1_23_messages_that_have_waited_say_it_to_old_clients_too() {
    let scene = || Scene::new("capulet.example");
    play(scene().plugin(LegacyDelay).plugin(OfflineMessages::default()), WAITED);
    play(scene().plugin(OfflineMessages::default()).plugin(LegacyDelay), WAITED);
}

const WAITED: &str = "
[account] juliet@capulet.example
[client] romeo: romeo@capulet.example/orchard

# Stamps in the server's name are taken off in both forms, those of others stay.
romeo sends:
  <message to='juliet@capulet.example' id='1'><body>One</body><x xmlns='jabber:x:delay' from='capulet.example' stamp='20010215T14:24:34'>Offline Storage</x><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2001-02-15T14:24:34Z'/><x xmlns='jabber:x:delay' from='montague.example' stamp='20010215T14:24:34'/></message>
romeo receives nothing
[client] juliet: juliet@capulet.example/balcony
juliet sends: <presence/>
juliet receives:
  <message to='juliet@capulet.example' from='romeo@capulet.example/orchard' id='1'><body>One</body><x xmlns='jabber:x:delay' from='montague.example' stamp='20010215T14:24:34'/><delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2030-02-03T04:05:0{any}'/><x xmlns='jabber:x:delay' from='capulet.example' stamp='20300203T04:05:0{any}'/></message>

# Who is there gets messages without a stamp.
romeo sends: <message to='juliet@capulet.example' id='2'><body>Two</body></message>
juliet receives: <message to='juliet@capulet.example' from='romeo@capulet.example/orchard' id='2'><body>Two</body></message>
";
