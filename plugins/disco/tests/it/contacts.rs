//! What contacts learn of an account.

use std::sync::Arc;

use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Lookup, Plugin, Refusal, Spec, Subscription,
};
use sestina_stanza::{Condition, Jid};
use sestina_testkit::perform;

use crate::scene;

/// Romeo sees Juliet's presence, and she does not see his; nobody knows about the nurse.
struct Families;

impl Plugin for Families {
    const NAME: &'static str = "families";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Contacts>(Arc::new(self))
    }
}

impl Contacts for Families {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        let subscription = match (account.local(), contact.local()) {
            (Some("juliet"), Some("romeo")) => Subscription::From,
            (Some("romeo"), Some("juliet")) => Subscription::To,
            (Some("nurse"), _) => {
                let broken = Refusal::new(Condition::ServiceUnavailable).because("a torn page");
                return Lookup::Wait(Box::pin(async { Err(broken) }));
            }
            _ => return Lookup::Known(None),
        };
        Lookup::Known(Some(Contact::new(subscription, [])))
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_see_the_presence_of_an_account_may_ask_about_it() {
    let stage = scene().plugin(Families).account("nurse@capulet.example").build().await.unwrap();
    perform(
        &stage,
        "
[client] juliet: juliet@capulet.example/balcony
[client] romeo: romeo@capulet.example/orchard
juliet sends: <presence/>

# What is for the owner alone is not among it.
romeo sends:
  <iq type='get' id='1' to='juliet@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/></iq>
romeo receives:
  <iq type='result' id='1' from='juliet@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'>
      <identity category='account' type='registered'/>
      <feature var='http://jabber.org/protocol/disco#info'/>
      <feature var='http://jabber.org/protocol/disco#items'/>
      <feature var='http://jabber.org/protocol/rsm'/>
      <feature var='urn:example:everybody'/>
    </query>
  </iq>
romeo sends:
  <iq type='get' id='2' to='juliet@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#items'/></iq>
romeo receives:
  <iq type='result' id='2' from='juliet@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#items'>
      <item jid='juliet@capulet.example/balcony'/></query></iq>

# To see somebody is not to be seen, and what cannot be found out is not told.
juliet sends:
  <iq type='get' id='3' to='romeo@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/></iq>
juliet receives:
  <iq type='error' id='3' from='romeo@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends:
  <iq type='get' id='4' to='nurse@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/></iq>
juliet receives:
  <iq type='error' id='4' from='nurse@capulet.example'>
    <query xmlns='http://jabber.org/protocol/disco#info'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
}
