//! A refusal: one half for the peer, one for the log.

use std::{error::Error, fmt};

use sestina_stanza::{Condition, FormErrors, Invalid, JidError, StanzaError, UnknownItem};
use sestina_store::StoreError;

/// Why a handler does not do what it was asked.
///
/// The peer learns the [`StanzaError`]; the source, which may name files, hosts and other people's
/// addresses, is for the log alone.
///
/// # Examples
///
/// ```
/// use sestina_core::Refusal;
/// use sestina_stanza::Condition;
///
/// fn seen(known: Option<u64>) -> Result<u64, Refusal> {
///     Ok(known.ok_or(Condition::ItemNotFound)?)
/// }
/// assert_eq!(seen(None).unwrap_err().error().condition(), Condition::ItemNotFound);
///
/// let refusal = Refusal::internal(std::io::Error::other("/var/lib is full"));
/// assert_eq!(refusal.error().condition(), Condition::InternalServerError);
/// assert_eq!(refusal.to_string(), "internal-server-error (/var/lib is full)");
/// ```
#[derive(Debug)]
pub struct Refusal {
    error: StanzaError,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Refusal {
    /// Refuses with what the peer is told.
    pub fn new(error: impl Into<StanzaError>) -> Self {
        Self { error: error.into(), source: None }
    }

    /// The server failed: the peer learns no more than that, the log learns the source.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Condition::InternalServerError).because(source)
    }

    /// The server lacks the means just now, so that trying again later may help.
    pub fn overloaded(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Condition::ResourceConstraint).because(source)
    }

    /// Adds what the log should know.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the peer is told.
    pub const fn error(&self) -> &StanzaError {
        &self.error
    }

    /// Takes out what the peer is told.
    pub fn into_error(self) -> StanzaError {
        self.error
    }
}

impl From<Condition> for Refusal {
    fn from(condition: Condition) -> Self {
        Self::new(condition)
    }
}

impl From<StanzaError> for Refusal {
    fn from(error: StanzaError) -> Self {
        Self::new(error)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid)
    }
}

impl From<FormErrors> for Refusal {
    fn from(errors: FormErrors) -> Self {
        Self::new(errors)
    }
}

impl From<UnknownItem> for Refusal {
    fn from(unknown: UnknownItem) -> Self {
        Self::new(unknown)
    }
}

impl From<StoreError> for Refusal {
    /// The peer learns whether it may help to try again later, and nothing else.
    fn from(error: StoreError) -> Self {
        if error.is_retryable() { Self::overloaded(error) } else { Self::internal(error) }
    }
}

impl From<JidError> for Refusal {
    fn from(error: JidError) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
