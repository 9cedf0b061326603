//! CRAM-MD5 as clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use md5::{Digest, Md5};
use sestina_cram_md5::CramMd5;
use sestina_sasl::{decode_base64, encode_base64};
use sestina_stanza::ns;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Client, Scene, Stage, faulty_store};

fn bare() -> Scene {
    Scene::new("capulet.example").account("juliet@capulet.example")
}

fn scene() -> Scene {
    bare().plugin(CramMd5)
}

/// What a client answers that knows a password of at most 64 bytes.
fn answer(username: &str, password: &str, challenge: &str) -> String {
    let mut key = password.as_bytes().to_vec();
    key.resize(64, 0);
    let pad = |pad: u8| key.iter().map(|byte| byte ^ pad).collect::<Vec<_>>();
    let inner = Md5::digest([&pad(0x36)[..], challenge.as_bytes()].concat());
    let outer = Md5::digest([&pad(0x5c)[..], &inner[..]].concat());
    let digits: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{username} {digits}")
}

/// Sends this, and hands back the challenge or what it came to.
async fn ask(client: &mut Client, xml: String) -> String {
    client.send(xml).await;
    let answer = client.receive().await;
    match answer.name() {
        "challenge" => String::from_utf8(decode_base64(&answer.text()).unwrap()).unwrap(),
        "failure" => answer.first_child().unwrap().name().to_owned(),
        name => name.to_owned(),
    }
}

async fn challenged(stage: &Stage) -> (Client, String) {
    let mut client = stage.connect();
    client.open().await;
    let auth = format!("<auth xmlns='{}' mechanism='CRAM-MD5'/>", ns::SASL);
    let challenge = ask(&mut client, auth).await;
    (client, challenge)
}

async fn respond(client: &mut Client, said: &str) -> String {
    let said = encode_base64(said.as_bytes());
    ask(client, format!("<response xmlns='{}'>{said}</response>", ns::SASL)).await
}

async fn login(stage: &Stage, username: &str, password: &str) -> String {
    let (mut client, challenge) = challenged(stage).await;
    respond(&mut client, &answer(username, password, &challenge)).await
}

#[tokio::test(start_paused = true)]
async fn a_client_answers_a_challenge_that_nobody_has_seen_before() {
    let stage = scene().build().await.unwrap();
    let (mut client, first) = challenged(&stage).await;
    assert!(first.starts_with('<') && first.ends_with("@capulet.example>"), "{first}");
    let (_, second) = challenged(&stage).await;
    assert_ne!(first, second);
    assert_eq!(respond(&mut client, &answer("Juliet", "juliet", &first)).await, "success");
    client.open().await;
    client.bind(Some("balcony")).await;
    assert_eq!(client.jid().unwrap().as_str(), "juliet@capulet.example/balcony");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_and_nobody_are_one_and_the_same() {
    let stage = scene().build().await.unwrap();
    assert_eq!(login(&stage, "juliet", "wrong").await, "not-authorized");
    assert_eq!(login(&stage, "rosaline", "rosaline").await, "not-authorized");
    // An answer to another challenge is none to this.
    let (mut client, _) = challenged(&stage).await;
    let (_, other) = challenged(&stage).await;
    assert_eq!(respond(&mut client, &answer("juliet", "juliet", &other)).await, "not-authorized");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_is_malformed() {
    let stage = scene().build().await.unwrap();
    for said in ["juliet", "juliet 0011", "juliet  "] {
        let (mut client, _) = challenged(&stage).await;
        assert_eq!(respond(&mut client, said).await, "malformed-request", "{said:?}");
    }
    // The server speaks first.
    for initial in ["=", "anVsaWV0"] {
        let mut client = stage.connect();
        client.open().await;
        let auth = format!("<auth xmlns='{}' mechanism='CRAM-MD5'>{initial}</auth>", ns::SASL);
        assert_eq!(ask(&mut client, auth).await, "malformed-request");
    }
}

#[tokio::test(start_paused = true)]
async fn only_who_has_shown_the_password_learns_that_the_account_is_disabled() {
    let stage = scene().build().await.unwrap();
    let juliet = "juliet@capulet.example".parse().unwrap();
    stage.server().accounts().set_disabled(&juliet, true).await.unwrap();
    assert_eq!(login(&stage, "juliet", "juliet").await, "account-disabled");
    assert_eq!(login(&stage, "juliet", "wrong").await, "not-authorized");
}

#[tokio::test(start_paused = true)]
async fn guesses_are_braked() {
    let braked = scene().settings(|it| it.authentication.throttle.account.free = 2);
    let stage = braked.build().await.unwrap();
    for _ in 0..3 {
        assert_eq!(login(&stage, "juliet", "wrong").await, "not-authorized");
    }
    assert_eq!(login(&stage, "juliet", "juliet").await, "temporary-auth-failure");
}

#[tokio::test(start_paused = true)]
async fn only_passwords_that_were_set_with_it_can_be_used() {
    let store = sestina_store::memory();
    let juliet = "juliet@capulet.example".parse().unwrap();
    drop(bare().store(store.clone()).build().await.unwrap());
    let stage = scene().store(store.clone()).build().await.unwrap();
    assert_eq!(login(&stage, "juliet", "juliet").await, "not-authorized");
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    assert_eq!(login(&stage, "juliet", "r0m30").await, "success");
    assert_eq!(login(&stage, "juliet", "juliet").await, "not-authorized");
    stage.server().accounts().remove(&juliet).await.unwrap();
    assert!(store.space("cram-md5").owners(None, 1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_wrong_password() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    faults.on(Calls::Reads).within("cram-md5").fail(ErrorKind::Io);
    assert_eq!(login(&stage, "juliet", "juliet").await, "temporary-auth-failure");
    faults.mend();
    assert_eq!(login(&stage, "juliet", "juliet").await, "success");
}

#[tokio::test(start_paused = true)]
async fn not_over_the_open_street() {
    let stage = scene().build().await.unwrap();
    for (peer, offered) in [("192.0.2.7:40123", false), ("127.0.0.1:40123", true)] {
        let mut client = stage.connect_from(peer.parse().unwrap());
        assert_eq!(client.open().await.to_string().contains("CRAM-MD5"), offered);
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let store = sestina_store::memory();
    drop(scene().store(store.clone()).build().await.unwrap());
    assert!(store.spaces().await.unwrap().iter().any(|space| space == "cram-md5"));
    let without = bare().store(store.clone()).build().await.unwrap();
    assert!(!store.spaces().await.unwrap().iter().any(|space| space == "cram-md5"));
    let (_, told) = challenged(&without).await;
    assert_eq!(told, "invalid-mechanism");
}
