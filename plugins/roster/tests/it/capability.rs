//! What other plugins are told.

use std::sync::{Arc, Mutex};

use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Lookup, Plugin, Required, Spec, Subscription,
};
use sestina_stanza::{Condition, Jid};
use sestina_testkit::perform;

use crate::scene;

/// Takes the capability out of the assembly.
struct Curious(Arc<Mutex<Option<Required<dyn Contacts>>>>);

impl Plugin for Curious {
    const NAME: &'static str = "curious";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        *self.0.lock().unwrap() = Some(to.require());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn others_learn_how_people_stand_with_each_other() {
    let taken = Arc::default();
    let stage = scene().plugin(Curious(Arc::clone(&taken))).build().await.unwrap();
    let contacts = taken.lock().unwrap().take().unwrap();
    perform(
        &stage,
        "
[client] romeo: romeo@capulet.example/orchard
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='set' id='1'><query xmlns='jabber:iq:roster'>
    <item jid='romeo@capulet.example'><group>Verona</group></item></query></iq>
juliet receives: <iq type='result' id='1'/>
romeo sends: <presence type='subscribe' to='juliet@capulet.example'/>
juliet sends: <presence type='subscribed' to='romeo@capulet.example'/>
juliet receives nothing
",
    )
    .await
    .unwrap();
    let jid = |text: &str| Jid::new(text).unwrap();
    let (romeo, juliet) = (jid("romeo@capulet.example"), jid("juliet@capulet.example"));
    let look = |of: &Jid, at: &Jid| contacts.contact(of, at);
    let groups: Arc<[Arc<str>]> = [Arc::from("Verona")].into();
    let expected = Contact::new(Subscription::From, groups);
    assert_eq!(look(&juliet, &romeo).wait().await.unwrap(), Some(expected));
    assert_eq!(
        look(&romeo, &juliet).wait().await.unwrap(),
        Some(Contact::new(Subscription::To, []))
    );
    assert_eq!(look(&juliet, &jid("nurse@capulet.example")).wait().await.unwrap(), None);
    for (of, by, may) in [
        ("juliet@capulet.example", "romeo@capulet.example/orchard", true),
        ("romeo@capulet.example", "juliet@capulet.example/balcony", false),
        ("nobody@capulet.example", "juliet@capulet.example/balcony", false),
    ] {
        let may_see = contacts.may_see_presence(&jid(of), &jid(by)).await.unwrap();
        assert_eq!(may_see, may, "{of} by {by}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_changed_as_by_their_owners() {
    let taken = Arc::default();
    let stage = scene().plugin(Curious(Arc::clone(&taken))).build().await.unwrap();
    let contacts = taken.lock().unwrap().take().unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>").await;
    juliet.receive().await;
    let jid = |text: &str| Jid::new(text).unwrap();
    let (account, romeo) = (jid("juliet@capulet.example"), jid("romeo@montague.example"));
    let (server, groups) = (stage.server(), ["Verona".to_owned()]);
    assert!(contacts.can_change());
    contacts.put(&account, &romeo, "Romeo", &groups, server).await.unwrap();
    let push = juliet.receive().await.to_string();
    assert!(push.contains("name='Romeo'") && push.contains("Verona"), "{push}");
    let long = "a".repeat(100_000);
    let refusal = contacts.put(&account, &romeo, &long, &[], server).await.unwrap_err();
    assert_eq!(refusal.error().condition(), Condition::NotAcceptable);
    contacts.remove(&account, &romeo, server).await.unwrap();
    let push = juliet.receive().await.to_string();
    assert!(push.contains("subscription='remove'"), "{push}");
    let refusal = contacts.remove(&account, &romeo, server).await.unwrap_err();
    assert_eq!(refusal.error().condition(), Condition::ItemNotFound);
}

/// Whoever decides about each stanza is not to wait for those who are online.
#[tokio::test(start_paused = true)]
async fn lists_of_those_who_are_online_are_at_hand() {
    let taken = Arc::default();
    let stage = scene().plugin(Curious(Arc::clone(&taken))).build().await.unwrap();
    let contacts = taken.lock().unwrap().take().unwrap();
    let (juliet, romeo) =
        ("juliet@capulet.example".parse().unwrap(), "romeo@capulet.example".parse().unwrap());
    assert!(matches!(contacts.contact(&juliet, &romeo), Lookup::Wait(_)));
    let mut balcony = stage.login("juliet@capulet.example/balcony").await;
    balcony.send("<presence/>").await;
    balcony.receive().await;
    assert!(matches!(contacts.contact(&juliet, &romeo), Lookup::Known(None)));
    balcony.close().await;
    stage.settle().await;
    assert!(matches!(contacts.contact(&juliet, &romeo), Lookup::Wait(_)));
}
