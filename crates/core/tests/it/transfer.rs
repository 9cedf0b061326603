//! Accounts move from one server to another, whole or not at all.

use std::sync::Arc;

use sestina_core::{
    AccountError, AccountImported, Arrival, Assembly, AssemblyError, ImportError, Plugin, Portable,
    Refusal, Server, Spec, Taken,
};
use sestina_stanza::{Condition, Invalid, Jid};
use sestina_store::{Collection, ErrorKind, Owner, Space, Store};
use sestina_testkit::{Calls, Scene, Stage, faulty_store};
use sestina_xml::{Element, Limits};

use crate::cast::{JULIET, Log, stage};

/// Keeps a motto, and writes it down itself.
struct Mottos(Log);

struct Book(Space, Log);

fn mottos(space: &Space) -> Collection<(), String> {
    space.collection("mottos")
}

impl Plugin for Mottos {
    const NAME: &'static str = "mottos";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let book = Arc::new(Book(to.space(), self.0));
        to.on(&book, async |book: &Book, it: &AccountImported, _: &Server| {
            book.1.note(format!("imported {}", it.account));
            Ok::<_, Refusal>(())
        });
        to.portable(&book)
    }
}

impl Portable for Book {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[("motto", "urn:example:motto")];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let motto = mottos(&self.0).get(&Owner::account(account.bare_str()), &()).await?;
        let written = |motto| Element::builder("motto", "urn:example:motto").text(motto).build();
        Ok(motto.map(written).into_iter().collect())
    }

    async fn import(&self, motto: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        assert_eq!(to.server().domains().count(), 1);
        if motto.text().is_empty() {
            return Err(Invalid::new("a motto says something").into());
        }
        Ok(mottos(to.space()).put(&to.owner(), &(), &motto.text().into_owned()).await?)
    }
}

fn juliet() -> Jid {
    "juliet@capulet.example".parse().unwrap()
}

fn owner() -> Owner {
    Owner::account("juliet@capulet.example")
}

fn scene(log: &Log) -> Scene {
    Scene::new("capulet.example").plugin(Mottos(log.clone()))
}

/// Notes of a plugin that leaves it to the core to move them.
fn notes(store: &Store) -> Collection<String, String> {
    store.space("diary").collection("notes")
}

/// An account with everything that one can have.
async fn verona() -> Stage {
    let stage = stage(scene(&Log::default()).account("juliet@capulet.example")).await;
    let store = stage.server().store();
    mottos(&store.space("mottos")).put(&owner(), &(), &"Hark".to_owned()).await.unwrap();
    for note in 0..200 {
        let (key, text) = (format!("{note}\0"), "é".repeat(note));
        notes(store).put(&owner(), &key, &text).await.unwrap();
    }
    stage.server().accounts().set_disabled(&juliet(), true).await.unwrap();
    stage
}

async fn export(server: &Server) -> Result<Vec<Element>, AccountError> {
    let mut export = server.accounts().export(&juliet()).await?;
    assert_eq!(export.account(), &juliet());
    let mut elements = Vec::new();
    while let Some(element) = export.next().await? {
        elements.push(element);
    }
    Ok(elements)
}

async fn import(server: &Server, elements: &[Element], replace: bool) -> Result<(), ImportError> {
    let mut import = server.accounts().import(&juliet(), replace).await?;
    for element in elements {
        assert_eq!(import.take(element).await?, Taken::Read, "{element}");
    }
    import.finish().await
}

fn element(xml: &str) -> Element {
    Element::parse(xml, &Limits::default()).unwrap()
}

/// Everything of her that is stored, where it is known what it should be.
async fn is_gone(store: &Store) -> bool {
    let mut export = store.export(&owner()).await.unwrap();
    export.next().await.unwrap().is_none()
}

#[tokio::test(start_paused = true)]
async fn an_account_arrives_as_it_left() {
    let (verona, log) = (verona().await, Log::default());
    let left = export(verona.server()).await.unwrap();
    let names: Vec<_> = left.iter().map(|element| element.name().to_owned()).collect();
    assert_eq!(names, ["scram-credentials", "account", "motto", "records", "records"]);
    let mantua = stage(scene(&log)).await;
    import(mantua.server(), &left, false).await.unwrap();
    assert_eq!(log.take(), ["imported juliet@capulet.example"]);
    assert_eq!(export(mantua.server()).await.unwrap(), left);
    let accounts = mantua.server().accounts();
    assert!(accounts.check_password(&juliet(), "juliet").await.unwrap());
    assert_eq!(accounts.list().await.unwrap(), [juliet()]);
    assert!(accounts.stays(&juliet()).await);
    let store = mantua.server().store();
    assert_eq!(notes(store).scan(&owner()).await.unwrap().len(), 200);
    assert_eq!(store.space("arrivals").owners(None, 1).await.unwrap(), []);
    accounts.set_disabled(&juliet(), false).await.unwrap();
    mantua.login(JULIET).await;
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_replaced_only_on_request() {
    let verona = verona().await;
    let left = export(verona.server()).await.unwrap();
    let mantua = stage(scene(&Log::default()).account("juliet@capulet.example")).await;
    let store = mantua.server().store();
    notes(store).put(&owner(), "hers", &"old".to_owned()).await.unwrap();
    let mut session = mantua.attach(JULIET).await;
    let refused = import(mantua.server(), &left, false).await;
    assert!(matches!(refused, Err(ImportError::Account(AccountError::Exists))), "{refused:?}");
    assert_eq!(notes(store).scan(&owner()).await.unwrap().len(), 1);
    import(mantua.server(), &left, true).await.unwrap();
    let ended = session.receive().await.unwrap_err().error.unwrap();
    assert_eq!(ended.condition().name(), "reset");
    assert_eq!(export(mantua.server()).await.unwrap(), left);
    assert_eq!(notes(store).get(&owner(), "hers").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn somebody_may_take_the_name_meanwhile() {
    let mantua = stage(scene(&Log::default())).await;
    let accounts = mantua.server().accounts();
    let import = accounts.import(&juliet(), false).await.unwrap();
    accounts.create(&juliet(), "first").await.unwrap();
    let late = import.finish().await;
    assert!(matches!(late, Err(ImportError::Account(AccountError::Exists))), "{late:?}");
    assert!(accounts.check_password(&juliet(), "first").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn passwords_of_other_servers_are_taken_and_not_kept() {
    let mantua = stage(scene(&Log::default())).await;
    let accounts = mantua.server().accounts();
    let mut import = accounts.import(&juliet(), false).await.unwrap();
    import.password("r0m30myr0m30");
    assert!(!format!("{import:?}").contains("r0m30"));
    import.finish().await.unwrap();
    assert!(accounts.check_password(&juliet(), "r0m30myr0m30").await.unwrap());
    let mut export = mantua.server().store().export(&owner()).await.unwrap();
    while let Some(page) = export.next().await.unwrap() {
        for record in page {
            assert!(!record.value.windows(5).any(|bytes| bytes == b"r0m30"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nobody_logs_in_until_there_is_a_password() {
    let mantua = stage(scene(&Log::default())).await;
    let accounts = mantua.server().accounts();
    import(mantua.server(), &[], false).await.unwrap();
    assert!(accounts.exists(&juliet()).await);
    assert!(!accounts.check_password(&juliet(), "").await.unwrap());
    accounts.set_password(&juliet(), "juliet").await.unwrap();
    mantua.login(JULIET).await;
}

#[tokio::test(start_paused = true)]
async fn an_element_that_cannot_be_taken_leaves_nothing_behind() {
    const SCRAM: &str = "xmlns='urn:xmpp:pie:0#scram'";
    let scram = |mechanism: &str, iterations: &str, salt: &str, key: &str| {
        format!(
            "<scram-credentials {SCRAM} mechanism='{mechanism}'><iter-count>{iterations}</iter-count>\
             <salt>{salt}</salt><server-key>{key}</server-key><stored-key>{key}</stored-key>\
             </scram-credentials>"
        )
    };
    let (sha1, salt) = ("AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "c2FsdA==");
    let good = scram("SCRAM-SHA-1", "4096", salt, sha1);
    let mantua = stage(scene(&Log::default())).await;
    let accounts = mantua.server().accounts();
    for wrong in [
        "<motto xmlns='urn:example:motto'/>".to_owned(),
        good.clone(),
        scram("SCRAM-SHA-1", "04096", salt, sha1),
        scram("SCRAM-SHA-1", "-1", salt, sha1),
        scram("SCRAM-SHA-1", "0", salt, sha1),
        scram("SCRAM-SHA-1", "99999999999", salt, sha1),
        scram("SCRAM-SHA-256", "4096", salt, sha1),
        scram("SCRAM-SHA-256", "4096", "=", sha1),
        scram("SCRAM-SHA-256", "4096", "!", sha1),
        format!("<scram-credentials {SCRAM} mechanism='SCRAM-SHA-256'/>"),
        format!("<scram-credentials {SCRAM}/>"),
        "<account xmlns='urn:sestina:account:0' created='yesterday'/>".to_owned(),
        "<account xmlns='urn:sestina:account:0' disabled='maybe'/>".to_owned(),
        "<records xmlns='urn:sestina:records:0'/>".to_owned(),
        "<records xmlns='urn:sestina:records:0' space='../x'/>".to_owned(),
        "<records xmlns='urn:sestina:records:0' space='diary'><record>eA==</record></records>"
            .to_owned(),
        "<records xmlns='urn:sestina:records:0' space='diary'><record key='!'>eA==</record>\
         </records>"
            .to_owned(),
        // Nobody writes their own place in the core's records.
        "<records xmlns='urn:sestina:records:0' space='accounts'><record key='eA=='>eA==</record>\
         </records>"
            .to_owned(),
    ] {
        let mut import = accounts.import(&juliet(), false).await.unwrap();
        assert_eq!(import.take(&element(&good)).await.unwrap(), Taken::Read);
        let refused = import.take(&element(&wrong)).await;
        let Err(ImportError::Element { name, .. }) = &refused else {
            panic!("{wrong}: {refused:?}")
        };
        assert!(refused.as_ref().unwrap_err().to_string().contains(&**name));
        drop(import);
        assert!(!accounts.exists(&juliet()).await);
        assert!(is_gone(mantua.server().store()).await, "{wrong}");
    }
    for unknown in ["<x xmlns='urn:x'/>", &scram("SCRAM-SHA-1-PLUS", "1", salt, sha1)] {
        let mut import = accounts.import(&juliet(), false).await.unwrap();
        assert_eq!(import.take(&element(unknown)).await.unwrap(), Taken::Skipped, "{unknown}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_has_its_bound_and_its_address() {
    let mantua = stage(scene(&Log::default())).await;
    let accounts = mantua.server().accounts();
    let motto = element("<motto xmlns='urn:example:motto'>Hark</motto>");
    let mut import = accounts.import(&juliet(), false).await.unwrap().at_most(60);
    import.take(&motto).await.unwrap();
    assert!(matches!(import.take(&motto).await, Err(ImportError::TooLarge)));
    for odd in ["capulet.example", "juliet@montague.example", "juliet@capulet.example/balcony"] {
        let refused = accounts.import(&odd.parse().unwrap(), true).await;
        assert!(
            matches!(refused, Err(ImportError::Account(AccountError::Address))),
            "{odd}: {refused:?}"
        );
    }
    let nobody = accounts.export(&juliet()).await;
    assert!(matches!(nobody, Err(AccountError::Unknown)));
}

/// Wherever the store fails, and whether a server starts over it again or not, the account is the
/// old one or the new one and never a mixture.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_leaves_the_old_account_or_the_new_one() {
    let left = export(verona().await.server()).await.unwrap();
    let (mut old, mut new, mut after) = (0, 0, 0);
    loop {
        let (store, faults) = faulty_store();
        let scene = || scene(&Log::default()).store(store.clone());
        let mantua = stage(scene().account("juliet@capulet.example")).await;
        notes(&store).put(&owner(), "hers", &"old".to_owned()).await.unwrap();
        let before = export(mantua.server()).await.unwrap();
        faults.on(Calls::Writes).after(after).fail(ErrorKind::Io);
        let done = import(mantua.server(), &left, true).await;
        faults.mend();
        let now = export(mantua.server()).await;
        let again = stage(scene()).await;
        let later = export(again.server()).await.unwrap();
        assert_eq!(store.space("arrivals").owners(None, 1).await.unwrap(), [], "after {after}");
        match done {
            Ok(()) => {
                assert_eq!(later, left);
                break;
            }
            Err(ImportError::Account(AccountError::Busy)) => {
                assert!(matches!(now, Err(AccountError::Busy)), "after {after}");
                assert_eq!(later, left, "after {after}");
                new += 1;
            }
            Err(ImportError::Account(AccountError::Store(_))) => {
                assert_eq!(now.unwrap(), before, "after {after}");
                assert_eq!(later, before, "after {after}");
                old += 1;
            }
            Err(error) => panic!("after {after}: {error}"),
        }
        after += 1;
    }
    assert!(old >= 3 && new >= 3, "{old} {new}");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_arrives_is_nobodys_to_change() {
    let left = export(verona().await.server()).await.unwrap();
    let (store, faults) = faulty_store();
    let mantua = stage(scene(&Log::default()).store(store.clone())).await;
    faults.on(Calls::Writes).within("diary").fail(ErrorKind::Full);
    let stuck = import(mantua.server(), &left, false).await;
    assert!(matches!(stuck, Err(ImportError::Account(AccountError::Busy))), "{stuck:?}");
    let accounts = mantua.server().accounts();
    assert!(!accounts.exists(&juliet()).await);
    assert!(!accounts.stays(&juliet()).await);
    let busy = |it: Result<(), AccountError>| matches!(it, Err(AccountError::Busy));
    assert!(busy(accounts.remove(&juliet()).await));
    assert!(busy(accounts.set_password(&juliet(), "mine").await));
    assert!(busy(accounts.set_disabled(&juliet(), false).await));
    assert!(matches!(accounts.create(&juliet(), "mine").await, Err(AccountError::Exists)));
    let again = import(mantua.server(), &left, true).await;
    assert!(matches!(again, Err(ImportError::Account(AccountError::Busy))), "{again:?}");
    faults.mend();
    let mantua = stage(scene(&Log::default()).store(store)).await;
    assert_eq!(export(mantua.server()).await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_leaves_does_not_come_back() {
    let left = export(verona().await.server()).await.unwrap();
    let (store, faults) = faulty_store();
    let mantua =
        stage(scene(&Log::default()).store(store.clone()).account("juliet@capulet.example")).await;
    notes(&store).put(&owner(), "hers", &"old".to_owned()).await.unwrap();
    faults.on(Calls::Writes).within("diary").fail(ErrorKind::Full);
    let accounts = mantua.server().accounts();
    accounts.remove(&juliet()).await.unwrap_err();
    faults.mend();
    assert!(!accounts.stays(&juliet()).await);
    let late = import(mantua.server(), &left, true).await;
    assert!(matches!(late, Err(ImportError::Account(AccountError::Busy))), "{late:?}");
    accounts.remove(&juliet()).await.unwrap();
    import(mantua.server(), &left, false).await.unwrap();
    assert_eq!(export(mantua.server()).await.unwrap(), left);
}

struct Rival;

impl Plugin for Rival {
    const NAME: &'static str = "rival";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let book = Arc::new(Book(to.space(), Log::default()));
        to.portable(&book)
    }
}

#[tokio::test(start_paused = true)]
async fn an_element_has_one_reader() {
    let refused = scene(&Log::default()).plugin(Rival).build().await.unwrap_err();
    let AssemblyError::ClaimedTwice { first, second, what } = &refused else { panic!("{refused}") };
    assert_eq!((*first, *second), ("mottos", "rival"));
    assert!(what.contains("motto"), "{what}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_no_export() {
    let (store, faults) = faulty_store();
    let stage = stage(scene(&Log::default()).store(store).account("juliet@capulet.example")).await;
    faults.on(Calls::Reads).within("mottos").fail(ErrorKind::Io);
    let failed = export(stage.server()).await.unwrap_err();
    let AccountError::Unreadable(refusal) = failed else { panic!("{failed}") };
    assert_eq!(refusal.error().condition(), Condition::ResourceConstraint);
}
