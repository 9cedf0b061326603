//! The names of blobs.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Key, OwnedKey};

/// The SHA-256 hash of a blob, by which it is found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// Computes the id that `content` has.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// Returns the bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for BlobId {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

/// In hexadecimal, lower case.
impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = BlobIdError;

    fn from_str(text: &str) -> Result<Self, BlobIdError> {
        let mut hash = [0; 32];
        if text.len() != 2 * hash.len() {
            return Err(BlobIdError);
        }
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(BlobIdError);
            let &[high, low] = digits else { return Err(BlobIdError) };
            *byte = (digit(high)? * 16 + digit(low)?) as u8;
        }
        Ok(Self(hash))
    }
}

/// The text is not a hash of 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobIdError;

impl fmt::Display for BlobIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hash of 64 hexadecimal digits")
    }
}

impl std::error::Error for BlobIdError {}

impl Key for BlobId {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
    }
}

impl OwnedKey for BlobId {
    fn read(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::read(bytes).map(Self)
    }
}
