//! What can be wrong with an assembly.

use std::fmt;

use sestina_store::StoreError;

use crate::Refusal;

/// Why a server does not start: names the plugin, the cause and the mend.
#[derive(Debug)]
#[non_exhaustive]
pub enum AssemblyError {
    /// Two plugins handle the same request.
    ClaimedTwice {
        /// What both claim.
        what: String,
        /// Who was assembled first.
        first: &'static str,
        /// Who was assembled second.
        second: &'static str,
    },
    /// A plugin needs accounts that the server keeps, and the host program
    /// [keeps them](crate::AccountSource).
    Elsewhere {
        /// The plugin.
        plugin: &'static str,
    },
    /// Named edges between plugins go round in a circle.
    Cycle {
        /// The plugins on the circle.
        plugins: Vec<&'static str>,
    },
    /// Nobody provides what a plugin requires.
    Missing {
        /// Who requires it.
        plugin: &'static str,
        /// The trait that is required.
        capability: &'static str,
    },
    /// Another server of this process has a domain already.
    Neighbour {
        /// The domain, or that of a hosted service.
        domain: String,
    },
    /// No domain was named.
    NoDomain,
    /// Two plugins provide the same capability.
    ProvidedTwice {
        /// The trait that both provide.
        capability: &'static str,
        /// Who was assembled first.
        first: &'static str,
        /// Who was assembled second.
        second: &'static str,
    },
    /// A plugin could not begin its work.
    NotStarted {
        /// Whose handler of [`Started`](crate::Started) has failed.
        plugin: &'static str,
        /// What it said.
        refusal: Refusal,
    },
    /// The same plugin was assembled twice.
    Repeated {
        /// The plugin's name.
        plugin: &'static str,
    },
    /// A setting is out of its range.
    Setting {
        /// Whose setting.
        plugin: &'static str,
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: String,
    },
    /// The store could not be read.
    Store(StoreError),
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimedTwice { what, first, second } => {
                write!(f, "{first} and {second} both handle {what}: leave one of them out")
            }
            Self::Cycle { plugins } => {
                write!(
                    f,
                    "{} each want to stand before the next: drop one edge",
                    plugins.join(", ")
                )
            }
            Self::Elsewhere { plugin } => write!(
                f,
                "{plugin} needs accounts that the server keeps, and the host program keeps them: \
                 leave {plugin} out"
            ),
            Self::Missing { plugin, capability } => {
                write!(
                    f,
                    "{plugin} needs {capability}: assemble a plugin that provides it, or leave {plugin} out"
                )
            }
            Self::Neighbour { domain } => {
                write!(f, "another server here has {domain} already: leave it to one of them")
            }
            Self::NoDomain => f.write_str("no domain to serve: name at least one"),
            Self::NotStarted { plugin, refusal } => {
                write!(f, "{plugin} cannot begin: {refusal}")
            }
            Self::ProvidedTwice { capability, first, second } => {
                write!(f, "{first} and {second} both provide {capability}: leave one of them out")
            }
            Self::Repeated { plugin } => {
                write!(f, "{plugin} is assembled twice: leave one of them out")
            }
            Self::Setting { plugin, name, expected } => {
                write!(f, "{plugin}: {name} must be {expected}")
            }
            Self::Store(error) => write!(f, "the store cannot be used: {error}"),
        }
    }
}

impl std::error::Error for AssemblyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotStarted { refusal, .. } => Some(refusal),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for AssemblyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
