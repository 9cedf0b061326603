//! Mechanisms written for the `sasl` crate.

use std::fmt;

use sasl::common;
use sasl::server::{MechanismError, Response, ValidatorError};

use crate::{
    Answer, Channel, Failure, Mechanism, Offer, Query, Start, Step, Success, Work, prepare_username,
};

/// A mechanism written for the `sasl` crate.
pub type ForeignMechanism = Box<dyn sasl::server::Mechanism + Send>;

/// Offers a mechanism written for the [`sasl`] crate.
///
/// Such a mechanism reaches its store by itself and may wait for it, so each of its steps is
/// [`Work`]. Once it succeeds, the account is looked up, to see whether it may log in.
///
/// It answers for its own treatment of accounts that do not exist, which the mechanisms of that
/// crate give away.
pub struct ForeignOffer<F> {
    name: String,
    reveals_password: bool,
    make: F,
}

impl<F> ForeignOffer<F>
where
    F: Fn(&Channel) -> ForeignMechanism + Send + Sync,
{
    /// A mechanism of that name, made anew for each authentication.
    pub fn new(name: impl Into<String>, make: F) -> Self {
        Self { name: name.into(), reveals_password: false, make }
    }

    /// Says that it hands the password to whoever listens.
    #[must_use]
    pub fn revealing_password(mut self) -> Self {
        self.reveals_password = true;
        self
    }
}

impl<F> fmt::Debug for ForeignOffer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignOffer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F> Offer for ForeignOffer<F>
where
    F: Fn(&Channel) -> ForeignMechanism + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn reveals_password(&self) -> bool {
        self.reveals_password
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(Foreign(State::Idle((self.make)(start.channel))))
    }
}

struct Foreign(State);

enum State {
    Idle(ForeignMechanism),
    Working,
    Asked(Success),
    Over,
}

/// What a step came to, with the mechanism, which was away for it.
type Stepped = (ForeignMechanism, Result<Response, MechanismError>);

impl Foreign {
    fn stepped(&mut self, (mechanism, result): Stepped) -> Result<Step, Failure> {
        match result.map_err(|error| failure(&error))? {
            Response::Proceed(data) => {
                self.0 = State::Idle(mechanism);
                Ok(Step::Challenge(data))
            }
            Response::Success(common::Identity::None, data) => {
                Ok(Step::Done(with_data(Success::anonymous(), data)))
            }
            Response::Success(common::Identity::Username(username), data) => {
                let username = prepare_username(&username).map_err(|_| Failure::NotAuthorized)?;
                self.0 = State::Asked(with_data(Success::account(username.clone()), data));
                Ok(Step::Ask(Query::Account { username }))
            }
        }
    }
}

impl Mechanism for Foreign {
    fn step(&mut self, message: &[u8]) -> Step {
        let State::Idle(mut mechanism) = std::mem::replace(&mut self.0, State::Working) else {
            self.0 = State::Over;
            return Step::Failed(Failure::MalformedRequest);
        };
        let message = message.to_vec();
        Step::Work(Work::new(move || -> Stepped {
            let result = mechanism.respond(&message);
            (mechanism, result)
        }))
    }

    fn resume(&mut self, answer: Answer) -> Step {
        let result = match (std::mem::replace(&mut self.0, State::Over), answer) {
            (State::Working, Answer::Worked(worked)) => match worked.into_result::<Stepped>() {
                Some(stepped) => self.stepped(stepped),
                None => Err(Failure::TemporaryAuthFailure),
            },
            (State::Asked(success), Answer::Account(account)) => {
                account.standing.check().map(|()| Step::Done(success))
            }
            (State::Asked(_), Answer::Unknown) => Err(Failure::NotAuthorized),
            _ => Err(Failure::TemporaryAuthFailure),
        };
        result.unwrap_or_else(Step::Failed)
    }
}

fn with_data(success: Success, data: Vec<u8>) -> Success {
    if data.is_empty() { success } else { success.with_data(data) }
}

/// The condition that comes nearest.
fn failure(error: &MechanismError) -> Failure {
    match error {
        MechanismError::AuthenticationFailed
        | MechanismError::ChannelBindingIsSupported
        | MechanismError::ChannelBindingMechanismIncorrect
        | MechanismError::ChannelBindingNotSupported
        | MechanismError::ProviderError(_)
        | MechanismError::ValidatorError(
            ValidatorError::AuthenticationFailed | ValidatorError::ProviderError(_),
        ) => Failure::NotAuthorized,
        MechanismError::FailedToGenerateNonce => Failure::TemporaryAuthFailure,
        _ => Failure::MalformedRequest,
    }
}
