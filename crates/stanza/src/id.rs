//! Identifiers that nobody can guess.

use std::fmt;
use std::ops::Deref;

/// An identifier for a stanza, a stream or a resource, made from random bytes the caller brings.
///
/// It holds 120 bits as 24 letters and digits, which every part of the protocol takes as they are,
/// and lives without an allocation.
///
/// ```
/// use sestina_stanza::StanzaId;
///
/// let id = StanzaId::from_random([0x5a; StanzaId::RANDOM_BYTES]);
/// assert_eq!(id.as_str(), "ljnfuws2ljnfuws2ljnfuws2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StanzaId([u8; 24]);

/// Five bits a letter; no capitals, so that it may stand where case is folded.
const ALPHABET: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";

impl StanzaId {
    /// How many random bytes an identifier is made of.
    pub const RANDOM_BYTES: usize = 15;

    /// Writes random bytes as an identifier, which is as unpredictable as they are.
    pub fn from_random(random: [u8; Self::RANDOM_BYTES]) -> Self {
        let mut text = [0; 24];
        for (five, eight) in random.chunks_exact(5).zip(text.chunks_exact_mut(8)) {
            let bits = five.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
            for (at, letter) in eight.iter_mut().enumerate() {
                *letter = ALPHABET[(bits >> (35 - 5 * at)) as usize & 31];
            }
        }
        Self(text)
    }

    /// The identifier as it is written.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("only letters and digits are ever put in")
    }
}

impl Deref for StanzaId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for StanzaId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for StanzaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for StanzaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StanzaId({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_bit_counts() {
        let mut seen = HashSet::from([StanzaId::from_random([0; 15])]);
        for bit in 0..120 {
            let mut random = [0; 15];
            random[bit / 8] |= 1 << (bit % 8);
            assert!(seen.insert(StanzaId::from_random(random)), "bit {bit}");
        }
        assert!(seen.iter().all(|id| id.len() == 24 && id.bytes().all(|b| ALPHABET.contains(&b))));
    }
}
