//! What is wrong with a configuration, and where.

use std::{fmt, path::PathBuf};

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file, at a line.
    File(PathBuf, usize),
    /// In a file as a whole.
    Whole(PathBuf),
    /// In an environment variable.
    Variable(String),
    /// In a flag.
    Flag(&'static str),
    /// Nowhere: what was written does not go together.
    Together,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) key: Option<String>,
    pub(crate) what: String,
}

/// Everything that is wrong; never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(file, line) => write!(f, "{}:{line}: ", file.display())?,
            Place::Whole(file) => write!(f, "{}: ", file.display())?,
            Place::Variable(name) => write!(f, "{name}: ")?,
            Place::Flag(name) => write!(f, "{name}: ")?,
            Place::Together => {}
        }
        match &self.key {
            // A variable or a flag names its key already.
            Some(key) if !matches!(self.place, Place::Variable(_) | Place::Flag(_)) => {
                write!(f, "{key}: {}", self.what)
            }
            _ => f.write_str(&self.what),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
