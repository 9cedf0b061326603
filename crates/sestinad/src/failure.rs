//! Why a command did not do what it was asked.

use std::{error::Error, fmt};

use crate::config::Problems;

/// What the operator is told before the program ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration is wrong.
    Config(Problems),
    /// Something else is, and this is what to do about it.
    Other(String),
    /// Nobody reads any more, who will have said why.
    Unread,
}

impl Failure {
    /// A failure with its cause, and the causes of that.
    pub(crate) fn because(what: impl fmt::Display, cause: impl Error) -> Self {
        let mut text = format!("{what}: {cause}");
        let mut source = cause.source();
        while let Some(cause) = source {
            let shown = cause.to_string();
            // Some errors show their source themselves.
            if !text.ends_with(&shown) {
                text.push_str(": ");
                text.push_str(&shown);
            }
            source = cause.source();
        }
        Self::Other(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => write!(f, "the configuration is wrong\n{problems}"),
            Self::Other(what) => f.write_str(what),
            Self::Unread => f.write_str("nobody reads what is written"),
        }
    }
}

impl Error for Failure {}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Other(what)
    }
}
