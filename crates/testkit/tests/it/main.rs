//! The kit itself: that what does not come true fails, and says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod failures;

use sestina_testkit::{Scene, transcripts};

fn scene() -> Scene {
    Scene::new("capulet.example")
}

transcripts! { scene: comes_and_goes, opens_by_hand, waits_in_virtual_time }
