//! Discovery as clients see it.

mod clients;
mod contacts;
mod derived;

use sestina_core::{Assembly, AssemblyError, Identity, Item, Plugin, Refusal, Scope, Server, Spec};
use sestina_disco::Discovery;
use sestina_stanza::{DataForm, Field, Stanza};
use sestina_testkit::{Scene, transcripts};

/// Hosts rooms, and says so.
#[derive(Debug)]
struct Hall;

impl Plugin for Hall {
    const NAME: &'static str = "hall";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let hall = std::sync::Arc::new(self);
        to.service("rooms", &hall, Self::take)?;
        to.identity(Scope::Service("rooms"), Identity::new("conference", "text").named("Halls"));
        to.feature(Scope::Service("rooms"), "urn:example:rooms");
        to.feature(Scope::Server, "urn:example:b");
        to.feature(Scope::Server, "urn:example:a");
        to.feature(Scope::Server, "urn:example:b");
        to.feature(Scope::Account, "urn:example:everybody");
        to.feature(Scope::Own, "urn:example:owner");
        to.form(Scope::Server, |_| {
            Some(DataForm::result("urn:example:doors").field(Field::new("open").value("18:00")))
        });
        to.items(Scope::Server, |asked, _| {
            // Only Romeo knows of the orchard.
            let knows = asked.from.as_ref().is_some_and(|from| from.local() == Some("romeo"));
            let orchard = "orchard@capulet.example".parse();
            let item = |jid| Item { jid, node: Some("wall".into()), name: None };
            orchard.ok().filter(|_| knows).map(item).into_iter().collect()
        });
        to.items(Scope::Service("rooms"), |asked, _| {
            let ball = format!("ball@{}", asked.to).parse();
            ball.map(|jid| Item { jid, node: None, name: None }).into_iter().collect()
        });
        Ok(())
    }
}

impl Hall {
    async fn take(&self, _: Stanza, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

fn scene() -> Scene {
    Scene::new("capulet.example").plugin(Discovery::default()).plugin(Hall)
}

transcripts! { scene: tells_of_accounts, tells_of_services, tells_of_the_server }
