//! The PLAIN mechanism (RFC 4616).

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    Answer, Channel, Failure, Mechanism, Offer, Query, Recipe, ServerSecret, Standing, Start, Step,
    Success, Work, prepare_password, prepare_username,
};

/// Offers PLAIN: the client sends its password, which is checked against the strongest verifier of
/// its account, or by the driver.
#[derive(Clone, Debug)]
pub struct PlainOffer {
    check: Check,
}

/// Who compares passwords.
#[derive(Clone, Debug)]
enum Check {
    /// The mechanism, by [`Work`] on verifiers.
    Here { recipe: Recipe, secret: Arc<ServerSecret> },
    /// The driver, who is asked [`Query::Password`].
    Driver,
}

impl PlainOffer {
    /// PLAIN where accounts that do not exist cost as much to check as though they had been made by
    /// this recipe: the check is [`Work`] for them as for any other.
    pub fn new(recipe: &Recipe, secret: Arc<ServerSecret>) -> Self {
        Self { check: Check::Here { recipe: recipe.clone(), secret } }
    }

    /// PLAIN where only the driver can check a password, and is asked [`Query::Password`]. That it
    /// takes as long for accounts that do not exist is the driver's to see to.
    pub fn asking() -> Self {
        Self { check: Check::Driver }
    }
}

impl Offer for PlainOffer {
    fn name(&self) -> &str {
        "PLAIN"
    }

    fn reveals_password(&self) -> bool {
        true
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Plain { offer: self.clone(), channel: start.channel.clone(), state: State::Start })
    }
}

/// One PLAIN authentication.
struct Plain {
    offer: PlainOffer,
    channel: Channel,
    state: State,
}

enum State {
    Start,
    Asked { username: String, password: Zeroizing<String> },
    Handed { username: String },
    Checking { username: String, standing: Option<Standing> },
    Over,
}

impl Plain {
    fn message(&self, message: &[u8]) -> Result<(String, Zeroizing<String>), Failure> {
        let text = std::str::from_utf8(message).map_err(|_| Failure::MalformedRequest)?;
        let mut fields = text.split('\0');
        let (Some(authzid), Some(authcid), Some(password), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(Failure::MalformedRequest);
        };
        if authcid.is_empty() || password.is_empty() {
            return Err(Failure::MalformedRequest);
        }
        let username = prepare_username(authcid).map_err(|_| Failure::NotAuthorized)?;
        if !self.channel.authorizes(authzid, &username) {
            return Err(Failure::InvalidAuthzid);
        }
        let password = prepare_password(password).map_err(|_| Failure::NotAuthorized)?;
        Ok((username, password))
    }
}

impl Mechanism for Plain {
    fn step(&mut self, message: &[u8]) -> Step {
        if !matches!(self.state, State::Start) {
            return Step::Failed(Failure::MalformedRequest);
        }
        match self.message(message) {
            Ok((username, password)) => match self.offer.check {
                Check::Here { .. } => {
                    self.state = State::Asked { username: username.clone(), password };
                    Step::Ask(Query::Account { username })
                }
                Check::Driver => {
                    self.state = State::Handed { username: username.clone() };
                    let password = Zeroizing::new(password.as_bytes().to_vec()).into();
                    Step::Ask(Query::Password { username, password })
                }
            },
            Err(failure) => {
                self.state = State::Over;
                Step::Failed(failure)
            }
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Asked { username, password }, answer) => {
                let Check::Here { recipe, secret } = &self.offer.check else {
                    return Step::Failed(Failure::TemporaryAuthFailure);
                };
                let decoy =
                    secret.decoy(&self.channel, &username, recipe.strongest(), recipe.iterations());
                let (verifier, standing) = match answer {
                    Answer::Account(account) => match account.credentials.into_strongest() {
                        Some(verifier) => (verifier, Some(account.standing)),
                        None => (decoy, None),
                    },
                    Answer::Unknown => (decoy, None),
                    _ => return Step::Failed(Failure::TemporaryAuthFailure),
                };
                self.state = State::Checking { username, standing };
                Step::Work(Work::new(move || verifier.verify_prepared(&password)))
            }
            (State::Checking { username, standing }, Answer::Worked(worked)) => {
                let Some(fits) = worked.into_result::<bool>() else {
                    return Step::Failed(Failure::TemporaryAuthFailure);
                };
                judge(username, standing.filter(|_| fits))
            }
            (State::Handed { username }, Answer::Checked { right, standing }) => {
                judge(username, right.then_some(standing))
            }
            (State::Handed { username }, Answer::Unknown) => judge(username, None),
            _ => Step::Failed(Failure::TemporaryAuthFailure),
        }
    }
}

/// Lets in whoever has shown the password of an account in good standing.
fn judge(username: String, shown: Option<Standing>) -> Step {
    match shown.ok_or(Failure::NotAuthorized).and_then(Standing::check) {
        Ok(()) => Step::Done(Success::account(username)),
        Err(failure) => Step::Failed(failure),
    }
}
