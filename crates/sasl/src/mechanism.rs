//! The contract between a mechanism and whoever drives it.

use std::any::Any;
use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::{BindingType, Credentials, Failure, TokenId, TokenRecord};

/// The server side of one authentication.
///
/// A mechanism takes the client's messages and says what comes next. It never waits: when it needs
/// to know something it returns a [`Query`], when it has heavy arithmetic to do it returns
/// [`Work`], and it goes on when it is resumed with the [`Answer`].
///
/// A driver does not meet this trait but an [`Exchange`](crate::Exchange), which holds mechanism
/// and driver to the order of calls. So an implementation may take for granted that `step` is
/// called with the first message and after each [`Step::Challenge`], `resume` after each
/// [`Step::Ask`] and [`Step::Work`], and nothing after [`Step::Done`] or [`Step::Failed`].
pub trait Mechanism: Send {
    /// Takes the client's initial response, if it sent one.
    ///
    /// Unless overridden the client speaks first: without an initial response it is sent an empty
    /// challenge (RFC 4422 §5.1).
    fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(message) => self.step(message),
            None => Step::Challenge(Vec::new()),
        }
    }

    /// Takes a message of the client.
    fn step(&mut self, message: &[u8]) -> Step;

    /// Takes the answer to what the last step asked for.
    fn resume(&mut self, answer: Answer) -> Step;
}

/// What comes next in an authentication.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Send this to the client and pass on its response.
    Challenge(Vec<u8>),
    /// Find this out, then resume.
    Ask(Query),
    /// Run this where it holds up nobody, then resume.
    Work(Work),
    /// The client is who it says it is.
    Done(Success),
    /// It is not, or could not show it.
    Failed(Failure),
}

/// What a mechanism needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Query {
    /// The account of this name, asked before anything about the client's claim is known.
    ///
    /// The answer is [`Answer::Account`], [`Answer::Unknown`] or [`Answer::Unavailable`].
    Account {
        /// A localpart, already [prepared](crate::prepare_username).
        username: String,
    },
    /// The tokens that the client, known by its user agent, was issued for a mechanism; see
    /// [`Tokens`](crate::Tokens).
    ///
    /// The answer is [`Answer::Tokens`], [`Answer::Unknown`] or [`Answer::Unavailable`].
    Tokens {
        /// A localpart, already [prepared](crate::prepare_username).
        username: String,
        /// The name of the mechanism.
        mechanism: String,
    },
    /// The secret that is kept of the account's password for a
    /// [family](crate::SecretFamily) of mechanisms.
    ///
    /// The answer is [`Answer::Secret`], [`Answer::Unknown`] also where there is none of an account,
    /// or [`Answer::Unavailable`].
    Secret {
        /// A localpart, already [prepared](crate::prepare_username).
        username: String,
        /// The name of the family.
        family: String,
    },
    /// Whether this is the password of the account of this name, for accounts whose passwords only
    /// the driver can check.
    ///
    /// The answer is [`Answer::Checked`], [`Answer::Unknown`] or [`Answer::Unavailable`].
    Password {
        /// A localpart, already [prepared](crate::prepare_username).
        username: String,
        /// UTF-8, already [prepared](crate::prepare_password).
        password: Secret,
    },
}

impl Query {
    /// The user name that is asked about, for a [throttle](crate::Throttle) to count.
    pub fn username(&self) -> &str {
        match self {
            Self::Account { username }
            | Self::Tokens { username, .. }
            | Self::Secret { username, .. }
            | Self::Password { username, .. } => username,
        }
    }
}

/// What the driver found out.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The account exists.
    Account(Account),
    /// The account exists, and its client has these tokens.
    Tokens {
        /// What was stored; no more than the first [`MAX_TOKENS`](crate::MAX_TOKENS) count.
        records: Vec<TokenRecord>,
        /// Whether the account may log in.
        standing: Standing,
        /// The time, for their expiry.
        now: SystemTime,
    },
    /// The account exists, and this is kept of its password.
    Secret {
        /// What the family has made of it.
        secret: Secret,
        /// Whether the account may log in.
        standing: Standing,
    },
    /// The account exists, and its password was compared.
    Checked {
        /// Whether it is the right one.
        right: bool,
        /// Whether the account may log in.
        standing: Standing,
    },
    /// There is no such account. The client cannot tell this from a wrong password.
    Unknown,
    /// The store could not say, so the client may try again later.
    Unavailable,
    /// What [`Work::run`] returned.
    Worked(Worked),
}

/// An account as mechanisms see it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Account {
    /// What its password can be checked with.
    pub credentials: Credentials,
    /// Whether it may log in.
    pub standing: Standing,
}

impl Account {
    /// An account in good standing.
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, standing: Standing::Good }
    }

    /// Sets whether the account may log in.
    #[must_use]
    pub fn with_standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }
}

/// A secret of an account, wiped when it is dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether an account may log in. The client learns of it only once it has shown its password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It may.
    #[default]
    Good,
    /// It has been disabled.
    Disabled,
    /// Its password has to be changed by other means first.
    Expired,
}

impl Standing {
    /// # Errors
    ///
    /// The condition to tell a client that has shown its password but may not log in.
    pub fn check(self) -> Result<(), Failure> {
        match self {
            Self::Good => Ok(()),
            Self::Disabled => Err(Failure::AccountDisabled),
            Self::Expired => Err(Failure::CredentialsExpired),
        }
    }
}

/// A computation of milliseconds, which belongs on a thread that serves no connection.
#[must_use]
pub struct Work(Box<dyn FnOnce() -> Worked + Send>);

impl Work {
    /// Takes the computation, whose result the mechanism gets back in [`Answer::Worked`].
    pub fn new<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(Box::new(move || Worked(Box::new(run()))))
    }

    /// Computes; this blocks.
    pub fn run(self) -> Answer {
        Answer::Worked((self.0)())
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// The result of a [`Work`].
pub struct Worked(Box<dyn Any + Send>);

impl Worked {
    /// The result, if it is of that type.
    pub fn into_result<T: 'static>(self) -> Option<T> {
        self.0.downcast().ok().map(|result| *result)
    }
}

impl fmt::Debug for Worked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worked")
    }
}

/// Who has authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Success {
    /// As whom the client goes on.
    pub identity: Identity,
    /// What goes inside `<success/>` (RFC 6120 §6.4.6): the proof that the server knows the
    /// password too, for mechanisms that have one.
    pub data: Option<Vec<u8>>,
    /// The type of channel binding that was verified.
    pub binding: Option<BindingType>,
    /// The token that was used.
    pub token: Option<TokenId>,
}

impl Success {
    /// An authentication as an account, by its prepared user name.
    pub fn account(username: impl Into<String>) -> Self {
        Self::of(Identity::Account(username.into()))
    }

    /// An authentication as nobody in particular.
    pub fn anonymous() -> Self {
        Self::of(Identity::Anonymous)
    }

    fn of(identity: Identity) -> Self {
        Self { identity, data: None, binding: None, token: None }
    }

    /// Adds data for the client.
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = Some(data);
        self
    }

    /// Adds the type of channel binding that was verified.
    #[must_use]
    pub fn with_binding(mut self, binding: Option<BindingType>) -> Self {
        self.binding = binding;
        self
    }

    /// Adds the token that was used.
    #[must_use]
    pub fn with_token(mut self, token: TokenId) -> Self {
        self.token = Some(token);
        self
    }
}

/// As whom a client goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The account with this localpart, which is [prepared](crate::prepare_username).
    Account(String),
    /// A guest, for whom the server makes up a localpart that nobody can guess (XEP-0175).
    Anonymous,
}

impl From<Failure> for Step {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
