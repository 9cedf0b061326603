//! The beginning of a connection (RFC 1928, as XEP-0065 §9 maps it), without I/O.

use std::fmt;

/// What two connections have in common that belong to one bytestream: a SHA-1 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(pub(crate) [u8; 20]);

impl Address {
    /// The one that is written in forty hexadecimal digits.
    pub(crate) fn read(digits: &[u8]) -> Option<Self> {
        let mut hash = [0; 20];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != hash.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let digit = |digit: &u8| char::from(*digit).to_digit(16);
            *byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const DOMAIN: u8 = 3;

/// Why a request is not carried out, as it is written (RFC 1928 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// What was sent is no request.
    Failure = 1,
    /// No bytestream has this address.
    Address = 2,
    /// Something else than a connection was asked for.
    Command = 7,
    /// By something else than a name.
    AddressType = 8,
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More is to be read.
    Read,
    /// The peer wants to be connected with whoever asks for the same.
    Asked(Address),
    /// The peer has been told what is wrong, and is to be cut off.
    Over,
}

/// A handshake that has not come to its end.
#[derive(Debug, Default)]
pub(crate) struct Handshake {
    /// What has come of the message that is not whole yet.
    held: Vec<u8>,
    greeted: bool,
}

impl Handshake {
    /// How many bytes are to be read at most. What comes behind the handshake is none of it.
    #[must_use]
    pub(crate) fn wants(&self) -> usize {
        let whole = match (self.greeted, &*self.held) {
            (false, [_, methods, ..]) => 2 + usize::from(*methods),
            (false, _) => 2,
            (true, [_, _, _, DOMAIN, length, ..]) => 5 + usize::from(*length) + 2,
            (true, _) => 5,
        };
        whole.saturating_sub(self.held.len())
    }

    /// Takes what was read, and appends what is to be answered.
    pub(crate) fn take(&mut self, read: &[u8], out: &mut Vec<u8>) -> Step {
        for byte in read {
            self.held.push(*byte);
            if self.wants() > 0 && !self.is_senseless() {
                continue;
            }
            let message = std::mem::take(&mut self.held);
            if self.greeted {
                return match request(&message) {
                    Ok(address) => Step::Asked(address),
                    Err(refused) => {
                        refuse(refused, out);
                        Step::Over
                    }
                };
            }
            match message.split_first() {
                Some((&VERSION, [_, methods @ ..])) if methods.contains(&NO_AUTHENTICATION) => {
                    out.extend([VERSION, NO_AUTHENTICATION]);
                    self.greeted = true;
                }
                Some((&VERSION, _)) => {
                    out.extend([VERSION, NO_METHOD]);
                    return Step::Over;
                }
                // Who speaks something else is told nothing.
                _ => return Step::Over,
            }
        }
        Step::Read
    }

    /// Whether what has come leads nowhere, whatever follows.
    fn is_senseless(&self) -> bool {
        match &*self.held {
            [VERSION] => false,
            [_] => true,
            [_, _, _, kind, ..] if self.greeted => *kind != DOMAIN,
            _ => false,
        }
    }
}

/// A whole request, or as much of one as shows what is wrong with it.
fn request(message: &[u8]) -> Result<Address, Refused> {
    match message {
        // XEP-0065 §9.2: the port says nothing.
        [VERSION, CONNECT, _, DOMAIN, _, name @ .., _, _] => {
            Address::read(name).ok_or(Refused::Address)
        }
        [VERSION, CONNECT, _, _, ..] => Err(Refused::AddressType),
        [VERSION, _, _, _, ..] => Err(Refused::Command),
        _ => Err(Refused::Failure),
    }
}

/// Writes that the peer is connected, or will be when the bytestream is activated.
pub(crate) fn accept(address: &Address, out: &mut Vec<u8>) {
    let name = address.to_string();
    out.extend([VERSION, 0, 0, DOMAIN, 40]);
    out.extend(name.as_bytes());
    out.extend([0, 0]);
}

/// Writes that it is not.
pub(crate) fn refuse(why: Refused, out: &mut Vec<u8>) {
    // An address of IPv4 that is none.
    out.extend([VERSION, why as u8, 0, 1, 0, 0, 0, 0, 0, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    fn asked(name: &str) -> Vec<u8> {
        let mut request = vec![5, 1, 0, 3, u8::try_from(name.len()).expect("short")];
        request.extend(name.as_bytes());
        request.extend([0, 0]);
        request
    }

    fn played(sent: &[u8]) -> (Step, Vec<u8>) {
        let (mut handshake, mut out) = (Handshake::default(), Vec::new());
        (handshake.take(sent, &mut out), out)
    }

    #[test]
    fn two_who_ask_for_the_same_mean_the_same() {
        for name in [NAME.to_owned(), NAME.to_uppercase()] {
            let (step, out) = played(&[&[5, 2, 2, 0][..], &asked(&name)].concat());
            assert_eq!(out, [5, 0]);
            let Step::Asked(address) = step else { panic!("{step:?}") };
            assert_eq!(address.to_string(), NAME);
            let mut told = Vec::new();
            accept(&address, &mut told);
            assert_eq!(told, [&[5, 0, 0, 3, 40], NAME.as_bytes(), &[0, 0]].concat());
        }
    }

    #[test]
    fn what_is_asked_for_wrongly_is_refused_in_the_words_for_it() {
        let refused = |why| [&[5, 0][..], &[5, why, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
        let greeted = |rest: &[u8]| played(&[&[5, 1, 0][..], rest].concat());
        for (sent, why) in [
            (asked("capulet.example"), 2),
            (asked(&NAME[1..]), 2),
            (asked(&NAME.replace('d', "g")), 2),
            (vec![5, 3, 0, 3, 0, 0, 0], 7),
            (vec![5, 2, 0, 1], 7),
            (vec![5, 1, 0, 1], 8),
            (vec![5, 1, 0, 4], 8),
            (vec![4], 1),
        ] {
            assert_eq!(greeted(&sent), (Step::Over, refused(why)), "{sent:?}");
        }
    }

    #[test]
    fn whoever_greets_otherwise_is_not_asked_for_more() {
        assert_eq!(played(&[5, 1, 2]), (Step::Over, vec![5, 255]));
        assert_eq!(played(&[5, 0]), (Step::Over, vec![5, 255]));
        assert_eq!(played(b"GET / HTTP/1.1"), (Step::Over, vec![]));
        assert_eq!(played(&[4, 1, 0]), (Step::Over, vec![]));
        assert_eq!(played(&[5, 9, 0, 0]), (Step::Read, vec![]));
    }

    proptest! {
        /// However it is cut, it comes to the same; and what comes behind it is left.
        #[test]
        fn cuts_make_no_difference(
            sent in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..300),
                proptest::collection::vec(0u8..6, 0..60),
                Just([&[5, 1, 0][..], &asked(NAME), b"behind"].concat()),
            ],
            cuts in proptest::collection::vec(1usize..9, 1..40),
        ) {
            let whole = crate::fuzzing::shaken(&sent, &mut std::iter::repeat(usize::MAX));
            let cut = crate::fuzzing::shaken(&sent, &mut cuts.into_iter().cycle());
            prop_assert_eq!(&whole, &cut);
            if sent.ends_with(b"behind") {
                prop_assert_eq!(whole.2, sent.len() - "behind".len());
            }
        }
    }
}
