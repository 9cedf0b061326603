//! What plugins do that know nothing of each other.

use sestina::plugins::{blocking::Blocking, offline::OfflineMessages, roster::Roster};
use sestina_testkit::{Scene, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example")
        .plugin(Blocking::default())
        .plugin(OfflineMessages::default())
        .plugin(Roster::default())
}

transcripts! { scene: blocked_presence, blocked_while_away }
