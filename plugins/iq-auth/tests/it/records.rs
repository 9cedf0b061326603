//! What is kept, and for how long.

use sestina_iq_auth::IqAuth;
use sestina_stanza::Jid;
use sestina_store::{ErrorKind, Owner, Store};
use sestina_testkit::{Calls, Scene, Stage, faulty_store};

use crate::{all, client::Old, scene, with};

fn juliet() -> Jid {
    "juliet@capulet.example".parse().unwrap()
}

async fn tries(stage: &Stage, password: &str) -> [String; 2] {
    [
        Old::new(stage).await.digest("juliet", password).await,
        Old::new(stage).await.hash("juliet", password).await,
    ]
}

const IN: [&str; 2] = ["in", "in"];
const OUT: [&str; 2] = ["not-authorized", "not-authorized"];

async fn set_up(auth: Option<IqAuth>, store: &Store) -> Stage {
    let scene = Scene::new("capulet.example").store(store.clone());
    let scene = match auth {
        Some(auth) => scene.plugin(auth),
        None => scene,
    };
    scene.build().await.unwrap()
}

async fn accounts_in(store: &Store) -> usize {
    let owners = store.space("iq-auth").owners(None, 10).await.unwrap();
    owners.iter().filter(|owner| owner.as_account().is_some()).count()
}

#[tokio::test(start_paused = true)]
async fn another_password_voids_what_was_kept_of_the_one_before() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    assert_eq!(tries(&stage, "juliet").await, IN);
    stage.server().accounts().set_password(&juliet(), "r0m30").await.unwrap();
    assert_eq!(tries(&stage, "juliet").await, OUT);
    assert_eq!(tries(&stage, "r0m30").await, IN);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_could_not_be_kept_leaves_the_one_before_void() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).account("juliet@capulet.example").build().await.unwrap();
    faults.on(Calls::Writes).within("iq-auth").fail(ErrorKind::Full);
    stage.server().accounts().set_password(&juliet(), "r0m30").await.unwrap();
    faults.mend();
    assert_eq!(tries(&stage, "juliet").await, OUT);
    assert_eq!(tries(&stage, "r0m30").await, OUT);
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "r0m30").await, "in");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_goes_with_the_account() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    assert_eq!(accounts_in(stage.server().store()).await, 1);
    stage.server().accounts().remove(&juliet()).await.unwrap();
    assert_eq!(accounts_in(stage.server().store()).await, 0);
    // Whoever comes after has a password of his own.
    stage.server().accounts().create(&juliet(), "other").await.unwrap();
    assert_eq!(tries(&stage, "juliet").await, OUT);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_account_stays_out() {
    let stage = scene().account("juliet@capulet.example").build().await.unwrap();
    stage.server().accounts().set_disabled(&juliet(), true).await.unwrap();
    assert_eq!(tries(&stage, "juliet").await, OUT);
}

#[tokio::test(start_paused = true)]
async fn an_account_from_before_is_not_weakened_unless_the_operator_says_so() {
    let store = sestina_store::memory();
    {
        let stage = set_up(None, &store).await;
        stage.server().accounts().create(&juliet(), "juliet").await.unwrap();
    }
    let stage = set_up(Some(all()), &store).await;
    assert_eq!(tries(&stage, "juliet").await, OUT);
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "juliet").await, "in");
    assert_eq!(tries(&stage, "juliet").await, OUT);
    assert_eq!(accounts_in(&store).await, 0);

    let stage = set_up(Some(IqAuth { learn: true, ..all() }), &store).await;
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "wrong").await, "not-authorized");
    assert_eq!(accounts_in(&store).await, 0);
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "juliet").await, "in");
    assert_eq!(tries(&stage, "juliet").await, IN);
    // It has learned, and does not begin anew each time.
    let before = Old::new(&stage).await.challenge("juliet").await;
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "juliet").await, "in");
    assert_eq!(Old::new(&stage).await.challenge("juliet").await, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_erased() {
    let store = sestina_store::memory();
    {
        let stage = set_up(Some(all()), &store).await;
        stage.server().accounts().create(&juliet(), "juliet").await.unwrap();
        assert_eq!(tries(&stage, "juliet").await, IN);
    }
    // Without digests no password is kept, and switching them on again brings none back.
    drop(set_up(Some(IqAuth { digest: false, ..all() }), &store).await);
    {
        let stage = set_up(Some(all()), &store).await;
        assert_eq!(tries(&stage, "juliet").await, ["not-authorized", "in"]);
    }
    drop(set_up(Some(IqAuth { zero_knowledge: false, ..all() }), &store).await);
    {
        let stage = set_up(Some(all()), &store).await;
        assert_eq!(tries(&stage, "juliet").await, OUT);
        stage.server().accounts().set_password(&juliet(), "r0m30").await.unwrap();
        assert_eq!(tries(&stage, "r0m30").await, IN);
    }
    // Nothing stays where neither is spoken, or nobody speaks.
    for without in [Some(IqAuth::default()), None] {
        {
            let stage = set_up(Some(all()), &store).await;
            stage.server().accounts().set_password(&juliet(), "juliet").await.unwrap();
        }
        assert_eq!(accounts_in(&store).await, 1);
        drop(set_up(without, &store).await);
        let spaces = store.spaces().await.unwrap();
        assert!(!spaces.iter().any(|space| space == "iq-auth"), "{spaces:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn zero_knowledge_keeps_no_password_and_a_plain_server_nothing() {
    let store = sestina_store::memory();
    let stage = with(IqAuth { digest: false, ..all() }).store(store.clone());
    let stage = stage.account("juliet@capulet.example").build().await.unwrap();
    stage.server().accounts().set_password(&juliet(), "wherefore").await.unwrap();
    let raw = store.space("iq-auth").collection::<(), Raw>("kept");
    let raw = raw.get(&Owner::account("juliet@capulet.example"), &()).await.unwrap().unwrap();
    assert!(!raw.0.windows(9).any(|bytes| bytes == b"wherefore"));
}

/// Whatever the bytes are.
struct Raw(Vec<u8>);

impl sestina_store::Record for Raw {
    const VERSION: u8 = 0;

    fn upgrade(_: u8, fields: &[u8]) -> Option<Self> {
        Some(Self(fields.to_vec()))
    }
}

impl serde::Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> serde::Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self)
    }
}

/// What a server of 2001 has kept of the password `ma`, of which it kept nothing else.
const CHAIN: &str = "<zerok xmlns='jabber:iq:auth:0k'>\
    <hash>1eefcfe3cf842dc24c4877d08e7a3f81c1a603d0</hash><token>3A9516C4</token>\
    <sequence>500</sequence></zerok>";

#[tokio::test(start_paused = true)]
async fn s1_08_a_chain_of_another_server_goes_on_here() {
    let stage = scene().build().await.unwrap();
    stage.import_xml("juliet@capulet.example", CHAIN).await.unwrap();
    let mut old = Old::new(&stage).await;
    assert_eq!(old.challenge("juliet").await, Some((499, "3A9516C4".to_owned())));
    assert_eq!(old.hash("juliet", "wrong").await, "not-authorized");
    assert_eq!(Old::new(&stage).await.hash("juliet", "ma").await, "in");
    assert_eq!(Old::new(&stage).await.challenge("juliet").await.unwrap().0, 498);
    assert_eq!(Old::new(&stage).await.digest("juliet", "ma").await, "not-authorized");
    assert_eq!(Old::new(&stage).await.show("juliet", "password", "ma").await, "not-authorized");
    // It moves on as it is by now.
    let left = stage.export("juliet@capulet.example").await;
    assert!(left.last().unwrap().to_string().contains("<sequence>499</sequence>"), "{left:?}");
    let mantua = scene().build().await.unwrap();
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    assert_eq!(Old::new(&mantua).await.hash("juliet", "ma").await, "in");
    // With a password it is void, and so it is where there was one from the start.
    stage.server().accounts().set_password(&juliet(), "r0m30").await.unwrap();
    assert_eq!(tries(&stage, "ma").await, OUT);
    assert_eq!(tries(&stage, "r0m30").await, IN);
    assert_eq!(stage.export("juliet@capulet.example").await.len(), left.len());
    assert!(!stage.export("juliet@capulet.example").await.iter().any(|it| it.name() == "zerok"));
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_taken_where_chains_are_spoken_and_when_it_is_one() {
    let stage = scene().build().await.unwrap();
    for broken in [
        CHAIN.replace("500", "0"),
        CHAIN.replace("500", "10001"),
        CHAIN.replace("1eef", "oops"),
        CHAIN.replace("3A9516C4", &"7".repeat(65)),
    ] {
        assert!(stage.import_xml("juliet@capulet.example", &broken).await.is_err(), "{broken}");
    }
    let stage = with(IqAuth { digest: true, ..IqAuth::default() }).build().await.unwrap();
    stage.import_xml("juliet@capulet.example", CHAIN).await.unwrap();
    assert_eq!(accounts_in(stage.server().store()).await, 0, "it was passed over");
}
