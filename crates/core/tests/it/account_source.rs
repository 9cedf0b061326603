//! Accounts that the host program keeps.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use sestina_core::{AccountError, AccountSource, BoxFuture, PasswordCheck};
use sestina_sasl::{Account, Credentials, Hash, MIN_ITERATIONS, Recipe, Standing, encode_base64};
use sestina_stanza::{Condition, Jid, ns};
use sestina_store::{ErrorKind, Fault, Owner, StoreError};
use sestina_testkit::{Client, Scene, Stage};
use sestina_xml::Element;

use crate::cast::{Log, plugin};

/// People by their addresses, each with the password and whether it may log in.
struct People {
    known: Mutex<BTreeMap<&'static str, (&'static str, Standing)>>,
    /// Whether it checks passwords itself, and for whom it was asked to.
    asked: Option<Mutex<Vec<String>>>,
    fails: Mutex<bool>,
}

impl People {
    fn new(checks: bool) -> Arc<Self> {
        let known = [
            ("juliet@capulet.example", ("juliet", Standing::Good)),
            ("tybalt@capulet.example", ("tybalt", Standing::Disabled)),
        ];
        Arc::new(Self {
            known: Mutex::new(known.into()),
            asked: checks.then(Mutex::default),
            fails: Mutex::default(),
        })
    }

    fn look(&self) -> Result<(), StoreError> {
        let out_of_reach = || StoreError::new("find", Fault::new(ErrorKind::Io, "out of reach"));
        if *self.fails.lock() { Err(out_of_reach()) } else { Ok(()) }
    }

    fn credentials(&self, password: &str) -> Credentials {
        if self.asked.is_some() {
            return Credentials::default();
        }
        let recipe = Recipe::default().with_hashes([Hash::Sha256]).unwrap();
        recipe.with_iterations(MIN_ITERATIONS).unwrap().derive(password, &[7; 32]).unwrap()
    }
}

impl AccountSource for People {
    fn find<'a>(&'a self, account: &'a Jid) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
        Box::pin(async {
            self.look()?;
            let found = self.known.lock().get(account.as_str()).copied();
            Ok(found.map(|(password, standing)| {
                Account::new(self.credentials(password)).with_standing(standing)
            }))
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<Jid>, StoreError>> {
        Box::pin(async { Ok(self.known.lock().keys().map(|key| key.parse().unwrap()).collect()) })
    }

    fn passwords(&self) -> Option<&dyn PasswordCheck> {
        self.asked.as_ref().map(|_| self as &dyn PasswordCheck)
    }
}

impl PasswordCheck for People {
    fn check<'a>(
        &'a self,
        account: &'a Jid,
        password: &'a str,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            self.look()?;
            self.asked.as_ref().unwrap().lock().push(account.to_string());
            let known = self.known.lock();
            Ok(known.get(account.as_str()).is_some_and(|(right, _)| *right == password))
        })
    }
}

fn scene(people: &Arc<People>) -> Scene {
    let people = people.clone();
    Scene::new("capulet.example").settings(|settings| settings.accounts = Some(people))
}

fn jid(text: &str) -> Jid {
    text.parse().unwrap()
}

/// The mechanisms that are offered, and a client that may choose one.
async fn offered(stage: &Stage) -> (Vec<String>, Client) {
    let mut client = stage.connect();
    let features = client.open().await;
    let offered = features.child("mechanisms", ns::SASL).unwrap();
    (offered.children().map(|name| name.text().into_owned()).collect(), client)
}

/// What becomes of an attempt by PLAIN.
async fn attempt(stage: &Stage, name: &str, password: &str) -> String {
    let (_, mut client) = offered(stage).await;
    let token = encode_base64(format!("\0{name}\0{password}").as_bytes());
    client.send(format!("<auth xmlns='{}' mechanism='PLAIN'>{token}</auth>", ns::SASL)).await;
    let answer: Element = client.receive().await;
    let condition = answer.children().next().map(|condition| condition.name().to_owned());
    condition.unwrap_or_else(|| answer.root().name().to_owned())
}

#[tokio::test(start_paused = true)]
async fn verifiers_of_the_program_let_people_in() {
    let people = People::new(false);
    let stage = scene(&people).build().await.unwrap();
    let (mechanisms, _) = offered(&stage).await;
    assert!(mechanisms.iter().any(|name| name == "SCRAM-SHA-256"), "{mechanisms:?}");
    let juliet = stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(juliet.jid().unwrap().as_str(), "juliet@capulet.example/balcony");
    assert_eq!(attempt(&stage, "juliet", "romeo").await, "not-authorized");
    assert_eq!(attempt(&stage, "mercutio", "mercutio").await, "not-authorized");
    assert_eq!(attempt(&stage, "tybalt", "tybalt").await, "account-disabled");
    assert_eq!(attempt(&stage, "tybalt", "juliet").await, "not-authorized");

    let accounts = stage.server().accounts();
    assert!(accounts.check_password(&jid("juliet@capulet.example"), "juliet").await.unwrap());
    assert!(!accounts.check_password(&jid("juliet@capulet.example"), "romeo").await.unwrap());
    // The server itself has not noted anything down about them.
    let kept = stage.server().store().space("accounts").owners(None, 9).await.unwrap();
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_has_other_hashes_checks_passwords_itself() {
    let people = People::new(true);
    let stage = scene(&people).build().await.unwrap();
    assert_eq!(offered(&stage).await.0, ["PLAIN"]);
    stage.login("juliet@capulet.example/balcony").await;
    assert_eq!(attempt(&stage, "juliet", "romeo").await, "not-authorized");
    assert_eq!(attempt(&stage, "tybalt", "tybalt").await, "account-disabled");
    assert_eq!(attempt(&stage, "tybalt", "juliet").await, "not-authorized");
    people.asked.as_ref().unwrap().lock().clear();
    // It is asked about nobody as well, so that it can take its time.
    assert_eq!(attempt(&stage, "mercutio", "mercutio").await, "not-authorized");
    assert_eq!(*people.asked.as_ref().unwrap().lock(), ["mercutio@capulet.example"]);
    let accounts = stage.server().accounts();
    assert!(accounts.check_password(&jid("juliet@capulet.example"), "juliet").await.unwrap());
    let unknown = accounts.check_password(&jid("mercutio@capulet.example"), "mercutio").await;
    assert!(matches!(unknown, Err(AccountError::Unknown)));
}

#[tokio::test(start_paused = true)]
async fn where_the_program_cannot_say_nobody_is_let_in_or_told_more() {
    for checks in [false, true] {
        let people = People::new(checks);
        let stage = scene(&people).build().await.unwrap();
        *people.fails.lock() = true;
        for name in ["juliet", "mercutio"] {
            assert_eq!(attempt(&stage, name, name).await, "temporary-auth-failure");
        }
        let accounts = stage.server().accounts();
        assert!(!accounts.exists(&jid("juliet@capulet.example")).await);
        assert!(!accounts.stays(&jid("juliet@capulet.example")).await);
        assert!(accounts.forget(&jid("juliet@capulet.example")).await.is_err());
        *people.fails.lock() = false;
        assert_eq!(attempt(&stage, "juliet", "juliet").await, "success");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_looks_and_changes_nothing() {
    let stage = scene(&People::new(false)).build().await.unwrap();
    let (accounts, juliet) = (stage.server().accounts(), jid("juliet@capulet.example"));
    let (tybalt, nobody) = (jid("tybalt@capulet.example"), jid("mercutio@capulet.example"));
    assert!(accounts.exists(&juliet).await && accounts.exists(&tybalt).await);
    assert!(accounts.stays(&jid("juliet@capulet.example/balcony")).await);
    assert!(!accounts.exists(&nobody).await && !accounts.stays(&nobody).await);
    assert_eq!(accounts.list().await.unwrap(), [juliet.clone(), tybalt.clone()]);
    assert!(!accounts.is_disabled(&juliet).await.unwrap());
    assert!(accounts.is_disabled(&tybalt).await.unwrap());
    for refused in [
        accounts.create(&nobody, "queen mab").await,
        accounts.set_password(&juliet, "queen mab").await,
        accounts.set_disabled(&juliet, true).await,
        accounts.remove(&juliet).await,
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, AccountError::Elsewhere), "{refused}");
        assert_eq!(sestina_core::Refusal::from(refused).error().condition(), Condition::NotAllowed);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_the_program_has_removed_is_forgotten() {
    let people = People::new(false);
    let stage = scene(&people).build().await.unwrap();
    let juliet = jid("juliet@capulet.example");
    let notes = stage.server().store().space("notes").collection::<(), String>("notes");
    let owner = Owner::account(juliet.as_str());
    notes.put(&owner, &(), &"dear diary".to_owned()).await.unwrap();
    let mut client = stage.login("juliet@capulet.example/balcony").await;

    // Not as long as she is there.
    let there = stage.server().accounts().forget(&juliet).await;
    assert!(matches!(there, Err(AccountError::Exists)), "{there:?}");
    assert_eq!(stage.server().sessions(&juliet).len(), 1);

    people.known.lock().remove("juliet@capulet.example");
    stage.server().accounts().forget(&juliet).await.unwrap();
    assert!(client.receive().await.child("not-authorized", ns::STREAMS).is_some());
    assert!(stage.server().sessions(&juliet).is_empty());
    assert_eq!(notes.get(&owner, &()).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_log_in_any_more_is_logged_out() {
    let people = People::new(false);
    let stage = scene(&people).build().await.unwrap();
    let juliet = jid("juliet@capulet.example");
    let mut client = stage.login("juliet@capulet.example/balcony").await;
    people.known.lock().insert("juliet@capulet.example", ("juliet", Standing::Disabled));
    stage.server().accounts().log_out(&juliet).await;
    assert!(client.receive().await.child("not-authorized", ns::STREAMS).is_some());
    assert_eq!(attempt(&stage, "juliet", "juliet").await, "account-disabled");
}

plugin!(Curious, "curious", |log, to| {
    to.passwords(&log, async |_: &Log, _: &sestina_core::NewPassword, _: &sestina_core::Server| {
        Ok::<_, sestina_core::Refusal>(())
    });
    Ok(())
});

#[tokio::test(start_paused = true)]
async fn plugins_that_live_on_passwords_do_not_start() {
    let wrong = scene(&People::new(false)).plugin(Curious::default()).build().await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "curious needs accounts that the server keeps, and the host program keeps them: leave \
         curious out"
    );
}
