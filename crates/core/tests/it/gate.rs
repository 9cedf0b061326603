//! Logging in by a request, before there is a session.

use std::{net::SocketAddr, sync::Arc};

use sestina_core::{
    Assembly, AssemblyError, Conflict, NewPassword, Plugin, Refusal, Scope, Server, Set, Spec,
    answer,
};
use sestina_stanza::{Condition, Invalid, Payload, ns};
use sestina_store::{Collection, Owner};
use sestina_testkit::{Client, Received, Scene, Stage};
use sestina_xml::{Element, ElementRef};

/// `<query xmlns='jabber:iq:auth'>`, as far as these tests go.
struct Login {
    username: String,
    password: String,
    resource: String,
}

impl Payload for Login {
    const NAME: &'static str = "query";
    const NAMESPACE: &'static str = ns::AUTH;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| {
            let text = element.child_text(name, ns::AUTH);
            text.map(|text| text.into_owned()).ok_or_else(|| Invalid::child(name))
        };
        Ok(Self {
            username: text("username")?,
            password: text("password")?,
            resource: text("resource")?,
        })
    }

    fn write(&self) -> Element {
        Self::builder().build()
    }
}

/// Lets people in, and keeps what it is told of passwords.
#[derive(Clone, Copy)]
struct Porter {
    /// Lets nobody in after all.
    fickle: bool,
    /// Asks for new passwords.
    curious: bool,
}

struct Lodge {
    fickle: bool,
    kept: Collection<(), String>,
}

impl Plugin for Porter {
    const NAME: &'static str = "porter";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let kept = to.space().collection("kept");
        let lodge = Arc::new(Lodge { fickle: self.fickle, kept });
        to.iq(Scope::Unauthenticated, answer(&lodge, Lodge::log_in))?;
        if self.curious {
            to.passwords(&lodge, Lodge::keep);
        }
        Ok(())
    }
}

impl Lodge {
    async fn log_in(&self, ask: Set<Login>, _: &Server) -> Result<(), Refusal> {
        let gate = ask.origin.gate.as_ref().ok_or(Condition::UnexpectedRequest)?;
        let attempt = gate.attempt(&ask.username).await?;
        let known_by_id = attempt.password_id().is_some();
        let logged_in = match ask.password.as_str() {
            "trust me" => attempt.judge(true)?,
            password => attempt.password(password).await?,
        };
        assert!(known_by_id);
        logged_in.bind(&ask.resource).await?;
        if self.fickle {
            return Err(Condition::Gone.into());
        }
        Ok(())
    }

    async fn keep(&self, new: &NewPassword, _: &Server) -> Result<(), Refusal> {
        let owner = Owner::account(new.account.bare_str());
        Ok(self.kept.put(&owner, &(), &new.password).await?)
    }
}

fn with(porter: Porter) -> Scene {
    Scene::new("capulet.example").account("juliet@capulet.example").plugin(porter)
}

fn scene() -> Scene {
    with(Porter { fickle: false, curious: false })
}

async fn opened(stage: &Stage) -> Client {
    let mut client = stage.connect();
    client.open().await;
    client
}

fn request(username: &str, password: &str, resource: &str) -> String {
    format!(
        "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>{username}</username>\
         <password>{password}</password><resource>{resource}</resource></query></iq>"
    )
}

/// The condition of the error, or `let in`.
async fn attempt(client: &mut Client, username: &str, password: &str, resource: &str) -> String {
    client.send(request(username, password, resource)).await;
    let answer = client.receive().await;
    match answer.child("error", ns::CLIENT) {
        None => "let in".to_owned(),
        Some(error) => {
            assert_eq!(answer.children().count(), 1, "nothing is given back: {answer}");
            error.children().next().unwrap().name().to_owned()
        }
    }
}

async fn ends_with(client: &mut Client, condition: &str) {
    let error = client.receive().await;
    assert!(error.is("error", ns::STREAM), "{error}");
    assert_eq!(error.first_child().unwrap().name(), condition);
    assert_eq!(client.next().await, Received::Close);
}

#[tokio::test(start_paused = true)]
async fn a_request_opens_a_session_at_once() {
    let stage = scene().build().await.unwrap();
    let mut juliet = opened(&stage).await;
    assert_eq!(attempt(&mut juliet, "Juliet", "juliet", "balcony").await, "let in");
    juliet.send("<message to='juliet@capulet.example/balcony'><body>O me</body></message>").await;
    let heard = juliet.receive().await;
    assert_eq!(heard.attr("from"), Some("juliet@capulet.example/balcony"));
    assert_eq!(stage.server().session_count(), 1);
    // From here on it is a stream like any other.
    assert_eq!(attempt(&mut juliet, "juliet", "juliet", "b").await, "service-unavailable");
    juliet.close().await;
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_let_in_is_told_so_and_counted() {
    let stage = scene().account("nurse@capulet.example").build().await.unwrap();
    let nurse = "nurse@capulet.example".parse().unwrap();
    stage.server().accounts().set_disabled(&nurse, true).await.unwrap();
    for (username, password) in [
        ("juliet", "wrong"),
        ("romeo", "romeo"),
        ("romeo", "trust me"),
        ("nurse", "nurse"),
        ("nurse", "trust me"),
        ("a b", "trust me"),
        ("a b", "a b"),
        ("juliet@capulet.example", "juliet"),
        ("", "trust me"),
    ] {
        let mut client = opened(&stage).await;
        for _ in 0..3 {
            let told = attempt(&mut client, username, password, "balcony").await;
            assert_eq!(told, "not-authorized", "{username} {password}");
        }
        ends_with(&mut client, "policy-violation").await;
        assert_eq!(stage.server().session_count(), 0);
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn guesses_by_request_and_by_sasl_are_braked_together() {
    let braked = scene().settings(|settings| settings.authentication.throttle.account.free = 1);
    let stage = braked.build().await.unwrap();
    let mut guesser = opened(&stage).await;
    for _ in 0..2 {
        let told = attempt(&mut guesser, "juliet", "wrong", "balcony").await;
        assert_eq!(told, "not-authorized");
    }
    assert_eq!(attempt(&mut guesser, "juliet", "juliet", "b").await, "resource-constraint");
    ends_with(&mut guesser, "policy-violation").await;
    let mut juliet = opened(&stage).await;
    let token = sestina_sasl::encode_base64(b"\0juliet\0juliet");
    juliet.send(format!("<auth xmlns='{}' mechanism='PLAIN'>{token}</auth>", ns::SASL)).await;
    let told = juliet.receive().await;
    assert_eq!(told.first_child().unwrap().name(), "temporary-auth-failure");
}

#[tokio::test(start_paused = true)]
async fn nobody_falls_back_from_sasl() {
    let stage = scene().build().await.unwrap();
    let mut client = opened(&stage).await;
    let token = sestina_sasl::encode_base64(b"\0juliet\0wrong");
    client.send(format!("<auth xmlns='{}' mechanism='PLAIN'>{token}</auth>", ns::SASL)).await;
    assert_eq!(client.receive().await.name(), "failure");
    client.send(request("juliet", "juliet", "balcony")).await;
    ends_with(&mut client, "policy-violation").await;
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_bound_by_the_rules_of_every_binding() {
    let strict = scene().settings(|settings| {
        settings.conflict = Conflict::Refuse;
        settings.bounds.sessions_per_account = 2;
    });
    let stage = strict.build().await.unwrap();
    let _first = stage.login("juliet@capulet.example/balcony").await;
    let mut second = opened(&stage).await;
    assert_eq!(attempt(&mut second, "juliet", "juliet", "balcony").await, "conflict");
    assert_eq!(attempt(&mut second, "juliet", "juliet", &"b".repeat(1024)).await, "not-acceptable");
    assert_eq!(attempt(&mut second, "juliet", "juliet", "orchard").await, "let in");
    let mut third = opened(&stage).await;
    assert_eq!(attempt(&mut third, "juliet", "juliet", "tomb").await, "resource-constraint");
}

#[tokio::test(start_paused = true)]
async fn a_password_does_not_cross_the_open_street() {
    let stage = scene().build().await.unwrap();
    let peer: SocketAddr = "192.0.2.1:40000".parse().unwrap();
    let mut client = stage.connect_from(peer);
    client.open().await;
    for _ in 0..9 {
        // Nothing is learned from it, so nothing is counted.
        let told = attempt(&mut client, "juliet", "juliet", "balcony").await;
        assert_eq!(told, "not-acceptable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_taken_back_when_its_handler_refuses() {
    let stage = with(Porter { fickle: true, curious: false }).build().await.unwrap();
    let mut client = opened(&stage).await;
    assert_eq!(attempt(&mut client, "juliet", "juliet", "balcony").await, "gone");
    assert_eq!(stage.server().session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_on_the_way_in_leaves_no_session_behind() {
    let stage = scene().build().await.unwrap();
    let mut client = opened(&stage).await;
    client.send(request("juliet", "juliet", "balcony")).await;
    drop(client);
    stage.settle().await;
    // The password may still be checked off the clock.
    for _ in 0..1000 {
        if stage.server().session_count() == 0 {
            return;
        }
        stage.settle().await;
    }
    panic!("a session is left");
}

#[tokio::test(start_paused = true)]
async fn passwords_are_handed_on_and_erased_with_the_need_for_them() {
    let store = sestina_store::memory();
    let curious = Porter { fickle: false, curious: true };
    let juliet = "juliet@capulet.example".parse().unwrap();
    let kept = || store.space("porter").collection::<(), String>("kept");
    let owner = Owner::account("juliet@capulet.example");
    {
        let stage = with(curious).store(store.clone()).build().await.unwrap();
        assert_eq!(kept().get(&owner, &()).await.unwrap().as_deref(), Some("juliet"));
        stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
        assert_eq!(kept().get(&owner, &()).await.unwrap().as_deref(), Some("r0m30"));
    }
    drop(with(curious).store(store.clone()).build().await.unwrap());
    assert!(kept().get(&owner, &()).await.unwrap().is_some());
    let passing = scene().store(store.clone()).assemble(|assembly| {
        assembly.leave_absent();
        Ok(())
    });
    drop(passing.build().await.unwrap());
    assert!(kept().get(&owner, &()).await.unwrap().is_some());
    drop(scene().store(store.clone()).build().await.unwrap());
    assert!(kept().get(&owner, &()).await.unwrap().is_none());
    let spaces = store.spaces().await.unwrap();
    assert!(!spaces.iter().any(|space| space == "porter"), "{spaces:?}");
}
