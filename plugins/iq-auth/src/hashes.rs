//! The arithmetic of both methods that show no password: no more than SHA-1 of texts.

use std::fmt;

use serde::{Deserialize, Serialize};
use sestina_stanza::{Invalid, ns};
use sestina_xml::{Element, ElementRef};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::LONGEST_CHAIN;

/// What old servers call a chain among their records.
pub(crate) const RECORD: &str = "zerok";

/// The longest token in bytes.
const LONGEST_TOKEN: usize = 64;

/// The lower-case hexadecimal digits of a hash, as which all of these travel.
pub(crate) type Hex = Zeroizing<String>;

/// Hashes the concatenation of some texts.
pub(crate) fn hash(texts: &[&str]) -> Hex {
    let mut sha1 = Sha1::new();
    for text in texts {
        sha1.update(text);
    }
    hex(&sha1.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> Hex {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    Zeroizing::new(digits.collect())
}

/// Whether a client has sent this hash, in whichever case, however long the comparison of its digits
/// would take.
pub(crate) fn same(hash: &Hex, sent: &str) -> bool {
    let sent = Zeroizing::new(sent.trim().to_ascii_lowercase());
    hash.as_bytes().ct_eq(sent.as_bytes()).into()
}

/// What an account's password is checked with by zero-knowledge: the last hash that the client has
/// shown. The next one to show is that which it is the hash of, so that what was overheard is of no
/// more use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    hash: Hex,
    token: String,
    sequence: u32,
}

impl Chain {
    /// A chain for so many logins.
    pub(crate) fn new(password: &str, token: String, sequence: u32) -> Self {
        let first = hash(&[&hash(&[password]), &token]);
        let last = (0..sequence).fold(first, |link, _| hash(&[&link]));
        Self { hash: last, token, sequence }
    }

    /// One that another server has made, as it stands in its records.
    pub(crate) fn read(record: ElementRef<'_>) -> Result<Self, Invalid> {
        let text = |name| record.child_text(name, ns::AUTH_ZEROK).unwrap_or_default();
        let hash = Zeroizing::new(text("hash").trim().to_ascii_lowercase());
        if hash.len() != 40 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Invalid::child("hash"));
        }
        let token = text("token").trim().to_owned();
        if !(1..=LONGEST_TOKEN).contains(&token.len()) {
            return Err(Invalid::child("token"));
        }
        let sequence = text("sequence").trim().parse().ok();
        let sequence = sequence.filter(|sequence| (1..=LONGEST_CHAIN).contains(sequence));
        let sequence = sequence.ok_or_else(|| Invalid::child("sequence"))?;
        Ok(Self { hash, token, sequence })
    }

    /// The same the other way round.
    pub(crate) fn write(&self) -> Element {
        Element::builder(RECORD, ns::AUTH_ZEROK)
            .child_with("hash", |it| it.text(&*self.hash))
            .child_with("token", |it| it.text(&self.token))
            .child_with("sequence", |it| it.text(self.sequence.to_string()))
            .build()
    }

    /// What the client is told: how often to hash, and with which token. Nothing once the chain has
    /// come to its end.
    pub(crate) fn challenge(&self) -> Option<(u32, &str)> {
        Some((self.sequence.checked_sub(1)?, &self.token))
    }

    /// Goes back to the link that a client has shown, if it is the next.
    pub(crate) fn advance(&mut self, shown: &str) -> bool {
        let shown = Zeroizing::new(shown.trim().to_ascii_lowercase());
        if self.sequence == 0 || !same(&self.hash, &hash(&[&shown])) {
            return false;
        }
        self.hash = shown;
        self.sequence -= 1;
        true
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a client shows that hashes so often.
    fn shown(password: &str, token: &str, times: u32) -> Hex {
        let first = hash(&[&hash(&[password]), token]);
        (0..times).fold(first, |link, _| hash(&[&link]))
    }

    #[test]
    fn a_digest_is_that_of_the_specification() {
        assert_eq!(*hash(&["3EE948B0", "Calli0pe"]), "48fc78be9ec8f86d8ce1c39c320c97c21d62334d");
    }

    #[test]
    fn a_chain_is_that_of_old_servers() {
        let (password, token) = ("ma", "3A9516C4");
        let mut chain = Chain::new(password, token.into(), 500);
        assert_eq!(*chain.hash, "1eefcfe3cf842dc24c4877d08e7a3f81c1a603d0");
        assert_eq!(*shown(password, token, 0), "eedb628f747de5238c4cbcb6043caa03a37fe27c");
        assert_eq!(chain.challenge(), Some((499, token)));
        assert!(chain.advance("6a305cff14777c6dbfe7c5da3e6e4b83c986308b"));
        assert_eq!(chain.challenge(), Some((498, token)));
        assert!(!chain.advance("6a305cff14777c6dbfe7c5da3e6e4b83c986308b"));
    }

    #[test]
    fn hashes_are_the_same_in_either_case() {
        let digest = hash(&["a"]);
        assert!(same(&digest, &format!(" {}\n", digest.to_ascii_uppercase())));
        for other in ["", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b", "é"] {
            assert!(!same(&digest, other), "{other:?}");
        }
    }

    proptest! {
        /// Against a model that counts: a hash is taken if it is the next one and no other, until
        /// there is none.
        #[test]
        fn a_chain_takes_one_link_after_the_other(
            password in "\\PC{1,20}",
            length in 0..12_u32,
            tries in proptest::collection::vec(0..14_u32, 0..40),
        ) {
            let mut chain = Chain::new(&password, "0000CAFE".into(), length);
            let mut left = length;
            for times in tries {
                let next = left.checked_sub(1);
                prop_assert_eq!(chain.challenge(), next.map(|next| (next, "0000CAFE")));
                let taken = chain.advance(&shown(&password, "0000CAFE", times));
                prop_assert_eq!(taken, next == Some(times));
                left -= u32::from(taken);
            }
        }

        /// What is written down is read again.
        #[test]
        fn a_chain_moves(password in "\\PC{1,20}", length in 1..12_u32) {
            let chain = Chain::new(&password, "0000CAFE".into(), length);
            prop_assert_eq!(Chain::read(chain.write().root()), Ok(chain));
        }

        #[test]
        fn nothing_but_the_next_link_is_taken(shown in "\\PC*") {
            let mut chain = Chain::new("ma", "3A9516C4".into(), 3);
            prop_assert!(!chain.advance(&shown));
            prop_assert_eq!(chain.challenge(), Some((2, "3A9516C4")));
        }
    }
}
