//! Methods that show no password (S1-06, S1-07).

use std::time::Duration;

use sestina_iq_auth::IqAuth;
use sestina_testkit::{Calls, Stage, faulty_store};

use crate::{
    all,
    client::{Old, link, sha1},
    scene, with,
};

async fn stage() -> Stage {
    scene().account("juliet@capulet.example").build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn s1_06_a_digest_is_of_this_stream_and_this_password() {
    let stage = stage().await;
    let mut juliet = Old::new(&stage).await;
    let elsewhere = Old::new(&stage).await;
    let overheard = sha1(&format!("{}juliet", elsewhere.id));
    assert_eq!(juliet.show("juliet", "digest", &overheard).await, "not-authorized");
    assert_eq!(juliet.digest("juliet", "").await, "not-authorized");
    let digest = sha1(&format!("{}juliet", juliet.id)).to_uppercase();
    assert_eq!(juliet.show("juliet", "digest", &digest).await, "in");
}

#[tokio::test(start_paused = true)]
async fn s1_06_nobody_gets_in_by_the_digest_of_no_password() {
    let stage = stage().await;
    for name in ["mercutio", "a b", ""] {
        let mut old = Old::new(&stage).await;
        let told = old.digest(name, "").await;
        assert_eq!(told, if name.is_empty() { "not-acceptable" } else { "not-authorized" });
    }
}

#[tokio::test(start_paused = true)]
async fn s1_07_each_login_uses_up_a_hash() {
    let stage = stage().await;
    let mut token = None;
    let mut overheard = String::new();
    for round in 0..3 {
        let mut juliet = Old::new(&stage).await;
        let (sequence, told) = juliet.challenge("juliet").await.unwrap();
        assert_eq!(sequence, 499 - round);
        assert_eq!(*token.get_or_insert_with(|| told.clone()), told);
        if round > 0 {
            assert_eq!(juliet.show("juliet", "hash", &overheard).await, "not-authorized");
        }
        let wrong = link("Juliet", &told, sequence);
        assert_eq!(juliet.show("juliet", "hash", &wrong).await, "not-authorized");
        // A failure uses up nothing.
        assert_eq!(juliet.challenge("juliet").await.unwrap().0, sequence);
        overheard = link("juliet", &told, sequence);
        assert_eq!(juliet.show("juliet", "hash", &overheard).await, "in");
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s1_07_a_chain_that_has_come_to_its_end_begins_anew_with_the_password() {
    // With the password at hand it goes on by itself.
    let short = IqAuth { sequences: 2, ..all() };
    let stage = with(short).account("juliet@capulet.example").build().await.unwrap();
    let first = Old::new(&stage).await.challenge("juliet").await.unwrap();
    for _ in 0..2 {
        assert_eq!(Old::new(&stage).await.hash("juliet", "juliet").await, "in");
    }
    let next = Old::new(&stage).await.challenge("juliet").await.unwrap();
    assert_eq!((next.0, next.1 == first.1), (1, false));
    assert_eq!(Old::new(&stage).await.hash("juliet", "juliet").await, "in");

    // Without, it is not offered until the password has been shown.
    let stage = with(IqAuth { digest: false, ..short });
    let stage = stage.account("juliet@capulet.example").build().await.unwrap();
    for _ in 0..2 {
        assert_eq!(Old::new(&stage).await.hash("juliet", "juliet").await, "in");
    }
    assert_eq!(Old::new(&stage).await.challenge("juliet").await, None);
    let mut juliet = Old::new(&stage).await;
    let nothing = link("juliet", "", 0);
    assert_eq!(juliet.show("juliet", "hash", &nothing).await, "not-authorized");
    assert_eq!(juliet.show("juliet", "password", "juliet").await, "in");
    assert_eq!(Old::new(&stage).await.hash("juliet", "juliet").await, "in");
}

/// Two who show the same hash, and have both been found right before either is written down: the
/// store is the barrier at which they wait for each other.
#[tokio::test(start_paused = true)]
async fn s1_07_one_hash_is_for_one_login() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).account("juliet@capulet.example").build().await.unwrap();
    let (mut a, mut b) = (Old::new(&stage).await, Old::new(&stage).await);
    let (sequence, token) = a.challenge("juliet").await.unwrap();
    let hash = link("juliet", &token, sequence);
    faults.on(Calls::Writes).within("iq-auth").block();
    a.begin("juliet", "hash", &hash).await;
    b.begin("juliet", "hash", &hash).await;
    stage.settle().await;
    assert_eq!(stage.server().session_count(), 0);
    faults.mend();
    let mut told = [a.end().await, b.end().await];
    told.sort();
    assert_eq!(told, ["in", "not-authorized"]);
    assert_eq!(stage.server().session_count(), 1);
    let left = Old::new(&stage).await.challenge("juliet").await.unwrap().0;
    assert_eq!(left, sequence - 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_lets_nobody_in_and_counts_against_nobody() {
    let (store, faults) = faulty_store();
    let scene = scene().store(store).account("juliet@capulet.example");
    let stage =
        scene.settings(|it| it.authentication.throttle.account.free = 0).build().await.unwrap();
    let mut juliet = Old::new(&stage).await;
    let (sequence, token) = juliet.challenge("juliet").await.unwrap();
    let hash = link("juliet", &token, sequence);
    faults.on(Calls::Writes).within("iq-auth").fail(sestina_store::ErrorKind::Full);
    let told = juliet.show("juliet", "hash", &hash).await;
    assert!(["resource-constraint", "internal-server-error"].contains(&&*told), "{told}");
    faults.mend();
    faults.on(Calls::Reads).within("iq-auth").fail(sestina_store::ErrorKind::Full);
    let told = juliet.digest("juliet", "juliet").await;
    assert!(["resource-constraint", "internal-server-error"].contains(&&*told), "{told}");
    faults.mend();
    // The hash was not used up.
    assert_eq!(juliet.challenge("juliet").await.unwrap().0, sequence);
    assert_eq!(juliet.show("juliet", "hash", &hash).await, "in");
}

#[tokio::test(start_paused = true)]
async fn guesses_by_either_method_are_braked() {
    let stage = scene().account("juliet@capulet.example");
    let stage =
        stage.settings(|it| it.authentication.throttle.account.free = 1).build().await.unwrap();
    let mut tybalt = Old::new(&stage).await;
    assert_eq!(tybalt.digest("juliet", "guess").await, "not-authorized");
    assert_eq!(tybalt.hash("juliet", "guess").await, "not-authorized");
    let mut juliet = Old::new(&stage).await;
    assert_eq!(juliet.digest("juliet", "juliet").await, "resource-constraint");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(juliet.digest("juliet", "juliet").await, "in");
}
