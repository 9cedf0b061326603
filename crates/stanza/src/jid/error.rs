//! Why a text is not an address.

use std::fmt;

use super::MAX_PART_BYTES;

/// One of the three parts of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before the at sign.
    Local,
    /// The server or service.
    Domain,
    /// After the slash.
    Resource,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "localpart",
            Self::Domain => "domain",
            Self::Resource => "resource",
        })
    }
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JidError {
    /// The part is announced but empty; the domain is never absent.
    Empty(Part),
    /// The part holds something no address may hold, or text in two directions.
    Forbidden(Part),
    /// The part is longer than [`MAX_PART_BYTES`].
    TooLong(Part),
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(part) => write!(f, "the {part} is empty"),
            Self::Forbidden(part) => write!(f, "the {part} holds what an address must not hold"),
            Self::TooLong(part) => write!(f, "the {part} is longer than {MAX_PART_BYTES} bytes"),
        }
    }
}

impl std::error::Error for JidError {}
