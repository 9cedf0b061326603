//! Clients that come again with a nonce they have used (RFC 2831 §2.2).

use std::time::Duration;

use sestina_digest_md5::DigestMd5;

use crate::{
    client::{Login, Said, login, nonce},
    scene, stage, with,
};

#[tokio::test(start_paused = true)]
async fn a_known_nonce_saves_a_round_trip_as_often_as_it_counts_up() {
    let stage = stage().await;
    let (told, nonce) = login(&stage, "juliet", "juliet").await;
    assert_eq!(told, "success");
    for nc in 2..5 {
        let mut login = Login::open(&stage).await;
        let said = Said { nc, ..Said::new("juliet", "juliet", &nonce) };
        let told = login.begin(Some(&said.message())).await;
        assert_eq!(told, format!("success {}", said.proof()));
        login.0.open().await;
        login.0.bind(None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_with_an_old_nonce_is_challenged_and_never_turned_away() {
    let stage = stage().await;
    let (_, known) = login(&stage, "juliet", "juliet").await;
    let said = |nonce: &str, nc| Said { nc, ..Said::new("juliet", "juliet", nonce) };
    for said in [
        // As the second note has it: somebody else's, or from before a restart.
        said("TGFzdCBuaWdodCdzIG5vbmNl", 2),
        said(&known, 1),
        said(&known, 3),
        said(&known, u32::MAX),
        Said { nc: 2, ..Said::new("romeo", "juliet", &known) },
    ] {
        let mut login = Login::open(&stage).await;
        let challenge = login.begin(Some(&said.message())).await;
        assert!(challenge.ends_with(",stale=true"), "{challenge}");
        // The same exchange goes on as any does.
        let said = Said::new("juliet", "juliet", &nonce(&challenge));
        assert_eq!(login.respond(said.message()).await, format!("challenge {}", said.proof()));
        assert_eq!(login.respond("").await, "success");
    }
    // None of that has used the nonce up.
    let mut login = Login::open(&stage).await;
    assert!(login.begin(Some(&said(&known, 2).message())).await.starts_with("success "));
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_challenged_too() {
    let stage = stage().await;
    let (_, known) = login(&stage, "juliet", "juliet").await;
    let elsewhere =
        Said { uri: "xmpp/montague.example".into(), ..Said::new("juliet", "juliet", &known) };
    for initial in [b"username".to_vec(), vec![0xff], elsewhere.message()] {
        let mut login = Login::open(&stage).await;
        let challenge = login.begin(Some(&initial)).await;
        assert!(challenge.starts_with("challenge realm=") && !challenge.contains("stale"));
    }
    // An equals sign stands for nothing.
    let mut login = Login::open(&stage).await;
    assert!(login.begin(Some(b"")).await.starts_with("challenge realm="));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_challenged_without_comfort_and_counted() {
    let braked = scene().settings(|it| it.authentication.throttle.account.free = 3);
    let stage = braked.build().await.unwrap();
    let (_, known) = login(&stage, "juliet", "juliet").await;
    for _ in 0..2 {
        let mut login = Login::open(&stage).await;
        let wrong = Said { nc: 2, ..Said::new("juliet", "wrong", &known) };
        let challenge = login.begin(Some(&wrong.message())).await;
        assert!(challenge.starts_with("challenge realm=") && !challenge.contains("stale"));
        let wrong = Said::new("juliet", "wrong", &nonce(&challenge));
        assert_eq!(login.respond(wrong.message()).await, "not-authorized");
    }
    assert_eq!(login(&stage, "juliet", "juliet").await.0, "temporary-auth-failure");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_race_with_one_nonce_one_is_let_in() {
    let stage = stage().await;
    let (_, known) = login(&stage, "juliet", "juliet").await;
    let said = Said { nc: 2, ..Said::new("juliet", "juliet", &known) }.message();
    let (mut first, mut second) = (Login::open(&stage).await, Login::open(&stage).await);
    let told = tokio::join!(first.begin(Some(&said)), second.begin(Some(&said)));
    let mut told = [told.0, told.1].map(|told| told.split(' ').next().unwrap().to_owned());
    told.sort();
    assert_eq!(told, ["challenge", "success"]);
}

#[tokio::test(start_paused = true)]
async fn a_nonce_has_its_time_and_a_password_its_nonces() {
    let keep = Duration::from_secs(600);
    let stage = with(DigestMd5 { keep, nonces: 1 }).build().await.unwrap();
    let again = async |nonce: &str, password: &str, nc| {
        let said = Said { nc, ..Said::new("juliet", password, nonce) };
        Login::open(&stage).await.begin(Some(&said.message())).await
    };
    let (_, first) = login(&stage, "juliet", "juliet").await;
    tokio::time::sleep(keep - Duration::from_secs(1)).await;
    assert!(again(&first, "juliet", 2).await.starts_with("success "));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(again(&first, "juliet", 3).await.ends_with(",stale=true"));
    let (_, second) = login(&stage, "juliet", "juliet").await;
    let (_, third) = login(&stage, "juliet", "juliet").await;
    assert!(again(&second, "juliet", 2).await.ends_with(",stale=true"));
    let juliet = "juliet@capulet.example".parse().unwrap();
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    assert!(again(&third, "juliet", 2).await.starts_with("challenge realm="));
    assert!(again(&third, "r0m30", 2).await.starts_with("success "));
}
