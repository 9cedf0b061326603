//! What is advertised, and to whom.

use sestina_stanza::ns;

use crate::scene;

#[tokio::test(start_paused = true)]
async fn only_those_who_have_logged_in_are_told() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    let mut juliet = stage.connect();
    let features = juliet.open().await;
    assert!(features.child("ver", ns::ROSTER_VERSIONS).is_none());
    assert!(features.child("sub", ns::PRE_APPROVAL).is_none());
    juliet.authenticate("juliet", "juliet").await;
    let features = juliet.open().await;
    assert!(features.child("ver", ns::ROSTER_VERSIONS).is_some(), "{features}");
    assert!(features.child("sub", ns::PRE_APPROVAL).is_some(), "{features}");
}
