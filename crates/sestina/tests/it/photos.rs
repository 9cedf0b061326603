//! Cards beside contact lists.

use sestina::plugins::{roster::Roster, vcard::Vcards};
use sestina_testkit::{Scene, play_file};

#[test]
fn contacts_learn_of_another_photo() {
    let scene = Scene::new("capulet.example").plugin(Vcards::default()).plugin(Roster::default());
    play_file(scene, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shows_photos.scs"));
}
