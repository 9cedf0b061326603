//! Commands as discovery tells of them.

use std::sync::Arc;

use sestina::{
    core::{Assembly, AssemblyError, Call, Command, Plugin, Refusal, Server, Spec},
    plugins::{commands::Commands, disco::Discovery},
};
use sestina_testkit::{Scene, transcripts};

/// Has something to do for administrators, and something for everybody.
#[derive(Debug)]
struct Household;

impl Plugin for Household {
    const NAME: &'static str = "household";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let house = Arc::new(self);
        let feast = Command::for_administrators("urn:example:feast", "Give a feast");
        to.command(feast.runs(&house, Self::done))?;
        let visit = Command::for_accounts("urn:example:visit", "Visit");
        to.command(visit.runs(&house, Self::done))
    }
}

impl Household {
    async fn done(&self, _: Call<()>, _: &Server) -> Result<(), Refusal> {
        Ok(())
    }
}

fn scene() -> Scene {
    Scene::new("capulet.example")
        .settings(|it| it.administrators = vec!["nurse@capulet.example".parse().unwrap()])
        .plugin(Discovery::default())
        .plugin(Commands::default())
        .plugin(Household)
}

transcripts! { scene in "commands": listed_commands }
