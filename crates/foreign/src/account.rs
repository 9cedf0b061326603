//! What comes of a source.

use std::fmt;

use sestina_xml::{Element, XmlError};
use zeroize::Zeroizing;

/// An account as it can be taken: what stands in the `<user/>` of XEP-0227.
#[derive(Default)]
pub struct Account {
    /// The password, where the other server knew it.
    pub password: Option<Zeroizing<String>>,
    /// What else there is.
    pub elements: Vec<Element>,
    /// What stays behind, in words for whoever moves.
    pub left: Vec<String>,
}

impl Account {
    pub(crate) fn leave(&mut self, what: impl Into<String>) {
        self.left.push(what.into());
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { password, elements, left } = self;
        let password = password.as_ref().map(|_| "…");
        let mut shown = f.debug_struct("Account");
        shown.field("password", &password).field("elements", elements).field("left", left).finish()
    }
}

/// Why nothing comes of a source.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is not the XML it should be, or beyond a bound.
    Xml(XmlError),
    /// It is no UTF-8.
    NoUtf8,
    /// It says that it is written in this encoding.
    Encoding(String),
    /// Its root is this element.
    Root(String),
    /// A file of Prosody is not the data it should be.
    Lua {
        /// What kind of data.
        store: &'static str,
        /// Where it is not.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Its password says that it is a verifier, and is none.
    Secret,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => write!(f, "this is no XML that can be read: {error}"),
            Self::NoUtf8 => f.write_str("this is no UTF-8, and may be Latin-1"),
            Self::Encoding(name) => write!(f, "the encoding {name:?} is not known"),
            Self::Root(name) => {
                write!(f, "this is no file of an account: it begins with <{name}/>")
            }
            Self::Lua { store, line, expected } => {
                write!(f, "its {store} cannot be read: line {line} should have {expected}")
            }
            Self::Secret => f.write_str("what its password is checked with cannot be read"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<XmlError> for Unreadable {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}
