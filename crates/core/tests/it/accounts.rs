//! Accounts come, change and go, and plugins hear of it.

use sestina_core::{
    AccountCreated, AccountDisabled, AccountEnabled, AccountError, AccountRemoved, Attached,
    CredentialsChanged, PresenceChanged, Refusal, Server,
};
use sestina_stanza::{Condition, Jid};
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, Stage, faulty_store};

use crate::cast::{JULIET, Log, plugin, scene, send, stage};

plugin!(Diary, "diary", |log, to| {
    to.on(&log, async |log: &Log, it: &AccountCreated, _: &Server| {
        log.note(format!("created {}", it.account));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &CredentialsChanged, _: &Server| {
        log.note(format!("changed {}", it.account));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &AccountDisabled, _: &Server| {
        log.note(format!("disabled {}", it.account));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &AccountEnabled, _: &Server| {
        log.note(format!("enabled {}", it.account));
        Ok::<_, Refusal>(())
    });
    to.on(&log, async |log: &Log, it: &PresenceChanged, _: &Server| {
        let gone = if it.session.is_available() { "here" } else { "gone" };
        log.note(format!("{} {gone}", it.session.account()));
        Ok::<_, Refusal>(())
    });
    to.on(&log, removed);
    Ok(())
});

async fn removed(log: &Log, it: &AccountRemoved, server: &Server) -> Result<(), Refusal> {
    // Its records are still there.
    let notes = server.store().space("diary").collection::<(), String>("notes");
    let note = notes.get(&Owner::account(it.account.bare_str()), &()).await?;
    log.note(format!("removed {} with {note:?}", it.account));
    if note.as_deref() == Some("stay") { Err(Condition::Conflict.into()) } else { Ok(()) }
}

fn juliet() -> Jid {
    "juliet@capulet.example".parse().unwrap()
}

async fn note(stage: &Stage, text: &str) {
    let notes = stage.server().store().space("diary").collection::<(), String>("notes");
    notes.put(&Owner::account("juliet@capulet.example"), &(), &text.to_owned()).await.unwrap();
    notes.put(&Owner::account("romeo@capulet.example"), &(), &text.to_owned()).await.unwrap();
}

async fn condition(session: &mut Attached) -> &'static str {
    session.receive().await.unwrap_err().error.unwrap().condition().name()
}

#[tokio::test(start_paused = true)]
async fn plugins_hear_of_each_step_in_an_accounts_life() {
    let log = Log::default();
    let stage = stage(scene().plugin(Diary(log.clone()))).await;
    assert_eq!(log.take(), ["created romeo@capulet.example", "created juliet@capulet.example"]);
    let accounts = stage.server().accounts();
    accounts.set_password(&juliet(), "r0m30").await.unwrap();
    assert_eq!(log.take(), ["changed juliet@capulet.example"]);
    assert!(accounts.check_password(&juliet(), "r0m30").await.unwrap());
    assert!(!accounts.check_password(&juliet(), "juliet").await.unwrap());

    note(&stage, "dear diary").await;
    let mut session = stage.attach(JULIET).await;
    accounts.remove(&juliet()).await.unwrap();
    assert_eq!(log.take(), ["removed juliet@capulet.example with Some(\"dear diary\")"]);
    assert_eq!(condition(&mut session).await, "not-authorized");
    assert!(!accounts.exists(&juliet()).await);
    let notes = stage.server().store().space("diary").collection::<(), String>("notes");
    let kept = |whose: &str| Owner::account(whose);
    assert_eq!(notes.get(&kept("juliet@capulet.example"), &()).await.unwrap(), None);
    assert!(notes.get(&kept("romeo@capulet.example"), &()).await.unwrap().is_some());
    // The address is free again.
    accounts.create(&juliet(), "again").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_that_a_plugin_holds_is_disabled_until_it_lets_go() {
    let stage = stage(scene().plugin(Diary::default())).await;
    let accounts = stage.server().accounts();
    note(&stage, "stay").await;
    let held = accounts.remove(&juliet()).await.unwrap_err();
    assert!(matches!(&held, AccountError::Held(_)), "{held}");
    assert!(accounts.exists(&juliet()).await);
    assert!(!logs_in(&stage).await);
    note(&stage, "go").await;
    accounts.remove(&juliet()).await.unwrap();
    assert!(!accounts.exists(&juliet()).await);
}

#[tokio::test(start_paused = true)]
async fn plugins_hear_when_an_account_is_disabled_and_enabled() {
    let log = Log::default();
    let stage = stage(scene().plugin(Diary(log.clone()))).await;
    let accounts = stage.server().accounts();
    let session = stage.attach(JULIET).await;
    send(&session, "<presence/>").await;
    log.take();
    accounts.set_disabled(&juliet(), true).await.unwrap();
    let gone = "juliet@capulet.example gone";
    assert_eq!(log.take(), [gone, "disabled juliet@capulet.example"]);
    assert!(accounts.is_disabled(&juliet()).await.unwrap());
    // Twice is once.
    accounts.set_disabled(&juliet(), true).await.unwrap();
    assert_eq!(log.take(), [""; 0]);
    accounts.set_disabled(&juliet(), false).await.unwrap();
    accounts.set_disabled(&juliet(), false).await.unwrap();
    assert_eq!(log.take(), ["enabled juliet@capulet.example"]);
    assert!(!accounts.is_disabled(&juliet()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_account_loses_its_sessions_and_logs_in_no_more() {
    let stage = stage(scene()).await;
    let accounts = stage.server().accounts();
    let mut session = stage.attach(JULIET).await;
    assert!(logs_in(&stage).await);
    accounts.set_disabled(&juliet(), true).await.unwrap();
    assert_eq!(condition(&mut session).await, "not-authorized");
    assert!(!logs_in(&stage).await);
    accounts.set_disabled(&juliet(), false).await.unwrap();
    assert!(logs_in(&stage).await);
}

async fn logs_in(stage: &Stage) -> bool {
    let mut client = stage.connect();
    client.open().await;
    let token = sestina_sasl::encode_base64(b"\0juliet\0juliet");
    client
        .send(format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>"
        ))
        .await;
    let answer = client.receive().await;
    assert!(["success", "failure"].contains(&answer.name()), "{answer}");
    answer.name() == "success"
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_says_why() {
    let stage = stage(scene()).await;
    let accounts = stage.server().accounts();
    let address = |text: &str| text.parse::<Jid>().unwrap();
    assert!(matches!(accounts.create(&juliet(), "x").await, Err(AccountError::Exists)));
    for odd in ["capulet.example", "juliet@montague.example", JULIET] {
        let created = accounts.create(&address(odd), "x").await;
        assert!(matches!(created, Err(AccountError::Address)), "{odd}: {created:?}");
    }
    let nurse = address("nurse@capulet.example");
    assert!(matches!(accounts.create(&nurse, "").await, Err(AccountError::Password(_))));
    assert!(matches!(accounts.set_password(&nurse, "x").await, Err(AccountError::Unknown)));
    assert!(matches!(accounts.set_disabled(&nurse, true).await, Err(AccountError::Unknown)));
    assert!(matches!(accounts.remove(&nurse).await, Err(AccountError::Unknown)));
    assert!(matches!(accounts.check_password(&nurse, "x").await, Err(AccountError::Unknown)));
    assert_eq!(accounts.list().await.unwrap(), [juliet(), address("romeo@capulet.example")]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_account_and_no_success() {
    let (store, faults) = faulty_store();
    let log = Log::default();
    let stage = stage(scene().store(store).plugin(Diary(log.clone()))).await;
    log.take();
    let accounts = stage.server().accounts();
    faults.on(Calls::Writes).within("accounts").fail(ErrorKind::Full);
    let nurse: Jid = "nurse@capulet.example".parse().unwrap();
    assert!(matches!(accounts.create(&nurse, "x").await, Err(AccountError::Store(_))));
    assert!(matches!(accounts.remove(&juliet()).await, Err(AccountError::Store(_))));
    // Nobody was told of what has not happened.
    assert!(log.take().is_empty());
    faults.mend();
    faults.on(Calls::Reads).within("accounts").fail(ErrorKind::Corrupt);
    assert!(!accounts.exists(&juliet()).await);
    assert!(!logs_in(&stage).await);
    faults.mend();
    assert!(logs_in(&stage).await);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_the_removal_of_their_own_account_is_answered_first() {
    plugin!(Leave, "leave", |log, to| to
        .iq(sestina_core::Scope::Own, sestina_core::answer(&log, leave)));
    async fn leave(
        _: &Log,
        ask: sestina_core::Set<Farewell>,
        server: &Server,
    ) -> Result<(), Refusal> {
        let session = server.session(ask.origin.from.as_ref().unwrap()).unwrap();
        Ok(server.accounts().remove_own(&session).await?)
    }
    let stage = stage(scene().plugin(Leave::default())).await;
    let mut asks = stage.attach(JULIET).await;
    let mut other = stage.attach("juliet@capulet.example/hall").await;
    send(&asks, "<iq type='set' id='1'><farewell xmlns='urn:example:farewell'/></iq>").await;
    assert_eq!(asks.receive().await.unwrap().id(), Some("1"));
    assert_eq!(condition(&mut asks).await, "not-authorized");
    assert_eq!(condition(&mut other).await, "not-authorized");
    assert!(!stage.server().accounts().exists(&juliet()).await);
}

#[derive(Debug)]
struct Farewell;

impl sestina_stanza::Payload for Farewell {
    const NAME: &'static str = "farewell";
    const NAMESPACE: &'static str = "urn:example:farewell";

    fn read(_: sestina_xml::ElementRef<'_>) -> Result<Self, sestina_stanza::Invalid> {
        Ok(Self)
    }

    fn write(&self) -> sestina_xml::Element {
        Self::builder().build()
    }
}

#[tokio::test]
async fn administrators_are_known_with_or_without_a_resource() {
    let domain = "capulet.example".parse().unwrap();
    let mut settings = sestina_core::Settings::new(domain, sestina_store::memory());
    settings.administrators = vec![juliet()];
    let server = sestina_core::Assembly::new(settings).build().await.unwrap();
    assert!(server.is_administrator(&juliet()));
    assert!(server.is_administrator(&juliet().with_resource("balcony").unwrap()));
    assert!(!server.is_administrator(&"romeo@capulet.example".parse().unwrap()));
}
