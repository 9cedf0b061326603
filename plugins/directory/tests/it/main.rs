//! The directory as those see it who search and those who are found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use proptest::prelude::*;
use sestina_core::{
    Assembly, AssemblyError, Attached, BoxFuture, CardChanged, Cards, Plugin, Refusal, Scope, Spec,
};
use sestina_directory::{Directory, LONGEST, Search};
use sestina_stanza::{Condition, Jid, Payload, Stanza};
use sestina_store::ErrorKind;
use sestina_testkit::{Calls, Scene, Stage, faulty_store, transcripts};
use sestina_xml::{Element, Limits};

const PEOPLE: [&str; 3] = ["juliet", "nurse", "romeo"];

fn scene() -> Scene {
    scene_of(Directory { longest: 20, ..Directory::default() })
}

fn scene_of(directory: Directory) -> Scene {
    let scene = Scene::new("capulet.example").plugin(directory);
    PEOPLE.iter().fold(scene, |scene, name| scene.account(&format!("{name}@capulet.example")))
}

transcripts! { scene: s1_11_who_is_found }

async fn come(stage: &Stage, name: &str) -> Attached {
    stage.attach(&format!("{name}@capulet.example/here")).await
}

async fn ask(session: &mut Attached, to: &str, space: &str, content: &str) -> Stanza {
    let iq = format!(
        "<iq xmlns='jabber:client' type='set' id='1' to='{to}'>\
         <query xmlns='jabber:iq:{space}'>{content}</query></iq>"
    );
    session
        .send(Stanza::read(Element::parse(iq, &Limits::default()).unwrap()).unwrap())
        .await
        .unwrap();
    session.receive().await.unwrap()
}

const HERE: &str = "directory.capulet.example";

async fn refused(session: &mut Attached, space: &str, content: &str) -> Option<Condition> {
    ask(session, HERE, space, content).await.reported_error().map(|error| error.condition())
}

/// Who is found by a nickname.
async fn found(session: &mut Attached, nick: &str) -> Vec<String> {
    let answer = ask(session, HERE, "search", &format!("<nick>{nick}</nick>")).await;
    let search = Search::read(answer.payload().unwrap()).unwrap();
    search.items.iter().map(|(jid, _)| jid.local().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_refused() {
    let stage = scene().build().await.unwrap();
    let mut juliet = come(&stage, "juliet").await;
    let long = format!("<nick>{}</nick>", "x".repeat(21));
    for (space, content, condition) in [
        ("search", "", Condition::NotAcceptable),
        ("search", "<nick> </nick>", Condition::NotAcceptable),
        ("search", "<nick>j</nick>", Condition::NotAcceptable),
        ("search", "<nick>ju</nick><last>c</last>", Condition::NotAcceptable),
        ("search", "<item/>", Condition::BadRequest),
        ("search", "<x xmlns='jabber:x:data' type='cancel'/>", Condition::BadRequest),
        ("register", "", Condition::NotAcceptable),
        ("register", "<nick> </nick>", Condition::NotAcceptable),
        ("register", &long, Condition::NotAcceptable),
        ("register", "<remove/>", Condition::RegistrationRequired),
        ("register", "<remove/><nick>Jule</nick>", Condition::BadRequest),
    ] {
        assert_eq!(refused(&mut juliet, space, content).await, Some(condition), "{content}");
    }
    let within = ask(&mut juliet, "x@directory.capulet.example", "search", "<nick>ju</nick>").await;
    assert_eq!(within.reported_error().unwrap().condition(), Condition::ItemNotFound);
    let message = "<message xmlns='jabber:client' to='directory.capulet.example'><body/></message>";
    let message = Element::parse(message, &Limits::default()).unwrap();
    juliet.send(Stanza::read(message).unwrap()).await.unwrap();
    let told = juliet.receive().await.unwrap().reported_error().unwrap();
    assert_eq!(told.condition(), Condition::ServiceUnavailable);
    // Whoever has no account is no guest here either.
    let mut tybalt = come(&stage, "tybalt").await;
    for space in ["search", "register"] {
        let told = refused(&mut tybalt, space, "<nick>Jule</nick>").await;
        assert_eq!(told, Some(Condition::Forbidden));
    }
}

#[tokio::test(start_paused = true)]
async fn everything_is_bounded() {
    let directory = Directory { listings: 2, results: 1, ..Directory::default() };
    let stage = scene_of(directory).build().await.unwrap();
    for (name, told) in
        [("romeo", None), ("juliet", None), ("nurse", Some(Condition::ResourceConstraint))]
    {
        let mut session = come(&stage, name).await;
        assert_eq!(refused(&mut session, "register", "<nick>Veronese</nick>").await, told);
    }
    let mut juliet = come(&stage, "juliet").await;
    assert_eq!(refused(&mut juliet, "register", "<nick>Veronese!</nick>").await, None);
    assert_eq!(found(&mut juliet, "ve").await, ["juliet"]);
    let settings = |listings, results, longest| Directory { jud: true, listings, results, longest };
    for (directory, fine) in [
        (settings(0, 1, 1), false),
        (settings(1, 0, 1), false),
        (settings(1, 1, 0), false),
        (settings(1, 1, LONGEST + 1), false),
        (settings(1, 1, LONGEST), true),
    ] {
        let built = Scene::new("capulet.example").plugin(directory).build().await;
        assert_eq!(built.is_ok(), fine, "{directory:?}");
        assert!(built.is_err() || built.unwrap().server().service("jud.capulet.example").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_acknowledged_nor_found() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store.clone()).build().await.unwrap();
    let mut juliet = come(&stage, "juliet").await;
    faults.on(Calls::Writes).within("directory").fail(ErrorKind::Full);
    assert!(refused(&mut juliet, "register", "<nick>Jule</nick>").await.is_some());
    assert!(found(&mut juliet, "jule").await.is_empty());
    faults.mend();
    assert_eq!(refused(&mut juliet, "register", "<nick>Jule</nick>").await, None);
    faults.on(Calls::Writes).within("directory").fail(ErrorKind::Io);
    assert!(refused(&mut juliet, "register", "<remove/>").await.is_some());
    assert_eq!(found(&mut juliet, "jule").await, ["juliet"]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_outlives_the_server_but_not_the_account() {
    let store = sestina_store::memory();
    let stage = scene().store(store.clone()).build().await.unwrap();
    let mut juliet = come(&stage, "juliet").await;
    assert_eq!(refused(&mut juliet, "register", "<nick>Jule</nick>").await, None);
    drop((stage, juliet));
    let stage = Scene::new("capulet.example").plugin(Directory::default());
    let stage = stage.store(store.clone()).build().await.unwrap();
    let mut romeo = come(&stage, "romeo").await;
    assert_eq!(found(&mut romeo, "jule").await, ["juliet"]);
    stage.server().accounts().remove(&"juliet@capulet.example".parse().unwrap()).await.unwrap();
    assert!(found(&mut romeo, "jule").await.is_empty());
    assert!(store.space("directory").owners(None, 1).await.unwrap().is_empty());
}

/// Law 7: removed means gone.
#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let described = |stage: &Stage| stage.server().describe(&Scope::Service("directory")).is_some();
    assert!(described(&scene().build().await.unwrap()));
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert!(!described(&without) && without.server().service(HERE).is_none());
    let told = refused(&mut come(&without, "juliet").await, "search", "<nick>ju</nick>").await;
    assert_eq!(told, Some(Condition::RemoteServerNotFound));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whoever comes and goes, found are those who are listed under what they last said.
    #[test]
    fn found_is_who_is_listed(
        deeds in proptest::collection::vec((0..PEOPLE.len(), proptest::option::of("[ab]{2,3}")), 0..12),
        wanted in "[ab]{2,3}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let stage = scene().build().await.unwrap();
            let mut model = BTreeMap::new();
            for (who, nick) in deeds {
                let mut session = come(&stage, PEOPLE[who]).await;
                let (content, told) = match &nick {
                    Some(nick) => (format!("<nick>{nick}</nick>"), None),
                    None => (
                        "<remove/>".to_owned(),
                        (!model.contains_key(PEOPLE[who])).then_some(Condition::RegistrationRequired),
                    ),
                };
                prop_assert_eq!(refused(&mut session, "register", &content).await, told);
                match nick {
                    Some(nick) => drop(model.insert(PEOPLE[who], nick)),
                    None => drop(model.remove(PEOPLE[who])),
                }
            }
            let expected: Vec<_> = model
                .iter()
                .filter(|(_, nick)| nick.starts_with(&wanted))
                .map(|(name, _)| (*name).to_owned())
                .collect();
            prop_assert_eq!(found(&mut come(&stage, "juliet").await, &wanted).await, expected);
            Ok::<(), TestCaseError>(())
        })?;
    }
}

/// Somebody who keeps cards.
#[derive(Clone, Default)]
struct Album(Arc<Mutex<HashMap<String, String>>>);

impl Plugin for Album {
    const NAME: &'static str = "album";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.provide::<dyn Cards>(Arc::new(self))
    }
}

impl Cards for Album {
    fn card<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Element>, Refusal>> {
        let card = self.0.lock().unwrap().get(account.as_str()).cloned();
        let card = card.map(|it| Element::parse(it, &Limits::default()).map_err(Refusal::internal));
        Box::pin(async move { card.transpose() })
    }
}

impl Album {
    async fn change(&self, stage: &Stage, name: &str, content: Option<&str>) {
        let account: Jid = format!("{name}@capulet.example").parse().unwrap();
        let card = content.map(|it| format!("<vCard xmlns='vcard-temp'>{it}</vCard>"));
        {
            let mut cards = self.0.lock().unwrap();
            match card {
                Some(card) => cards.insert(account.to_string(), card),
                None => cards.remove(account.as_str()),
            };
        }
        stage.server().emit(&CardChanged::new(account)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn s1_11_whoever_says_nothing_more_is_found_by_the_card() {
    let (album, store) = (Album::default(), sestina_store::memory());
    let scene = || scene().plugin(album.clone()).store(store.clone());
    let stage = scene().build().await.unwrap();
    let mut juliet = come(&stage, "juliet").await;
    let mut romeo = come(&stage, "romeo").await;
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    assert!(found(&mut romeo, "jul").await.is_empty(), "nobody is listed unasked");
    assert_eq!(refused(&mut juliet, "register", "").await, None);
    assert_eq!(found(&mut romeo, "jul").await, ["juliet"]);
    let card =
        "<N><GIVEN> Giulietta </GIVEN><FAMILY>Capuleti</FAMILY></N><NICKNAME>Lietta</NICKNAME>";
    for email in
        ["<EMAIL>j@c.example</EMAIL>", "<EMAIL><INTERNET/><USERID>j@c.example</USERID></EMAIL>"]
    {
        album.change(&stage, "juliet", Some(&format!("{card}{email}"))).await;
        let fields = "<first>giul</first><last>capu</last><email>j@c</email>";
        let answer = ask(&mut romeo, HERE, "search", fields).await;
        assert_eq!(Search::read(answer.payload().unwrap()).unwrap().items.len(), 1, "{email}");
    }
    assert!(
        found(&mut romeo, "jul").await.is_empty() && found(&mut romeo, "liet").await == ["juliet"]
    );
    // What is too long says nothing.
    album
        .change(&stage, "juliet", Some(&format!("<NICKNAME>Ju{}</NICKNAME>", "x".repeat(20))))
        .await;
    assert!(found(&mut romeo, "ju").await.is_empty());
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    drop(stage);

    // The next server knows it, and follows.
    let stage = scene().build().await.unwrap();
    let (mut juliet, mut romeo) = (come(&stage, "juliet").await, come(&stage, "romeo").await);
    assert_eq!(found(&mut romeo, "jul").await, ["juliet"]);
    album.change(&stage, "juliet", None).await;
    assert!(found(&mut romeo, "jul").await.is_empty());
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    assert_eq!(found(&mut romeo, "jul").await, ["juliet"]);
    // Whoever says something of their own is found by that alone.
    assert_eq!(refused(&mut juliet, "register", "<nick>Rose</nick>").await, None);
    album.change(&stage, "juliet", Some("<NICKNAME>Thorn</NICKNAME>")).await;
    assert!(found(&mut romeo, "thor").await.is_empty());
    assert_eq!(found(&mut romeo, "rose").await, ["juliet"]);
    // And whoever is listed no longer, is not.
    assert_eq!(refused(&mut juliet, "register", "").await, None);
    assert_eq!(refused(&mut juliet, "register", "<remove/>").await, None);
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    assert!(found(&mut romeo, "jul").await.is_empty());
    let owners = stage.server().store().space("directory").owners(None, 2).await.unwrap();
    assert!(owners.is_empty(), "{owners:?}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_by_the_card_moves_with_its_account() {
    let album = Album::default();
    let stage = scene().plugin(album.clone()).build().await.unwrap();
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    let mut juliet = come(&stage, "juliet").await;
    assert_eq!(refused(&mut juliet, "register", "").await, None);
    let left = stage.export("juliet@capulet.example").await;
    let (there, other) = (Album::default(), scene());
    let mantua = other.plugin(there.clone()).build().await.unwrap();
    there.change(&mantua, "juliet", Some("<NICKNAME>Lietta</NICKNAME>")).await;
    mantua.import("juliet@capulet.example", &left).await.unwrap();
    let mut romeo = come(&mantua, "romeo").await;
    assert_eq!(found(&mut romeo, "liet").await, ["juliet"], "by the card that it has there");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_leaves_a_listing_by_the_card_as_it_was() {
    let (store, faults) = faulty_store();
    let album = Album::default();
    let stage = scene().plugin(album.clone()).store(store).build().await.unwrap();
    album.change(&stage, "juliet", Some("<NICKNAME>Jule</NICKNAME>")).await;
    let (mut juliet, mut romeo) = (come(&stage, "juliet").await, come(&stage, "romeo").await);
    assert_eq!(refused(&mut juliet, "register", "").await, None);
    faults.on(Calls::Writes).within("directory").fail(ErrorKind::Full);
    let account: Jid = "juliet@capulet.example".parse().unwrap();
    album.0.lock().unwrap().insert(account.to_string(), "<vCard xmlns='vcard-temp'/>".to_owned());
    assert!(stage.server().emit(&CardChanged::new(account)).await.is_err());
    assert_eq!(found(&mut romeo, "jul").await, ["juliet"]);
}
