//! What clients from before SASL do, from the first time they connect.

use sestina::plugins::{iq_auth::IqAuth, register::Registration, roster::Roster};
use sestina_testkit::{Scene, transcripts};

fn scene() -> Scene {
    let auth = IqAuth { digest: true, zero_knowledge: true, ..IqAuth::default() };
    Scene::new("capulet.example")
        .plugin(auth)
        .plugin(Registration::default())
        .plugin(Roster::default())
}

transcripts! { scene in "old_clients": an_old_client }
