//! What administrators do, and what they are told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sestina_administration::{Administration, MOST_ACCOUNTS, MOST_LISTED};
use sestina_core::{
    AccountSource, BoxFuture, Caller, Changed, CommandError, Contact, Contacts, Effect, Host,
    Lookup, Refusal, ReloadError, Report, Server, Severity, Subscription,
};
use sestina_sasl::Account;
use sestina_stanza::{Condition, DataForm, Field, FormType, Jid};
use sestina_store::{ErrorKind, StoreError};
use sestina_testkit::{Calls, Scene, faulty_store};
use tokio::sync::Notify;

fn jid(text: &str) -> Jid {
    Jid::new(text).unwrap()
}

/// Whose contacts are all the same.
struct Friends;

impl Contacts for Friends {
    fn contact(&self, _: &Jid, _: &Jid) -> Lookup<Option<Contact>> {
        Lookup::Known(None)
    }

    fn contacts(&self, _: &Jid) -> Lookup<Vec<(Jid, Contact)>> {
        let nurse = Contact::new(Subscription::From, [Arc::from("House")]);
        let romeo = Contact::new(Subscription::Both, []);
        Lookup::Known(vec![
            (jid("romeo@montague.example"), romeo),
            (jid("nurse@capulet.example"), nurse),
        ])
    }
}

/// A program that can be stopped.
#[derive(Default)]
struct Program(Notify);

impl Host for Program {
    fn stop(&self) {
        self.0.notify_one();
    }
}

fn scene() -> Scene {
    Scene::new("capulet.example")
        .settings(|it| it.administrators = vec![jid("nurse@capulet.example")])
        .plugin(Administration { accounts: 2, listed: 2 })
        .account("nurse@capulet.example")
        .account("juliet@capulet.example")
}

async fn run_by(
    by: Caller,
    server: &Server,
    node: &str,
    given: &[(&str, &[&str])],
) -> Result<Report, CommandError> {
    let standard = server.command(&format!("http://jabber.org/protocol/admin#{node}"));
    let own = || server.command(&format!("sestina:admin#{node}"));
    let command = standard.or_else(own).unwrap();
    let mut form = DataForm::new(FormType::Submit);
    form.fields
        .extend(given.iter().map(|(var, values)| Field::new(*var).values(values.iter().copied())));
    command.run(by, jid("capulet.example"), form, server).await
}

/// Runs a command as an administrator who is logged in.
async fn run(
    server: &Server,
    node: &str,
    given: &[(&str, &[&str])],
) -> Result<Report, CommandError> {
    run_by(Caller::Session(jid("nurse@capulet.example/house")), server, node, given).await
}

fn refused(ran: Result<Report, CommandError>) -> Condition {
    match ran.unwrap_err() {
        CommandError::Refused(refusal) => refusal.error().condition(),
        other => panic!("{other:?}"),
    }
}

fn values(report: &Report, var: &str) -> Vec<String> {
    report.form.as_ref().unwrap().values(var).to_vec()
}

const JULIET: &str = "juliet@capulet.example";
const PARIS: &str = "paris@capulet.example";

#[tokio::test(start_paused = true)]
async fn accounts_are_made_once_and_as_asked() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let add = |account: &'static str, password: &'static str, again: &'static str| async move {
        let given: [(&str, &[&str]); 3] =
            [("accountjid", &[account]), ("password", &[password]), ("password-verify", &[again])];
        run(server, "add-user", &given).await
    };
    assert_eq!(refused(add(PARIS, "county", "country").await), Condition::NotAcceptable);
    assert!(!server.accounts().exists(&jid(PARIS)).await);
    assert_eq!(add(PARIS, "county", "county").await.unwrap(), Report::new());
    assert!(server.accounts().check_password(&jid(PARIS), "county").await.unwrap());
    assert_eq!(refused(add(PARIS, "county", "county").await), Condition::Conflict);
    assert_eq!(refused(add("a@verona.example", "a", "a").await), Condition::JidMalformed);
    let missing = run(server, "add-user", &[("accountjid", &[PARIS])]).await;
    assert!(matches!(missing, Err(CommandError::Answers(_))), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn several_accounts_go_and_what_is_left_is_told() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let named: [(&str, &[&str]); 1] = [("accountjids", &[JULIET, PARIS])];
    let report = run(server, "delete-user", &named).await.unwrap();
    assert!(!server.accounts().exists(&jid(JULIET)).await);
    assert_eq!(report.notes.len(), 1);
    assert_eq!(report.notes[0].severity, Severity::Error);
    assert!(report.notes[0].text.starts_with(PARIS), "{report:?}");
    assert_eq!(refused(run(server, "delete-user", &named).await), Condition::ItemNotFound);
    let many: [(&str, &[&str]); 1] = [("accountjids", &["a@b", "b@b", "c@b"])];
    assert_eq!(refused(run(server, "delete-user", &many).await), Condition::NotAcceptable);
}

#[tokio::test(start_paused = true)]
async fn nobody_takes_the_ground_from_under_himself() {
    let stage = scene().build().await.unwrap();
    let own: [(&str, &[&str]); 1] = [("accountjids", &["nurse@capulet.example"])];
    for node in ["delete-user", "disable-user"] {
        assert_eq!(refused(run(stage.server(), node, &own).await), Condition::NotAllowed);
        let elsewhere = Caller::Account(jid("nurse@capulet.example"));
        let run = run_by(elsewhere, stage.server(), node, &own).await;
        assert_eq!(refused(run), Condition::NotAllowed);
    }
    assert!(stage.server().accounts().exists(&jid("nurse@capulet.example")).await);
    // At the machine it is nobody's own.
    run_by(Caller::Operator, stage.server(), "disable-user", &own).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_disabled_stays_out_until_enabled_again() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let named: [(&str, &[&str]); 1] = [("accountjids", &[JULIET])];
    let _juliet = stage.attach("juliet@capulet.example/balcony").await;
    run(server, "disable-user", &named).await.unwrap();
    let session = server.session(&jid("juliet@capulet.example/balcony"));
    assert!(session.is_none_or(|session| session.is_ending()));
    assert!(server.accounts().is_disabled(&jid(JULIET)).await.unwrap());
    run(server, "reenable-user", &named).await.unwrap();
    let _again = stage.login("juliet@capulet.example/balcony").await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_ended_and_can_come_again() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let _balcony = stage.attach("juliet@capulet.example/balcony").await;
    let _tomb = stage.attach("juliet@capulet.example/tomb").await;
    let ended = |address: &'static str| async move {
        run(server, "end-user-session", &[("accountjids", &[address])]).await
    };
    ended("juliet@capulet.example/balcony").await.unwrap();
    let is_ending = |full: &str| server.session(&jid(full)).is_none_or(|it| it.is_ending());
    assert!(is_ending("juliet@capulet.example/balcony"));
    assert!(!is_ending("juliet@capulet.example/tomb"));
    ended(JULIET).await.unwrap();
    assert!(is_ending("juliet@capulet.example/tomb"));
    assert_eq!(refused(ended("juliet@capulet.example/street").await), Condition::ItemNotFound);
    assert_eq!(refused(ended(PARIS).await), Condition::ItemNotFound);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_changed_once_it_is_stored() {
    let (store, faults) = faulty_store();
    let stage = scene().store(store).build().await.unwrap();
    let server = stage.server();
    let given = |account: &'static str| async move {
        let given: [(&str, &[&str]); 2] = [("accountjid", &[account]), ("password", &["rose"])];
        run(server, "change-user-password", &given).await
    };
    faults.on(Calls::Writes).within("accounts").fail(ErrorKind::Full);
    assert_eq!(refused(given(JULIET).await), Condition::ResourceConstraint);
    faults.mend();
    assert!(!server.accounts().check_password(&jid(JULIET), "rose").await.unwrap());
    given(JULIET).await.unwrap();
    assert!(server.accounts().check_password(&jid(JULIET), "rose").await.unwrap());
    assert_eq!(refused(given(PARIS).await), Condition::ItemNotFound);
}

#[tokio::test(start_paused = true)]
async fn contacts_are_told_where_somebody_keeps_them() {
    let one: [(&str, &[&str]); 1] = [("accountjid", &[JULIET])];
    let stage = scene().build().await.unwrap();
    let nowhere = run(stage.server(), "get-user-roster", &one).await;
    assert!(matches!(nowhere, Err(CommandError::Forbidden)), "{nowhere:?}");
    let report = run(stage.server(), "user-stats", &one).await.unwrap();
    assert!(values(&report, "rostersize").is_empty());

    let kept = |to: &mut sestina_core::Assembly| to.provide::<dyn Contacts>(Arc::new(Friends));
    let stage = scene().assemble(kept).build().await.unwrap();
    let _balcony = stage.attach("juliet@capulet.example/balcony").await;
    let report = run(stage.server(), "get-user-roster", &one).await.unwrap();
    let form = report.form.unwrap();
    let row =
        |at: usize| form.items[at].iter().flat_map(|it| it.values.clone()).collect::<Vec<_>>();
    assert_eq!(row(0), ["nurse@capulet.example", "from", "House"]);
    assert_eq!(row(1), ["romeo@montague.example", "both"]);
    let report = run(stage.server(), "user-stats", &one).await.unwrap();
    assert_eq!(values(&report, "rostersize"), ["2"]);
    assert_eq!(values(&report, "onlineresources"), ["balcony"]);
    let nobody: [(&str, &[&str]); 1] = [("accountjid", &[PARIS])];
    for node in ["get-user-roster", "user-stats"] {
        assert_eq!(refused(run(stage.server(), node, &nobody).await), Condition::ItemNotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn people_are_counted_and_listed_within_bounds() {
    let stage = scene().account(PARIS).build().await.unwrap();
    let server = stage.server();
    server.accounts().set_disabled(&jid(PARIS), true).await.unwrap();
    let mut sessions = Vec::new();
    for (full, presence) in [
        ("juliet@capulet.example/balcony", Some("<presence/>")),
        ("juliet@capulet.example/tomb", Some("<presence><show>xa</show></presence>")),
        ("nurse@capulet.example/house", Some("<presence><show>away</show></presence>")),
        ("tybalt@capulet.example/street", None),
    ] {
        let mut client = stage.login(full).await;
        if let Some(presence) = presence {
            client.send(presence).await;
        }
        stage.settle().await;
        sessions.push(client);
    }
    let number = |node: &'static str, var: &'static str| async move {
        values(&run(server, node, &[]).await.unwrap(), var).concat()
    };
    assert_eq!(number("get-registered-users-num", "registeredusersnum").await, "4");
    assert_eq!(number("get-disabled-users-num", "disabledusersnum").await, "1");
    assert_eq!(number("get-online-users-num", "onlineusersnum").await, "3");
    assert_eq!(number("get-active-users-num", "activeusersnum").await, "1");
    assert_eq!(number("get-idle-users-num", "idleusersnum").await, "1");
    let list = |node: &'static str, var: &'static str| async move {
        let report = run(server, node, &[("max_items", &["25"])]).await.unwrap();
        (values(&report, var), report.notes.len())
    };
    assert_eq!(list("get-disabled-users-list", "disableduserjids").await.0, [PARIS]);
    assert_eq!(list("get-active-users", "activeuserjids").await.0, [JULIET]);
    assert_eq!(list("get-idle-users", "idleuserjids").await.0, ["nurse@capulet.example"]);
    let (listed, notes) = list("get-online-users-list", "onlineuserjids").await;
    assert_eq!((listed.len(), notes), (2, 1), "it is cut, and that is told");
    let (listed, notes) = list("get-registered-users-list", "registereduserjids").await;
    assert_eq!((listed.len(), notes), (2, 1));
    let odd = run(server, "get-active-users", &[("max_items", &["3"])]).await;
    assert!(matches!(odd, Err(CommandError::Answers(_))), "{odd:?}");
}

#[tokio::test(start_paused = true)]
async fn sessions_plugins_and_bounds_are_told() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let mut clients = Vec::new();
    for full in [
        "juliet@capulet.example/balcony",
        "juliet@capulet.example/tomb",
        "romeo@capulet.example/orchard",
    ] {
        let mut client = stage.login(full).await;
        client.send("<presence><show>dnd</show><priority>3</priority></presence>").await;
        clients.push(client);
    }
    stage.settle().await;
    let report = run(server, "list-sessions", &[]).await.unwrap();
    let form = report.form.unwrap();
    assert_eq!((form.reported.len(), form.items.len(), report.notes.len()), (5, 2, 1), "{form:?}");
    let cells = |item: &[Field]| item.iter().map(|it| it.values.concat()).collect::<Vec<_>>();
    assert_eq!(cells(&form.items[0]), ["juliet@capulet.example/balcony", "1", "3", "dnd", "0"]);
    let own: [(&str, &[&str]); 1] = [("accountjid", &["romeo@capulet.example"])];
    let report = run(server, "list-sessions", &own).await.unwrap();
    assert_eq!((report.form.unwrap().items.len(), report.notes.len()), (1, 0));
    let form = run(server, "list-plugins", &[]).await.unwrap().form.unwrap();
    assert_eq!(cells(&form.items[0]), ["administration", "XEP-0133"]);
    let report = run(server, "show-bounds", &[]).await.unwrap();
    assert_eq!(values(&report, "sessions_per_account"), ["32"]);
    assert_eq!(values(&report, "drain"), ["5s"]);
}

/// Whose lists can be changed.
#[derive(Default)]
struct Lists(Mutex<Vec<String>>);

impl Contacts for Lists {
    fn contact(&self, _: &Jid, _: &Jid) -> Lookup<Option<Contact>> {
        Lookup::Known(None)
    }

    fn can_change(&self) -> bool {
        true
    }

    fn put<'a>(
        &'a self,
        account: &'a Jid,
        contact: &'a Jid,
        name: &'a str,
        groups: &'a [String],
        _: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        self.0.lock().unwrap().push(format!("{account} {contact} {name} {groups:?}"));
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        _: &'a Jid,
        _: &'a Jid,
        _: &'a Server,
    ) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async { Err(Condition::ItemNotFound.into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_changed_where_something_can_change_them() {
    let friends: Arc<dyn Contacts> = Arc::new(Friends);
    let stage = scene().assemble(move |to| to.provide(friends)).build().await.unwrap();
    let add: [(&str, &[&str]); 4] = [
        ("accountjid", &[JULIET]),
        ("contactjid", &["romeo@montague.example/orchard"]),
        ("name", &["Romeo"]),
        ("groups", &["Love ", "", "Verona"]),
    ];
    let nobody = run(stage.server(), "add-contact", &add).await;
    assert!(matches!(nobody, Err(CommandError::Forbidden)), "{nobody:?}");

    let lists = Arc::new(Lists::default());
    let provided: Arc<dyn Contacts> = lists.clone();
    let stage = scene().assemble(move |to| to.provide(provided)).build().await.unwrap();
    assert_eq!(run(stage.server(), "add-contact", &add).await.unwrap(), Report::new());
    let put = "juliet@capulet.example romeo@montague.example Romeo [\"Love\", \"Verona\"]";
    assert_eq!(*lists.0.lock().unwrap(), [put]);
    let remove: [(&str, &[&str]); 2] =
        [("accountjid", &[JULIET]), ("contactjid", &["romeo@montague.example"])];
    let gone = run(stage.server(), "remove-contact", &remove).await;
    assert_eq!(refused(gone), Condition::ItemNotFound);
    let stranger: [(&str, &[&str]); 2] =
        [("accountjid", &[PARIS]), ("contactjid", &["romeo@montague.example"])];
    for node in ["add-contact", "remove-contact"] {
        assert_eq!(refused(run(stage.server(), node, &stranger).await), Condition::ItemNotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_with_a_session_hears_an_announcement() {
    let stage = scene().build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let text: [(&str, &[&str]); 1] = [("announcement", &["Make", "way!"])];
    let report = run(stage.server(), "announce", &text).await.unwrap();
    assert_eq!(report.notes[0].text, "1 sessions were told");
    let told = juliet.receive().await.unwrap();
    assert_eq!(told.body().as_deref(), Some("Make\nway!"));
    assert_eq!(told.from(), Some(&jid("capulet.example")));
    let nothing = run(stage.server(), "announce", &[]).await;
    assert!(matches!(nothing, Err(CommandError::Answers(_))), "{nothing:?}");
}

#[tokio::test(start_paused = true)]
async fn the_server_stops_in_time_where_something_can_stop_it() {
    let stage = scene().build().await.unwrap();
    let nothing = run(stage.server(), "shutdown", &[]).await;
    assert!(matches!(nothing, Err(CommandError::Forbidden)), "{nothing:?}");

    let program = Arc::new(Program::default());
    let host: Arc<dyn Host> = program.clone();
    let stage = scene().assemble(move |to| to.provide(host)).build().await.unwrap();
    let mut juliet = stage.attach("juliet@capulet.example/balcony").await;
    let given: [(&str, &[&str]); 2] = [("delay", &["30"]), ("announcement", &["Good night"])];
    run(stage.server(), "shutdown", &given).await.unwrap();
    assert_eq!(juliet.receive().await.unwrap().body().as_deref(), Some("Good night"));
    let stopped = program.0.notified();
    tokio::pin!(stopped);
    let early = tokio::time::timeout(Duration::from_secs(29), &mut stopped).await;
    assert!(early.is_err(), "it waits as long as was said");
    tokio::time::timeout(Duration::from_secs(2), stopped).await.unwrap();
}

/// A program that reads its settings again, if they are good.
struct Reads(bool);

impl Host for Reads {
    fn stop(&self) {}

    fn can_reload(&self) -> bool {
        true
    }

    fn reload(&self) -> BoxFuture<'_, Result<Vec<Changed>, ReloadError>> {
        Box::pin(async {
            let (setting, value) = ("log.level".to_owned(), "\"warn\"".to_owned());
            match self.0 {
                true => Ok(vec![Changed { setting, value, effect: Effect::AtOnce }]),
                false => Err(ReloadError::new("line 7: log.level: expected a level")),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn settings_are_read_again_where_the_program_can() {
    async fn reload(host: impl Host) -> Result<Report, CommandError> {
        let host: Arc<dyn Host> = Arc::new(host);
        let stage = scene().assemble(move |to| to.provide(host)).build().await.unwrap();
        let command = stage.server().command("sestina:admin#reload").unwrap();
        let nurse = Caller::Session(jid("nurse@capulet.example/house"));
        let form = DataForm::new(FormType::Submit);
        command.run(nurse, jid("capulet.example"), form, stage.server()).await
    }
    let cannot = reload(Program::default()).await;
    assert!(matches!(cannot, Err(CommandError::Forbidden)), "{cannot:?}");
    let told = reload(Reads(true)).await.unwrap();
    assert_eq!(told.notes[0].text, "log.level = \"warn\": takes effect at once");
    match reload(Reads(false)).await.unwrap_err() {
        CommandError::Refused(refusal) => {
            assert_eq!(refusal.error().condition(), Condition::NotAcceptable);
            assert!(refusal.error().to_string().contains("line 7"), "{refusal:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_else_does_any_of_this() {
    let stage = scene().build().await.unwrap();
    let server = stage.server();
    let _juliet = stage.attach("juliet@capulet.example/balcony").await;
    let juliet = Caller::Session(jid("juliet@capulet.example/balcony"));
    assert_eq!(server.commands().count(), 26);
    for command in server.commands() {
        let ran = command
            .run(juliet.clone(), jid("capulet.example"), DataForm::new(FormType::Submit), server)
            .await;
        assert!(matches!(ran, Err(CommandError::Forbidden)), "{command:?}: {ran:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_out_of_range_are_refused() {
    for (accounts, listed) in [(0, 1), (MOST_ACCOUNTS + 1, 1), (1, 0), (1, MOST_LISTED + 1)] {
        let scene = Scene::new("capulet.example").plugin(Administration { accounts, listed });
        assert!(scene.build().await.is_err(), "{accounts} {listed}");
    }
    let most = Administration { accounts: MOST_ACCOUNTS, listed: MOST_LISTED };
    assert!(Scene::new("capulet.example").plugin(most).build().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_plugin_nothing_of_it_is_there() {
    let without = Scene::new("capulet.example").build().await.unwrap();
    assert_eq!(without.server().commands().count(), 0);
}

/// A program that keeps accounts itself, and has none.
struct Nobody;

impl AccountSource for Nobody {
    fn find<'a>(&'a self, _: &'a Jid) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_for_the_program_to_do_is_no_command() {
    let stage = Scene::new("capulet.example")
        .settings(|it| {
            it.administrators = vec![jid("nurse@capulet.example")];
            it.accounts = Some(Arc::new(Nobody));
        })
        .plugin(Administration::default())
        .build()
        .await
        .unwrap();
    for node in ["add-user", "delete-user", "disable-user", "reenable-user", "change-user-password"]
    {
        let no_command = run(stage.server(), node, &[]).await;
        assert!(matches!(no_command, Err(CommandError::Forbidden)), "{node}: {no_command:?}");
    }
    assert!(run(stage.server(), "get-online-users-num", &[]).await.is_ok());
}
