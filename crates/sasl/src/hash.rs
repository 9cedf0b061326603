//! The hash functions SCRAM runs on.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::digest::Digest as _;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A hash function that a SCRAM verifier is made with, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1 (RFC 5802), which every client can do.
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Runs an expression with `$D` as the hash function `$hash` names.
macro_rules! dispatch {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $D = Sha1;
                $body
            }
            Hash::Sha256 => {
                type $D = Sha256;
                $body
            }
            Hash::Sha512 => {
                type $D = Sha512;
                $body
            }
        }
    };
}

impl Hash {
    /// Every hash function, strongest first.
    pub const STRONGEST_FIRST: [Self; 3] = [Self::Sha512, Self::Sha256, Self::Sha1];

    /// The length of a digest in bytes.
    pub fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The name within names of mechanisms, as in `SCRAM-SHA-256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    pub(crate) fn digest(self, data: &[u8]) -> Digest {
        dispatch!(self, D => Digest::copied(self, &D::digest(data)))
    }

    /// The MAC of the concatenated parts.
    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Digest {
        dispatch!(self, D => {
            let mut mac = Hmac::<D>::new_from_slice(key).expect("HMAC takes keys of any length");
            for part in parts {
                mac.update(part);
            }
            Digest::copied(self, &mac.finalize().into_bytes())
        })
    }

    /// `Hi` of RFC 5802 §2.2.
    pub(crate) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32) -> Digest {
        let mut out = Digest::zero(self);
        let key = &mut out.bytes[..self.digest_len()];
        dispatch!(self, D => pbkdf2::pbkdf2_hmac::<D>(password, salt, iterations, key));
        out
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest or MAC: wiped when dropped, compared in constant time, never printed.
#[derive(Clone)]
pub(crate) struct Digest {
    hash: Hash,
    bytes: [u8; 64],
}

impl Digest {
    fn zero(hash: Hash) -> Self {
        Self { hash, bytes: [0; 64] }
    }

    fn copied(hash: Hash, from: &[u8]) -> Self {
        let mut digest = Self::zero(hash);
        digest.bytes[..hash.digest_len()].copy_from_slice(from);
        digest
    }

    /// Takes bytes from outside; `None` if their number is not that of a digest.
    pub(crate) fn from_bytes(hash: Hash, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == hash.digest_len()).then(|| Self::copied(hash, bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.hash.digest_len()]
    }

    pub(crate) fn xor(mut self, other: &Self) -> Self {
        for (byte, with) in self.bytes.iter_mut().zip(&other.bytes) {
            *byte ^= with;
        }
        self
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.bytes.ct_eq(&other.bytes)
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}, ..)", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_match_the_functions() {
        for hash in Hash::STRONGEST_FIRST {
            assert_eq!(hash.digest(b"").as_bytes().len(), hash.digest_len());
            assert_eq!(hash.hmac(&[7; 200], &[b"a", b"b"]).as_bytes().len(), hash.digest_len());
            assert!(Digest::from_bytes(hash, &[0; 19]).is_none());
        }
    }

    #[test]
    fn parts_are_one_message() {
        let split = Hash::Sha256.hmac(b"key", &[b"mess", b"age"]);
        let whole = Hash::Sha256.hmac(b"key", &[b"message"]);
        assert!(bool::from(split.ct_eq(&whole)));
        assert!(!bool::from(split.ct_eq(&Hash::Sha256.hmac(b"other", &[b"message"]))));
    }

    #[test]
    fn debug_prints_no_bytes() {
        let digest = Hash::Sha1.digest(b"secret");
        assert_eq!(format!("{digest:?}"), "Digest(SHA-1, ..)");
    }
}
