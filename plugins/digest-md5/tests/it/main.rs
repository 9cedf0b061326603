//! DIGEST-MD5 as clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod again;
mod client;

use sestina_digest_md5::DigestMd5;
use sestina_stanza::ns;
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store};

use self::client::{Login, Said, login, nonce};

fn with(plugin: DigestMd5) -> Scene {
    Scene::new("capulet.example").plugin(plugin).account("juliet@capulet.example")
}

fn scene() -> Scene {
    with(DigestMd5::default())
}

async fn stage() -> Stage {
    scene().build().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_challenged_and_shown_that_the_server_knows_its_password() {
    let stage = stage().await;
    let mut login = Login::open(&stage).await;
    let challenge = login.begin(None).await;
    let nonce = nonce(&challenge);
    assert_eq!(nonce.len(), 24);
    assert_eq!(
        challenge,
        format!(
            "challenge realm=\"capulet.example\",nonce=\"{nonce}\",qop=\"auth\",charset=utf-8,\
             algorithm=md5-sess"
        )
    );
    let said = Said::new("juliet", "juliet", &nonce);
    assert_eq!(login.respond(said.message()).await, format!("challenge {}", said.proof()));
    assert_eq!(login.respond("").await, "success");
    login.0.open().await;
    login.0.bind(Some("balcony")).await;
    assert_eq!(login.0.jid().unwrap().as_str(), "juliet@capulet.example/balcony");
}

#[tokio::test(start_paused = true)]
async fn each_login_has_a_nonce_of_its_own() {
    let stage = stage().await;
    let first = login(&stage, "juliet", "juliet").await;
    let second = login(&stage, "juliet", "juliet").await;
    assert_eq!((&*first.0, &*second.0), ("success", "success"));
    assert_ne!(first.1, second.1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_and_nobody_are_one_and_the_same() {
    let stage = stage().await;
    for name in ["juliet", "rosaline"] {
        assert_eq!(login(&stage, name, "wrong").await.0, "not-authorized");
        assert_eq!(login(&stage, name, "").await.0, "not-authorized");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_meant_for_this_server_or_this_challenge_is_refused() {
    type Edit = fn(&mut Said);
    let stage = stage().await;
    let refused: [(Edit, &str); 14] = [
        (|it| it.realm = "montague.example".into(), "not-authorized"),
        (|it| it.realm = String::new(), "not-authorized"),
        (|it| it.nonce = "another".into(), "not-authorized"),
        (|it| it.nc = 2, "not-authorized"),
        (|it| it.uri = "imap/capulet.example".into(), "not-authorized"),
        (|it| it.uri = "xmpp/montague.example".into(), "not-authorized"),
        (|it| it.uri = "xmpp/notcapulet.example".into(), "not-authorized"),
        (|it| it.uri = "xmpp/mail.montague.example/montague.example".into(), "not-authorized"),
        (|it| it.uri = "xmpp".into(), "not-authorized"),
        (|it| it.authzid = Some("romeo@capulet.example".into()), "invalid-authzid"),
        (|it| it.more.push_str(",qop=auth"), "malformed-request"),
        (|it| it.more.push_str(",charset=latin1"), "malformed-request"),
        (|it| it.username = b"a b".to_vec(), "not-authorized"),
        (|it| it.username = b"\xff".to_vec(), "malformed-request"),
    ];
    for (edit, condition) in refused {
        let mut login = Login::open(&stage).await;
        let (told, said) = login
            .answer(|nonce| {
                let mut said = Said::new("juliet", "juliet", nonce);
                edit(&mut said);
                said
            })
            .await;
        assert_eq!(told, condition, "{said:?}");
    }
    let mut login = Login::open(&stage).await;
    login.begin(None).await;
    assert_eq!(login.respond("username").await, "malformed-request");
    // Nothing is to be said to the server's proof.
    let (_, _) = login.answer(|nonce| Said::new("juliet", "juliet", nonce)).await;
    assert_eq!(login.respond("thanks").await, "malformed-request");
}

#[tokio::test(start_paused = true)]
async fn the_service_may_be_named_by_its_host() {
    let stage = stage().await;
    for uri in [
        "xmpp/CAPULET.example",
        "xmpp/im.capulet.example",
        "XMPP/im.montague.example/capulet.example",
    ] {
        let mut login = Login::open(&stage).await;
        let (told, said) = login
            .answer(|nonce| Said { uri: uri.into(), ..Said::new("juliet", "juliet", nonce) })
            .await;
        assert_eq!(told, format!("challenge {}", said.proof()), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_say_whom_it_acts_for() {
    let stage = stage().await;
    for authzid in ["juliet@capulet.example", "juliet"] {
        let mut login = Login::open(&stage).await;
        let (told, said) = login
            .answer(|nonce| Said {
                authzid: Some(authzid.into()),
                ..Said::new("juliet", "juliet", nonce)
            })
            .await;
        assert_eq!(told, format!("challenge {}", said.proof()));
    }
}

#[tokio::test(start_paused = true)]
async fn names_and_passwords_are_known_in_either_character_set() {
    let stage = stage().await;
    let account = "ren\u{e9}e@capulet.example".parse().unwrap();
    stage.server().accounts().create(&account, "pass\u{e9}").await.unwrap();
    let old = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let new = |text: &str| text.as_bytes().to_vec();
    // Hashed as it should be, whatever it is sent as, and hashed as it is sent.
    let (name, password) = ("ren\u{e9}e", "pass\u{e9}");
    for (sent, hashed, kind) in [
        (old(name), [old(name), old(password)], ""),
        (new(name), [new(name), new(password)], ",charset=utf-8"),
        (new(name), [old(name), old(password)], ",charset=utf-8"),
    ] {
        let mut login = Login::open(&stage).await;
        let nonce = nonce(&login.begin(None).await);
        let [username, password] = hashed;
        let said = Said { username, password, more: kind.into(), ..Said::new("", "", &nonce) };
        let mut message = b"username=\"".to_vec();
        message.extend(&sent);
        let whole = said.message();
        let rest = whole.iter().skip(10).position(|byte| *byte == b'"').unwrap() + 10;
        message.extend(&whole[rest..]);
        assert_eq!(login.respond(message).await, format!("challenge {}", said.proof()));
        assert_eq!(login.respond("").await, "success");
    }
}

#[tokio::test(start_paused = true)]
async fn only_who_has_shown_the_password_learns_that_the_account_is_disabled() {
    let stage = stage().await;
    let juliet = "juliet@capulet.example".parse().unwrap();
    stage.server().accounts().set_disabled(&juliet, true).await.unwrap();
    assert_eq!(login(&stage, "juliet", "juliet").await.0, "account-disabled");
    assert_eq!(login(&stage, "juliet", "wrong").await.0, "not-authorized");
}

#[tokio::test(start_paused = true)]
async fn only_passwords_that_were_set_with_it_can_be_used() {
    let store = sestina_store::memory();
    let juliet = "juliet@capulet.example".parse().unwrap();
    {
        let without = Scene::new("capulet.example").account("juliet@capulet.example");
        drop(without.store(store.clone()).build().await.unwrap());
    }
    let stage = scene().store(store.clone()).build().await.unwrap();
    assert_eq!(login(&stage, "juliet", "juliet").await.0, "not-authorized");
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    assert_eq!(login(&stage, "juliet", "r0m30").await.0, "success");
    assert_eq!(login(&stage, "juliet", "juliet").await.0, "not-authorized");
    stage.server().accounts().remove(&juliet).await.unwrap();
    assert!(store.space("digest-md5").owners(None, 1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_wrong_password() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let juliet = "juliet@capulet.example".parse().unwrap();
    faults.on(Calls::Reads).within("digest-md5").fail(ErrorKind::Io);
    assert_eq!(login(&stage, "juliet", "juliet").await.0, "temporary-auth-failure");
    faults.mend();
    // A password that could not be kept is set all the same, and the old one is void.
    faults.on(Calls::Writes).within("digest-md5").fail(ErrorKind::Full);
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    faults.mend();
    for password in ["juliet", "r0m30"] {
        assert_eq!(login(&stage, "juliet", password).await.0, "not-authorized");
    }
    assert!(stage.server().accounts().check_password(&juliet, "r0m30").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn not_over_the_open_street() {
    let stage = stage().await;
    for (peer, offered) in [("192.0.2.7:40123", false), ("127.0.0.1:40123", true)] {
        let mut client = stage.connect_from(peer.parse().unwrap());
        let features = client.open().await.to_string();
        assert_eq!(features.contains("DIGEST-MD5"), offered, "{features}");
        // It stands behind everything else.
        assert!(!offered || features.find("PLAIN") < features.find("DIGEST-MD5"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let store = sestina_store::memory();
    drop(scene().store(store.clone()).build().await.unwrap());
    assert!(store.spaces().await.unwrap().iter().any(|space| space == "digest-md5"));
    let without = Scene::new("capulet.example").store(store.clone()).build().await.unwrap();
    assert!(!store.spaces().await.unwrap().iter().any(|space| space == "digest-md5"));
    let mut client = without.connect();
    let features = client.open().await;
    assert!(!features.to_string().contains("DIGEST-MD5"));
    client.send(format!("<auth xmlns='{}' mechanism='DIGEST-MD5'/>", ns::SASL)).await;
    assert_eq!(client.receive().await.first_child().unwrap().name(), "invalid-mechanism");
}

#[test]
fn digest_md5() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/digest_md5");
    let mut replayed = 0;
    for seed in std::fs::read_dir(corpus).unwrap() {
        sestina_digest_md5::fuzzing::digest_md5(&std::fs::read(seed.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(replayed >= 8, "the corpus is in the tree");
}
