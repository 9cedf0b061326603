//! The brake on guessing passwords, in its place.

use std::{net::SocketAddr, time::Duration};

use sestina_testkit::{Scene, Stage};

use crate::cast::{scene, stage};

fn braked() -> Scene {
    scene().settings(|settings| {
        settings.authentication.allow_plaintext = true;
        settings.authentication.throttle.account.free = 2;
        settings.authentication.throttle.address.free = 4;
    })
}

/// The condition of the failure, or `success`.
async fn attempt(stage: &Stage, from: &str, username: &str, password: &str) -> String {
    let peer: SocketAddr = from.parse().unwrap();
    let mut client = stage.connect_from(peer);
    client.open().await;
    let token = sestina_sasl::encode_base64(format!("\0{username}\0{password}").as_bytes());
    let namespace = "urn:ietf:params:xml:ns:xmpp-sasl";
    client.send(format!("<auth xmlns='{namespace}' mechanism='PLAIN'>{token}</auth>")).await;
    let answer = client.receive().await;
    match answer.name() {
        "failure" => answer.first_child().unwrap().name().to_owned(),
        name => name.to_owned(),
    }
}

const HERE: &str = "192.0.2.1:40000";
const THERE: &str = "198.51.100.1:40000";

#[tokio::test(start_paused = true)]
async fn an_account_that_is_guessed_at_rests_for_a_while_from_wherever() {
    let stage = stage(braked()).await;
    for peer in [HERE, THERE, HERE] {
        assert_eq!(attempt(&stage, peer, "juliet", "guess").await, "not-authorized");
    }
    assert_eq!(attempt(&stage, THERE, "juliet", "juliet").await, "temporary-auth-failure");
    assert_eq!(attempt(&stage, THERE, "romeo", "romeo").await, "success");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(attempt(&stage, THERE, "juliet", "juliet").await, "success");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_rests_for_a_while_at_whatever_account() {
    let stage = stage(braked()).await;
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(attempt(&stage, HERE, name, "guess").await, "not-authorized");
    }
    assert_eq!(attempt(&stage, HERE, "juliet", "juliet").await, "temporary-auth-failure");
    assert_eq!(attempt(&stage, THERE, "juliet", "juliet").await, "success");
}

#[tokio::test(start_paused = true)]
async fn whoever_has_logged_in_from_somewhere_is_not_kept_out_there() {
    let stage = stage(braked()).await;
    assert_eq!(attempt(&stage, HERE, "juliet", "juliet").await, "success");
    for _ in 0..3 {
        attempt(&stage, THERE, "juliet", "guess").await;
    }
    assert_eq!(attempt(&stage, THERE, "juliet", "juliet").await, "temporary-auth-failure");
    assert_eq!(attempt(&stage, HERE, "juliet", "juliet").await, "success");
}
