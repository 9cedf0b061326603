//! Whose data a record is.

use std::{fmt, sync::Arc};

use crate::key;

/// Whose data a record is: an account's, or the server's own.
///
/// Everything stored has an owner, so that removing or exporting an account needs no help from the
/// plugins that stored something for it. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(Kind);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Account(Arc<str>),
    Server,
}

impl Owner {
    /// Returns the account with this bare address, which the caller has already normalised.
    pub fn account(bare: impl Into<Arc<str>>) -> Self {
        Self(Kind::Account(bare.into()))
    }

    /// Returns the server itself.
    #[must_use]
    pub fn server() -> Self {
        Self(Kind::Server)
    }

    /// Returns the bare address, or nothing for the server.
    #[must_use]
    pub fn as_account(&self) -> Option<&str> {
        match &self.0 {
            Kind::Account(bare) => Some(bare),
            Kind::Server => None,
        }
    }

    /// Starts every key of this owner.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        match &self.0 {
            Kind::Account(bare) => {
                to.push(b'a');
                key::write_part(bare.as_bytes(), to);
            }
            Kind::Server => to.push(b's'),
        }
    }

    /// Reads the owner off the front of a stored key; returns it with what follows.
    pub(crate) fn read(stored: &[u8]) -> Option<(Self, &[u8])> {
        match stored.split_first()? {
            (b'a', rest) => {
                let (bare, rest) = key::read_part(rest)?;
                Some((Self::account(String::from_utf8(bare).ok()?), rest))
            }
            (b's', rest) => Some((Self::server(), rest)),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_account().unwrap_or("(server)"))
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({self})")
    }
}
