//! Administration, as it looks in clients.

use sestina::plugins::{administration::Administration, commands::Commands, disco::Discovery};
use sestina_testkit::{Scene, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example")
        .settings(|it| it.administrators = vec!["nurse@capulet.example".parse().unwrap()])
        .plugin(Discovery::default())
        .plugin(Commands::default())
        .plugin(Administration::default())
}

transcripts! { scene in "administration": administered }
