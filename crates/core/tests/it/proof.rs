//! Passwords that are shown elsewhere than on a stream.

use std::time::Duration;

use sestina_core::Unproven;
use sestina_stanza::Jid;
use sestina_testkit::Scene;

fn jid(text: &str) -> Jid {
    Jid::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_password_proves_and_guessing_is_braked() {
    let stage = Scene::new("capulet.example").account("nurse@capulet.example");
    let stage = stage.build().await.unwrap();
    let server = stage.server();
    let from = Some([192, 0, 2, 7].into());
    let nurse = jid("nurse@capulet.example");
    let proof = server.prove(&nurse, "nurse", from).await.unwrap();
    assert_eq!(proof.account(), &nurse);
    for (account, password) in [
        ("nurse@capulet.example", "angelica"),
        ("paris@capulet.example", "paris"),
        ("nurse@verona.example", "nurse"),
        ("capulet.example", "nurse"),
    ] {
        let shown = server.prove(&jid(account), password, from).await;
        assert_eq!(shown.unwrap_err(), Unproven::Wrong, "{account}");
    }
    server.accounts().set_disabled(&nurse, true).await.unwrap();
    assert_eq!(server.prove(&nurse, "nurse", from).await.unwrap_err(), Unproven::Wrong);
    server.accounts().set_disabled(&nurse, false).await.unwrap();
    let mut put_off = Duration::ZERO;
    for _ in 0..100 {
        match server.prove(&nurse, "angelica", from).await {
            Err(Unproven::Later(wait)) => {
                put_off = wait;
                break;
            }
            other => assert_eq!(other.unwrap_err(), Unproven::Wrong),
        }
    }
    assert!(put_off > Duration::ZERO, "nobody was ever put off");
    // The right password waits as well.
    assert!(matches!(server.prove(&nurse, "nurse", from).await, Err(Unproven::Later(_))));
    tokio::time::sleep(put_off).await;
    server.prove(&nurse, "nurse", from).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_worth_nothing_once_the_password_is_another() {
    let stage = Scene::new("capulet.example").account("nurse@capulet.example");
    let stage = stage.build().await.unwrap();
    let (server, nurse) = (stage.server(), jid("nurse@capulet.example"));
    let proof = server.prove(&nurse, "nurse", None).await.unwrap();
    assert!(proof.holds(server).await.unwrap());
    server.accounts().set_disabled(&nurse, true).await.unwrap();
    assert!(!proof.holds(server).await.unwrap());
    server.accounts().set_disabled(&nurse, false).await.unwrap();
    assert!(proof.holds(server).await.unwrap());
    server.accounts().set_password(&nurse, "nurse").await.unwrap();
    assert!(!proof.holds(server).await.unwrap());
    let proof = server.prove(&nurse, "nurse", None).await.unwrap();
    server.accounts().remove(&nurse).await.unwrap();
    assert!(!proof.holds(server).await.unwrap());
}
