//! The PLAIN mechanism (RFC 4616).

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    Answer, Channel, Failure, Mechanism, Offer, Query, Recipe, ServerSecret, Standing, Start, Step,
    Success, Work, prepare_password, prepare_username,
};

/// Offers PLAIN: the client sends its password, which is checked against the strongest verifier of
/// its account.
///
/// The check is [`Work`], for an account that does not exist as for any other.
#[derive(Clone, Debug)]
pub struct PlainOffer {
    recipe: Recipe,
    secret: Arc<ServerSecret>,
}

impl PlainOffer {
    /// PLAIN where accounts that do not exist cost as much to check as though they had been made by
    /// this recipe.
    pub fn new(recipe: &Recipe, secret: Arc<ServerSecret>) -> Self {
        Self { recipe: recipe.clone(), secret }
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
            Ok((username, password)) => {
                self.state = State::Asked { username: username.clone(), password };
                Step::Ask(Query::Account { username })
            }
            Err(failure) => {
                self.state = State::Over;
                Step::Failed(failure)
            }
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Asked { username, password }, answer) => {
                let PlainOffer { recipe, secret } = &self.offer;
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
                match standing
                    .filter(|_| fits)
                    .ok_or(Failure::NotAuthorized)
                    .and_then(Standing::check)
                {
                    Ok(()) => Step::Done(Success::account(username)),
                    Err(failure) => Step::Failed(failure),
                }
            }
            _ => Step::Failed(Failure::TemporaryAuthFailure),
        }
    }
}
