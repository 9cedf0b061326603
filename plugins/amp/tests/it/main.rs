//! Rules as senders see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use sestina_amp::{Amp, MOST_RULES};
use sestina_core::{
    Assembly, AssemblyError, Contact, Contacts, Lookup, Planned, Plugin, Refusal, Scope, Spec,
    Subscription,
};
use sestina_stanza::{Condition, Jid};
use sestina_testkit::{Scene, Stage, perform, transcripts};

/// Romeo sees Juliet's presence; what the nurse's list says nobody knows. Messages for the friar wait.
struct Verona;

impl Plugin for Verona {
    const NAME: &'static str = "verona";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let verona = Arc::new(self);
        to.recipient().plan(&verona, |_, plan, _| {
            if plan.is_undeliverable() && plan.stanza().to().unwrap().local() == Some("friar") {
                plan.keep("verona", async |_, _| Ok(()));
            }
            Planned::Done
        });
        to.provide::<dyn Contacts>(verona)
    }
}

impl Contacts for Verona {
    fn contact(&self, account: &Jid, contact: &Jid) -> Lookup<Option<Contact>> {
        match (account.local(), contact.local()) {
            (Some("juliet" | "friar"), Some("romeo")) => {
                Lookup::Known(Some(Contact::new(Subscription::From, [])))
            }
            (Some("nurse"), _) => {
                let broken = Refusal::new(Condition::InternalServerError).because("a torn page");
                Lookup::Wait(Box::pin(async { Err(broken) }))
            }
            _ => Lookup::Known(None),
        }
    }
}

fn scene() -> Scene {
    let scene = Scene::new("capulet.example").start("2030-02-03T04:05:06Z");
    scene.plugin(Verona).plugin(Amp { rules: 3 })
}

transcripts! { scene: delivers_or_not, expires, matches_resources, refuses_what_it_cannot_do, tells_nobody_else }

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for rules in [0, MOST_RULES + 1] {
        assert!(
            Scene::new("capulet.example").plugin(Amp { rules }).build().await.is_err(),
            "{rules}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_contact_lists_one_hears_of_oneself_alone() {
    let stage = Scene::new("capulet.example").plugin(Amp::default()).build().await.unwrap();
    let rules = "<amp xmlns='http://jabber.org/protocol/amp'><rule condition='deliver' value='none' action='error'/></amp>";
    for (to, condition) in [
        ("juliet@capulet.example", Condition::UndefinedCondition),
        ("romeo@capulet.example", Condition::NotAcceptable),
    ] {
        let mut juliet = stage.login("juliet@capulet.example/balcony").await;
        juliet.send(&format!("<message to='{to}' id='1'><body>Hark</body>{rules}</message>")).await;
        let answer = sestina_stanza::Stanza::read(juliet.receive().await).unwrap();
        assert_eq!(answer.reported_error().unwrap().condition(), condition);
        juliet.close().await;
    }
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let told = |stage: &Stage| {
        let described = stage.server().describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|it| it.ends_with("protocol/amp")))
    };
    assert!(told(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!told(&without));
    perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <message to='juliet@capulet.example/balcony' id='1'><amp xmlns='http://jabber.org/protocol/amp'><rule condition='deliver' value='direct' action='drop'/></amp></message>
juliet receives:
  <message from='juliet@capulet.example/balcony' to='juliet@capulet.example/balcony' id='1'><amp xmlns='http://jabber.org/protocol/amp'><rule condition='deliver' value='direct' action='drop'/></amp></message>
",
    )
    .await
    .unwrap();
}
