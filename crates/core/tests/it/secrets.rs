//! Mechanisms with a secret of their own.

use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
use sestina_sasl::{
    Answer, Failure, Mechanism, Offer, Query, Secret, SecretFamily, Start, Step, Success,
    encode_base64,
};
use sestina_stanza::ns;
use sestina_store::{ErrorKind, Owner};
use sestina_testkit::{Calls, Scene, Stage, faulty_store};
use zeroize::Zeroizing;

use crate::cast::{scene, stage};

/// The client says its name and its password backwards; wrong once, it may try again.
#[derive(Clone, Copy, Debug)]
struct Backwards;

impl Plugin for Backwards {
    const NAME: &'static str = "backwards";
    const SPECS: &'static [Spec] = &[];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        to.mechanism(self);
        to.secrets(self)
    }
}

impl SecretFamily for Backwards {
    fn name(&self) -> &str {
        "backwards"
    }

    fn derive(&self, username: &str, domain: &str, password: &str) -> Secret {
        assert_eq!(domain, "capulet.example");
        Zeroizing::new(format!("{password}{username}").bytes().rev().collect::<Vec<u8>>()).into()
    }
}

impl Offer for Backwards {
    fn name(&self) -> &str {
        "BACKWARDS"
    }

    fn start(&self, _: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Trying { said: Vec::new(), tries: 0 })
    }
}

struct Trying {
    said: Vec<u8>,
    tries: u8,
}

impl Mechanism for Trying {
    fn step(&mut self, message: &[u8]) -> Step {
        self.said = message.to_vec();
        self.tries += 1;
        Step::Ask(Query::Secret { username: self.name(), family: "backwards".into() })
    }

    fn resume(&mut self, answer: Answer) -> Step {
        match answer {
            Answer::Secret { secret, standing } if secret.as_bytes() == self.said => standing
                .check()
                .map_or_else(Step::from, |()| Step::Done(Success::account(self.name()))),
            Answer::Secret { .. } | Answer::Unknown if self.tries < 2 => {
                Step::Challenge(Vec::new())
            }
            Answer::Secret { .. } | Answer::Unknown => Step::Failed(Failure::NotAuthorized),
            _ => Step::Failed(Failure::TemporaryAuthFailure),
        }
    }
}

impl Trying {
    fn name(&self) -> String {
        let name: Vec<u8> = self.said.iter().copied().take(6).rev().collect();
        String::from_utf8(name).unwrap()
    }
}

fn with() -> Scene {
    scene().plugin(Backwards)
}

fn said(password: &str) -> String {
    encode_base64(format!("{password}juliet").bytes().rev().collect::<Vec<u8>>().as_slice())
}

/// What is answered to these passwords in turn.
async fn attempt(stage: &Stage, passwords: &[&str]) -> String {
    let mut client = stage.connect();
    client.open().await;
    let mut told = String::new();
    for (at, password) in passwords.iter().enumerate() {
        let (element, said) = (["response", "auth"][usize::from(at == 0)], said(password));
        let sasl = ns::SASL;
        client
            .send(format!("<{element} xmlns='{sasl}' mechanism='BACKWARDS'>{said}</{element}>"))
            .await;
        let answer = client.receive().await;
        told = answer.first_child().map_or_else(|| answer.name(), |it| it.name()).to_owned();
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_kept_of_each_password_and_asked_for_by_its_mechanism() {
    let stage = stage(with()).await;
    let juliet = "juliet@capulet.example".parse().unwrap();
    assert_eq!(attempt(&stage, &["juliet"]).await, "success");
    assert_eq!(attempt(&stage, &["wrong", "wrong"]).await, "not-authorized");
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    assert_eq!(attempt(&stage, &["juliet", "juliet"]).await, "not-authorized");
    assert_eq!(attempt(&stage, &["r0m30"]).await, "success");
    stage.server().accounts().set_disabled(&juliet, true).await.unwrap();
    assert_eq!(attempt(&stage, &["r0m30"]).await, "account-disabled");
    stage.server().accounts().remove(&juliet).await.unwrap();
    assert_eq!(attempt(&stage, &["r0m30", "r0m30"]).await, "not-authorized");
    let kept = stage.server().store().space("backwards").owners(None, 9).await.unwrap();
    assert_eq!(kept, [Owner::account("romeo@capulet.example")]);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_an_old_password_is_void_and_goes_with_the_plugin() {
    let store = sestina_store::memory();
    let juliet = "juliet@capulet.example".parse().unwrap();
    drop(with().store(store.clone()).build().await.unwrap());
    {
        let without = scene().store(store.clone()).build().await.unwrap();
        assert!(!store.spaces().await.unwrap().iter().any(|space| space == "backwards"));
        without.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    }
    // An account whose password was set before the plugin came has no secret.
    let stage = with().store(store.clone()).build().await.unwrap();
    assert_eq!(attempt(&stage, &["r0m30", "r0m30"]).await, "not-authorized");
    stage.server().accounts().set_password(&juliet, "r0m30").await.unwrap();
    assert_eq!(attempt(&stage, &["r0m30"]).await, "success");
}

#[tokio::test(start_paused = true)]
async fn every_wrong_password_counts_even_if_there_is_another_try() {
    let stage = with().settings(|settings| settings.authentication.throttle.account.free = 3);
    let stage = stage.build().await.unwrap();
    for _ in 0..2 {
        assert_eq!(attempt(&stage, &["wrong", "wrong"]).await, "not-authorized");
    }
    assert_eq!(attempt(&stage, &["juliet"]).await, "temporary-auth-failure");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_wrong_password() {
    let (store, faults) = faulty_store();
    let stage = with().store(store).build().await.unwrap();
    faults.on(Calls::Reads).within("backwards").fail(ErrorKind::Io);
    assert_eq!(attempt(&stage, &["juliet"]).await, "temporary-auth-failure");
    faults.mend();
    assert_eq!(attempt(&stage, &["juliet"]).await, "success");
}

#[tokio::test(start_paused = true)]
async fn a_family_has_one_keeper() {
    struct Again;

    impl Plugin for Again {
        const NAME: &'static str = "again";
        const SPECS: &'static [Spec] = &[];

        fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
            to.secrets(Backwards)
        }
    }

    let settings =
        sestina_core::Settings::new("capulet.example".parse().unwrap(), sestina_store::memory());
    let mut assembly = Assembly::new(settings);
    assembly.plugin(Backwards).unwrap();
    let refused = assembly.plugin(Again).map(|_| ()).unwrap_err();
    assert!(matches!(
        refused,
        AssemblyError::ClaimedTwice { first: "backwards", second: "again", .. }
    ));
}
