//! Delivery plans: decided first, carried out second.

use std::{fmt, sync::Arc};

use sestina_stanza::{Condition, Stanza};
use smallvec::SmallVec;

use crate::{BoxFuture, Refusal, Server, directory::Sessions, session::Session};

/// What is about to happen to a message or presence addressed to an account of this server.
///
/// The router fills it in after RFC 6121 §8; planners amend it, or claim the stanza; then the core
/// carries it out once. Whatever nobody delivers or claims gets the one answer that RFC 6121 §8
/// names.
pub struct Plan {
    stanza: Stanza,
    pub(crate) targets: Sessions,
    pub(crate) claim: Option<Deed>,
    pub(crate) besides: SmallVec<[Deed; 1]>,
    pub(crate) otherwise: Otherwise,
    pub(crate) copies: Copies,
    pub(crate) kept: bool,
    again: bool,
}

/// What happens where nobody takes a stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The sender gets this error.
    Bounce(Condition),
    /// It is dropped without a word.
    Discard,
}

/// Who gets what besides those who get the stanza.
pub(crate) type Copies = SmallVec<[(Arc<Session>, Stanza); 1]>;

/// Something a plugin does when the plan is carried out.
pub(crate) struct Deed {
    pub(crate) by: &'static str,
    pub(crate) act: Act,
}

type Act = Box<dyn FnOnce(Stanza, Server) -> BoxFuture<'static, Result<(), Refusal>> + Send>;

impl Plan {
    pub(crate) fn new(stanza: Stanza, targets: Sessions, otherwise: Otherwise) -> Self {
        Self {
            stanza,
            targets,
            claim: None,
            besides: SmallVec::new(),
            otherwise,
            copies: Copies::new(),
            kept: false,
            again: false,
        }
    }

    pub(crate) fn planned_before(mut self, again: bool) -> Self {
        self.again = again;
        self
    }

    /// What is to be delivered.
    #[must_use]
    pub fn stanza(&self) -> &Stanza {
        &self.stanza
    }

    /// The sessions that are to get it.
    #[must_use]
    pub fn targets(&self) -> &[Arc<Session>] {
        &self.targets
    }

    /// Whether, as it stands, nobody would get it.
    #[must_use]
    pub fn is_undeliverable(&self) -> bool {
        self.targets.is_empty() && self.claim.is_none()
    }

    /// Whether it was planned for before, and those who were to get it went away without. What is
    /// done [besides](Self::besides) may have been done then.
    #[must_use]
    pub fn is_second(&self) -> bool {
        self.again
    }

    /// Delivers it to one more session.
    pub fn add_target(&mut self, session: Arc<Session>) {
        if !self.targets.iter().any(|held| held.id() == session.id()) {
            self.targets.push(session);
        }
    }

    /// Lets a session that does not get it have a copy, once it is delivered or claimed; where it is
    /// neither, nobody has one. A copy that is not read is lost: it has been read elsewhere.
    pub fn copy(&mut self, session: Arc<Session>, copy: Stanza) {
        self.copies.push((session, copy));
    }

    /// Delivers it, or [a copy](Self::copy), only to those sessions for which `want` holds.
    pub fn retain_targets(&mut self, want: impl Fn(&Session) -> bool) {
        self.targets.retain(|session| want(session));
        self.copies.retain(|(session, _)| want(session));
    }

    /// What happens if nobody takes it.
    #[must_use]
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// Says what happens if nobody takes it.
    pub fn set_otherwise(&mut self, otherwise: Otherwise) {
        self.otherwise = otherwise;
    }

    /// Takes charge of the stanza: `act` is run in place of an answer that nobody could be
    /// reached. The first claim stands; says whether this was it.
    ///
    /// If `act` refuses, the sender is told.
    pub fn claim<F, Fut>(&mut self, by: &'static str, act: F) -> bool
    where
        F: FnOnce(Stanza, Server) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        if self.claim.is_some() {
            return false;
        }
        self.claim =
            Some(Deed { by, act: Box::new(|stanza, server| Box::pin(act(stanza, server))) });
        true
    }

    /// The same, for whoever keeps it until its recipient comes.
    pub fn keep<F, Fut>(&mut self, by: &'static str, act: F) -> bool
    where
        F: FnOnce(Stanza, Server) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        let first = self.claim(by, act);
        self.kept |= first;
        first
    }

    /// Whether, as it stands, it is kept until its recipient comes.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.kept && self.targets.is_empty()
    }

    /// Nobody gets it, nobody is told, and what others wanted to do with it is not done.
    pub fn withdraw(&mut self) {
        self.targets.clear();
        self.copies.clear();
        self.besides.clear();
        self.claim = None;
        self.kept = false;
        self.otherwise = Otherwise::Discard;
    }

    /// Does something besides delivering, such as keeping a copy. What it refuses is logged.
    pub fn besides<F, Fut>(&mut self, by: &'static str, act: F)
    where
        F: FnOnce(Stanza, Server) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        self.besides
            .push(Deed { by, act: Box::new(|stanza, server| Box::pin(act(stanza, server))) });
    }

    /// Who has claimed it.
    #[must_use]
    pub fn claimed_by(&self) -> Option<&'static str> {
        self.claim.as_ref().map(|claim| claim.by)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("targets", &self.targets.iter().map(|session| session.jid()).collect::<Vec<_>>())
            .field("claimed_by", &self.claimed_by())
            .field("besides", &self.besides.iter().map(|deed| deed.by).collect::<Vec<_>>())
            .field("otherwise", &self.otherwise)
            .field("copies", &self.copies.len())
            .finish_non_exhaustive()
    }
}
