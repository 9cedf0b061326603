//! What is left of accounts, and of the plugin where it is not assembled.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sestina_core::{
    AccountRemoved, Assembly, AssemblyError, Plugin, PresenceChanged, Refusal, Scope, Server, Spec,
};
use sestina_register::Registration;
use sestina_stanza::{Condition, ns};
use sestina_testkit::{Scene, perform};

use crate::wish;

const REMOVE: &str =
    "<iq type='set' id='x'><query xmlns='jabber:iq:register'><remove/></query></iq>";

/// Holds on to accounts for as long as it is told to.
struct Holding(Arc<Hold>);

#[derive(Default)]
struct Hold {
    tight: AtomicBool,
    gone: AtomicBool,
}

impl Plugin for Holding {
    const NAME: &'static str = "holding";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.on(&self.0, Hold::unavailable);
        to.on(&self.0, Hold::removed);
        Ok(())
    }
}

impl Hold {
    async fn unavailable(&self, change: &PresenceChanged, _: &Server) -> Result<(), Refusal> {
        self.gone.store(!change.session.is_available(), Ordering::SeqCst);
        Ok(())
    }

    async fn removed(&self, _: &AccountRemoved, _: &Server) -> Result<(), Refusal> {
        assert!(self.gone.load(Ordering::SeqCst), "sessions go before their account");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        match self.tight.load(Ordering::SeqCst) {
            true => Err(Condition::ResourceConstraint.into()),
            false => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_held_can_be_removed_later() {
    let hold = Arc::new(Hold::default());
    hold.tight.store(true, Ordering::SeqCst);
    let stage = Scene::new("capulet.example")
        .plugin(Registration::default())
        .plugin(Holding(hold.clone()))
        .build()
        .await
        .unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    juliet.send(REMOVE).await;
    let answer = juliet.receive().await.to_string();
    assert!(answer.contains("resource-constraint"), "{answer}");
    hold.tight.store(false, Ordering::SeqCst);
    juliet.send(REMOVE).await;
    assert_eq!(juliet.receive().await.attr("type"), Some("result"));
    assert!(juliet.receive().await.is("error", ns::STREAM));
    assert!(!stage.server().accounts().exists(&"juliet@capulet.example".parse().unwrap()).await);
}

#[tokio::test(start_paused = true)]
async fn whoever_vanishes_while_being_removed_is_removed() {
    let stage = Scene::new("capulet.example")
        .plugin(Registration::default())
        .plugin(Holding(Arc::default()))
        .build()
        .await
        .unwrap();
    let mut juliet = stage.login("juliet@capulet.example/balcony").await;
    juliet.send("<presence/>").await;
    juliet.send(REMOVE).await;
    stage.settle().await;
    drop(juliet);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!stage.server().accounts().exists(&"juliet@capulet.example".parse().unwrap()).await);
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_without_an_account_has_to_register() {
    let stage =
        Scene::new("capulet.example").plugin(Registration::default()).build().await.unwrap();
    let mut host = stage.attach("host@capulet.example/program").await;
    for request in [
        "<iq xmlns='jabber:client' type='get' id='1'><query xmlns='jabber:iq:register'/></iq>",
        "<iq xmlns='jabber:client' type='set' id='2'><query xmlns='jabber:iq:register'><remove/></query></iq>",
    ] {
        let request = sestina_xml::Element::parse(request, &Default::default()).unwrap();
        host.send(sestina_stanza::Stanza::read(request).unwrap()).await.unwrap();
        let error = host.receive().await.unwrap().reported_error().unwrap();
        assert_eq!(error.condition(), Condition::RegistrationRequired);
    }
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let with = Scene::new("capulet.example").plugin(Registration::default()).build().await.unwrap();
    let without = Scene::new("capulet.example").build().await.unwrap();
    for (stage, there) in [(&with, true), (&without, false)] {
        for scope in [Scope::Server, Scope::Own] {
            let features = stage
                .server()
                .describe(&scope)
                .map(|about| about.features().any(|feature| feature == ns::REGISTER));
            assert_eq!(features.unwrap_or(false), there, "{scope:?}");
        }
    }
    let mut stranger = without.connect();
    assert!(stranger.open().await.child("register", ns::REGISTER_FEATURE).is_none());
    stranger.send(wish("1", "juliet")).await;
    let answer = stranger.receive().await.to_string();
    assert!(answer.contains("service-unavailable") && !answer.contains("juliet"), "{answer}");
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends: <iq type='get' id='1' to='capulet.example'><query xmlns='jabber:iq:register'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends: <iq type='set' id='2'><query xmlns='jabber:iq:register'><remove/></query></iq>
juliet receives:
  <iq type='error' id='2'><error type='cancel' code='503'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
    let spaces = without.server().store().spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "register"), "{spaces:?}");
}
