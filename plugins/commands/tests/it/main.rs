//! Commands as clients find and run them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use sestina_commands::{Commands, LONGEST_PATIENCE, MOST_ONGOING};
use sestina_core::{
    Assembly, AssemblyError, Call, Command, Lines, Plugin, Refusal, Report, Scope, Secret, Server,
    Spec, fields,
};
use sestina_stanza::{Condition, Jid, Stanza};
use sestina_testkit::{Scene, transcripts};

fields! {
    /// A feast, asked for on two pages.
    struct Feast {
        host: Jid = "host", "Who gives it";
        password: Option<Secret> = "password", "What to say at the door";
        ...
        guests: Option<Vec<Jid>> = "guests", "Who comes";
        dances: u32 = "dances", "How many dances";
    }

    /// What was counted.
    struct Heads {
        heads: u32 = "heads", "Heads";
    }

    /// What is said.
    struct Speech {
        words: Lines = "words", "What is said";
    }
}

/// Has things to do for administrators and for everybody.
#[derive(Debug)]
struct Household {
    /// Whether there is a cellar.
    cellar: bool,
}

impl Plugin for Household {
    const NAME: &'static str = "household";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let house = Arc::new(self);
        let feast = Command::for_administrators("urn:example:feast", "Give a feast")
            .instructions("Say who comes.");
        to.command(feast.runs(&house, Self::feast))?;
        let count = Command::for_accounts("urn:example:count", "Count heads");
        to.command(count.runs(&house, Self::count))?;
        let speak = Command::for_administrators("urn:example:speak", "Hold a speech")
            .suggesting(&house, Self::last_speech);
        to.command(speak.runs(&house, Self::speak))?;
        let cellar = Command::for_accounts("urn:example:cellar", "Go to the cellar")
            .if_able(&house, |house, _| house.cellar);
        to.command(
            cellar.runs(&house, async |_: &Self, _: Call<()>, _: &Server| {
                Ok::<_, Refusal>("It is dark")
            }),
        )
    }
}

impl Household {
    async fn feast(&self, call: Call<Feast>, _: &Server) -> Result<String, Refusal> {
        if call.dances == 0 {
            return Err(Condition::Conflict.into());
        }
        let guests = call.guests.as_ref().map_or(0, Vec::len);
        let closed = if call.password.is_some() { "closed" } else { "open" };
        Ok(format!("{} gives a {closed} feast for {guests} with {}", call.host, call.dances))
    }

    async fn count(&self, _: Call<()>, server: &Server) -> Result<Heads, Refusal> {
        Ok(Heads { heads: server.session_count().try_into().unwrap_or(u32::MAX) })
    }

    async fn last_speech(&self, _: &Server) -> Result<Speech, Refusal> {
        Ok(Speech { words: Lines("Welcome,\ngentlemen".to_owned()) })
    }

    async fn speak(&self, call: Call<Speech>, _: &Server) -> Result<Report, Refusal> {
        Ok(Report::new().note(call.words.0.clone()).error("nobody listened"))
    }
}

fn scene() -> Scene {
    Scene::new("capulet.example")
        .settings(|it| it.administrators = vec![Jid::new("nurse@capulet.example").unwrap()])
        .plugin(Commands { ongoing: 2, patience: Duration::from_secs(60) })
        .plugin(Household { cellar: false })
}

transcripts! { scene: errors, runs, stages }

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    let minute = Duration::from_secs(60);
    let wrong = [
        (0, minute),
        (MOST_ONGOING + 1, minute),
        (1, Duration::ZERO),
        (1, LONGEST_PATIENCE + Duration::from_secs(1)),
    ];
    for (ongoing, patience) in wrong {
        let scene = Scene::new("capulet.example").plugin(Commands { ongoing, patience });
        assert!(scene.build().await.is_err(), "{ongoing} {patience:?}");
    }
    let most = Commands { ongoing: MOST_ONGOING, patience: LONGEST_PATIENCE };
    assert!(Scene::new("capulet.example").plugin(most).build().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_command_that_cannot_be_run_here_is_not_there() {
    for cellar in [false, true] {
        let stage = Scene::new("capulet.example")
            .plugin(Commands::default())
            .plugin(Household { cellar })
            .build()
            .await
            .unwrap();
        let mut juliet = stage.login("juliet@capulet.example/balcony").await;
        juliet
            .send(
                "<iq type='set' id='1' to='capulet.example'>\
                 <command xmlns='http://jabber.org/protocol/commands' node='urn:example:cellar'/></iq>",
            )
            .await;
        let answer = Stanza::read(juliet.receive().await).unwrap();
        let error = answer.reported_error().map(|error| error.condition());
        assert_eq!(error, (!cellar).then_some(Condition::Forbidden));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    const NAMESPACE: &str = "http://jabber.org/protocol/commands";
    let tells = |server: &Server| {
        let described = server.describe(&Scope::Server);
        described.is_some_and(|it| it.features().any(|feature| feature == NAMESPACE))
    };
    assert!(tells(scene().build().await.unwrap().server()));
    let without =
        Scene::new("capulet.example").plugin(Household { cellar: true }).build().await.unwrap();
    assert!(!tells(without.server()));
    sestina_testkit::perform(
        &without,
        "
[client] juliet: juliet@capulet.example/balcony
juliet sends:
  <iq type='set' id='1' to='capulet.example'>
    <command xmlns='http://jabber.org/protocol/commands' node='urn:example:cellar'/></iq>
juliet receives:
  <iq type='error' id='1' from='capulet.example'>
    <command xmlns='http://jabber.org/protocol/commands' node='urn:example:cellar'/>
    <error type='cancel' code='503'>
      <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
",
    )
    .await
    .unwrap();
}
