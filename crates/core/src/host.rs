//! The program that a server is part of: the capability of whoever runs it.

use std::fmt;

use crate::BoxFuture;

/// What the host program lets plugins ask of it. Without one, as where a server is part of something
/// larger, nobody can.
///
/// ```
/// use std::sync::Arc;
/// use sestina_core::{Assembly, AssemblyError, Host};
///
/// struct Daemon;
///
/// impl Host for Daemon {
///     fn stop(&self) {
///         // …and whoever waits for it shuts the server down.
///     }
/// }
///
/// fn host(assembly: &mut Assembly) -> Result<(), AssemblyError> {
///     assembly.provide::<dyn Host>(Arc::new(Daemon))
/// }
/// ```
pub trait Host: Send + Sync + 'static {
    /// Asks the program to shut the server down, and returns at once.
    fn stop(&self);

    /// Whether the program has settings that it can read again.
    fn can_reload(&self) -> bool {
        false
    }

    /// Has the program read its settings again and put into effect what can be while it runs, and says
    /// what became of each that is different.
    ///
    /// # Errors
    ///
    /// When something is wrong with them; then nothing has changed.
    fn reload(&self) -> BoxFuture<'_, Result<Vec<Changed>, ReloadError>> {
        Box::pin(async { Err(ReloadError::new("this program has no settings to read again")) })
    }
}

/// A setting that has another value than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name.
    pub setting: String,
    /// The value, as the program writes it down.
    pub value: String,
    /// When it takes effect.
    pub effect: Effect,
}

/// When a changed setting takes effect. Nobody is disconnected by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Now, for everybody.
    AtOnce,
    /// Now, for connections and sessions that begin from here on.
    ForNewSessions,
    /// When the program starts the next time.
    AfterRestart,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "takes effect at once",
            Self::ForNewSessions => "takes effect for new sessions",
            Self::AfterRestart => "needs a restart",
        })
    }
}

/// Why settings were not taken: names what is wrong with which, and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadError(String);

impl ReloadError {
    /// Says why.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReloadError {}
