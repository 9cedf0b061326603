//! Rules that a contact list decides, with contacts that the test makes up.

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Lookup, Plugin, Refusal, Spec, Subscription,
};
use sestina_stanza::{Condition, Jid};
use sestina_testkit::perform;

use crate::scene;

/// Tybalt is an enemy of Juliet's, Romeo a friend whom she sees and who sees her; of Paris nobody
/// can tell, and of the others nothing is known. What is asked has to be fetched.
struct Families;

impl Plugin for Families {
    const NAME: &'static str = "families";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Contacts>(Arc::new(self))
    }
}

fn entry(name: &str) -> Option<Contact> {
    let (subscription, group) = match name {
        "tybalt" => (Subscription::To, "Enemies"),
        "romeo" => (Subscription::Both, "Friends"),
        _ => return None,
    };
    Some(Contact::new(subscription, [Arc::from(group)]))
}

impl Contacts for Families {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        assert!(account.is_bare() && contact.is_bare());
        if contact.local() == Some("paris") {
            let broken = Refusal::new(Condition::ServiceUnavailable).because("a torn page");
            return Lookup::Wait(Box::pin(async { Err(broken) }));
        }
        let found = contact.local().and_then(entry);
        Lookup::Wait(Box::pin(async move { Ok(found) }))
    }

    fn contacts(&self, account: &Jid) -> Lookup<Vec<(Jid, Contact)>> {
        assert!(account.is_bare());
        let jid = |name: &str| Jid::from_parts(Some(name), "capulet.example", None).unwrap();
        let all = ["tybalt", "romeo"].map(|name| entry(name).map(|contact| (jid(name), contact)));
        Lookup::Known(all.into_iter().flatten().collect())
    }
}

async fn scene_plays(transcript: &str) {
    let stage = scene().plugin(Families).build().await.unwrap();
    perform(&stage, transcript).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn groups_and_subscriptions_are_looked_up() {
    scene_plays(
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
[client] tybalt: tybalt@capulet.example/street
[client] nurse: nurse@capulet.example/house
[client] paris: paris@capulet.example/church
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:privacy'><list name='a'>
    <item type='group' value='Enemies' action='deny' order='1'><message/></item>
    <item type='subscription' value='none' action='deny' order='2'><message/></item></list></query></iq>
  <iq type='set' id='2'><query xmlns='jabber:iq:privacy'><active name='a'/></query></iq>
juliet receives in any order:
  <iq type='result' id='1'/>
  <iq type='result' id='2'/>
  <iq type='set' id='{a}'><query xmlns='jabber:iq:privacy'><list name='a'/></query></iq>
romeo sends: <message to='juliet@capulet.example/balcony' id='3'><body>But soft</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example/balcony' id='3'><body>But soft</body></message>
tybalt sends: <message to='juliet@capulet.example/balcony' id='4'><body>A villain</body></message>
tybalt receives: <message type='error' id='4' from='juliet@capulet.example/balcony'><body>A villain</body><error type='cancel' code='503'>{any}</error></message>
nurse sends: <message to='juliet@capulet.example/balcony' id='5'><body>Who?</body></message>
nurse receives: <message type='error' id='5' from='juliet@capulet.example/balcony'><body>Who?</body><error type='cancel' code='503'>{any}</error></message>

# Nothing passes where nobody can tell; what needs no look-up does.
paris sends: <message to='juliet@capulet.example/balcony' id='6'><body>Good morrow</body></message>
paris receives: <message type='error' id='6' from='juliet@capulet.example/balcony'><body>Good morrow</body><error type='cancel' code='503'>{any}</error></message>
paris sends: <presence to='juliet@capulet.example/balcony'/>
juliet receives: <presence from='paris@capulet.example/church' to='juliet@capulet.example/balcony'/>

# The same where it is for the account, and a session has a list of its own.
juliet sends: <presence/>
nurse sends: <message to='juliet@capulet.example' id='7'><body>Who?</body></message>
nurse receives: <message type='error' id='7' from='juliet@capulet.example'><body>Who?</body><error type='cancel' code='503'>{any}</error></message>
romeo sends: <message to='juliet@capulet.example' id='8'><body>But soft</body></message>
juliet receives: <message from='romeo@capulet.example/orchard' to='juliet@capulet.example' id='8'><body>But soft</body></message>

# A group must be one of those on the list.
juliet sends:
  <iq type='set' id='9'><query xmlns='jabber:iq:privacy'><list name='b'>
    <item type='group' value='Friends' action='deny' order='1'/>
    <item type='group' value='Strangers' action='deny' order='2'/></list></query></iq>
juliet receives:
  <iq type='error' id='9'><query xmlns='jabber:iq:privacy'><list name='b'>
    <item type='group' value='Friends' action='deny' order='1'/>
    <item type='group' value='Strangers' action='deny' order='2'/></list></query>
    <error type='cancel' code='404'>{any}</error></iq>
",
    )
    .await;
}
