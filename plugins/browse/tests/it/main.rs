//! What old clients are shown.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use sestina_browse::Browsing;
use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Get, Identity, Item, Lookup, Plugin, Refusal,
    Scope, Server, Spec, Subscription, answer,
};
use sestina_stanza::{Condition, Invalid, Jid, Payload, Stanza};
use sestina_testkit::{Scene, perform, transcripts};
use sestina_xml::{Element, ElementRef};

/// A service with one hall, and Romeo on Juliet's list.
#[derive(Debug)]
struct Halls;

impl Plugin for Halls {
    const NAME: &'static str = "halls";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        const HALLS: Scope = Scope::Service("halls");
        let halls = Arc::new(self);
        to.service("halls", &halls, Self::take)?;
        to.iq(HALLS, answer(&halls, Self::register))?;
        to.identity(HALLS, Identity::new("conference", "text").named("Halls"));
        to.identity(Scope::Server, Identity::new("server", "im"));
        to.items(HALLS, |_, _| {
            let item = |node| Item {
                jid: "ball@halls.capulet.example".parse().unwrap(),
                node,
                name: Some("The ball".into()),
            };
            vec![item(None), item(Some("left out".into()))]
        });
        to.feature(Scope::Own, "urn:example:own");
        to.provide::<dyn Contacts>(halls)
    }
}

impl Halls {
    async fn take(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }

    async fn register(&self, _: Get<Register>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

struct Register;

impl Payload for Register {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = "jabber:iq:register";

    fn read(_: ElementRef<'_>) -> Result<Self, Invalid> {
        Ok(Self)
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

impl Contacts for Halls {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        match (account.local(), contact.local()) {
            (Some("juliet"), Some("romeo")) => {
                Lookup::Known(Some(Contact::new(Subscription::From, [])))
            }
            (Some("nurse"), _) => {
                let torn = Refusal::new(Condition::ServiceUnavailable).because("a torn page");
                Lookup::Wait(Box::pin(async { Err(torn) }))
            }
            _ => Lookup::Known(None),
        }
    }
}

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Halls).plugin(Browsing).account("nurse@capulet.example")
}

transcripts! { scene: s2_30_server, s2_30_account, s2_30_service }

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const REQUEST: &str = "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><query xmlns='jabber:iq:browse'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'><query xmlns='jabber:iq:browse'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='get' id='2' to='capulet.example'><query xmlns='jabber:iq:agents'/></iq>
juliet receives:
  <iq type='error' id='2' from='capulet.example'><query xmlns='jabber:iq:agents'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
";
    let stage = Scene::new("capulet.example").plugin(Halls).build().await.unwrap();
    perform(&stage, REQUEST).await.unwrap();
    for (scope, namespace) in [
        (Scope::Server, "jabber:iq:browse"),
        (Scope::Server, "jabber:iq:agents"),
        (Scope::Account, "jabber:iq:browse"),
    ] {
        let told = |server: &Server| {
            let described = server.describe(&scope);
            described.is_some_and(|it| it.features().any(|feature| feature == namespace))
        };
        assert!(!told(stage.server()));
        assert!(told(scene().build().await.unwrap().server()));
    }
}
