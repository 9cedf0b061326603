//! One authentication as its driver sees it.

use std::fmt;

use crate::{Answer, Failure, Mechanism, Step};

/// The longest message of a client, in bytes after Base64.
///
/// Certificates never travel in SASL, and the longest legitimate token known is a third of this.
pub const MAX_MESSAGE: usize = 8192;

/// One authentication in progress, made by [`Mechanisms::start`](crate::Mechanisms::start).
///
/// Call [`begin`](Self::begin) once, then whatever the last [`Step`] asks for, until it is
/// [`Step::Done`] or [`Step::Failed`]. A call out of turn, be it that the client does not wait for
/// its challenge or that the driver errs, fails the authentication for good.
pub struct Exchange {
    name: String,
    mechanism: Box<dyn Mechanism>,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Begin,
    Client,
    Driver,
    Over,
}

impl Exchange {
    /// Starts an authentication with a mechanism of this name.
    pub fn new(name: impl Into<String>, mechanism: Box<dyn Mechanism>) -> Self {
        Self { name: name.into(), mechanism, turn: Turn::Begin }
    }

    /// The name of the mechanism.
    pub fn mechanism(&self) -> &str {
        &self.name
    }

    /// Whether it has succeeded, failed or been aborted.
    pub fn is_over(&self) -> bool {
        self.turn == Turn::Over
    }

    /// Whether the client is to speak next.
    pub fn awaits_client(&self) -> bool {
        self.turn == Turn::Client
    }

    /// Takes the initial response, or its absence.
    pub fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        if self.turn != Turn::Begin {
            return self.fail(Failure::MalformedRequest);
        }
        if initial.is_some_and(|message| message.len() > MAX_MESSAGE) {
            return self.fail(Failure::MalformedRequest);
        }
        let step = self.mechanism.begin(initial);
        self.after(step)
    }

    /// Takes the client's response to the last challenge.
    pub fn respond(&mut self, message: &[u8]) -> Step {
        if self.turn != Turn::Client || message.len() > MAX_MESSAGE {
            return self.fail(Failure::MalformedRequest);
        }
        let step = self.mechanism.step(message);
        self.after(step)
    }

    /// Takes the answer to the last question.
    pub fn resume(&mut self, answer: Answer) -> Step {
        if self.turn != Turn::Driver {
            return self.fail(Failure::TemporaryAuthFailure);
        }
        let step = self.mechanism.resume(answer);
        self.after(step)
    }

    /// Ends the authentication because the client sent `<abort/>` (RFC 6120 §6.4.4).
    pub fn abort(&mut self) -> Failure {
        self.turn = Turn::Over;
        Failure::Aborted
    }

    fn after(&mut self, step: Step) -> Step {
        self.turn = match step {
            Step::Challenge(_) => Turn::Client,
            Step::Ask(_) | Step::Work(_) => Turn::Driver,
            Step::Done(_) | Step::Failed(_) => Turn::Over,
        };
        step
    }

    fn fail(&mut self, failure: Failure) -> Step {
        self.turn = Turn::Over;
        Step::Failed(failure)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mechanism", &self.name)
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
