//! The plugin contract.

use std::fmt;

use crate::{Assembly, AssemblyError};

/// One feature of a server: a crate that can be left out.
///
/// ```
/// use std::sync::Arc;
/// use sestina_core::{Assembly, AssemblyError, Plugin, Spec};
///
/// /// Says that this server is friendly.
/// #[derive(Debug)]
/// struct Friendly;
///
/// impl Plugin for Friendly {
///     const NAME: &'static str = "friendly";
///     const SPECS: &'static [Spec] = &[];
///
///     fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
///         to.feature(sestina_core::Scope::Server, "urn:example:friendly");
///         Ok(())
///     }
/// }
/// ```
pub trait Plugin: Send + Sync + 'static {
    /// What the plugin is called: in errors, in settings, and as the name of its storage.
    const NAME: &'static str;

    /// The specifications it follows.
    const SPECS: &'static [Spec];

    /// Declares everything this plugin adds to a server: nothing it does is visible elsewhere.
    ///
    /// # Errors
    ///
    /// When what it declares cannot stand beside what was declared before, or a setting of its own
    /// is out of range.
    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError>;
}

/// A specification that a plugin follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Who publishes it.
    pub series: Series,
    /// Its number there.
    pub number: u16,
    /// The version that the plugin was written after.
    pub version: &'static str,
}

/// Publishers of specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Series {
    /// The IETF's RFCs.
    Rfc,
    /// The XMPP Standards Foundation's extension protocols.
    Xep,
}

impl Spec {
    /// An RFC.
    #[must_use]
    pub const fn rfc(number: u16) -> Self {
        Self { series: Series::Rfc, number, version: "" }
    }

    /// An XEP, and its version.
    #[must_use]
    pub const fn xep(number: u16, version: &'static str) -> Self {
        Self { series: Series::Xep, number, version }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.series {
            Series::Rfc => write!(f, "RFC {}", self.number),
            Series::Xep => write!(f, "XEP-{:04}", self.number),
        }
    }
}

/// A way in which a plugin makes a server weaker, as what speaks to old clients does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weakness {
    /// The plugin's name.
    pub plugin: &'static str,
    /// What is weak.
    pub why: &'static str,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.plugin, self.why)
    }
}

/// A plugin that is part of an assembled server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Installed {
    /// Its name.
    pub name: &'static str,
    /// The specifications it follows.
    pub specs: &'static [Spec],
}
