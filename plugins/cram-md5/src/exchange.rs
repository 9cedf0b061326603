//! One authentication by CRAM-MD5.

use std::fmt::Write as _;

use sestina_sasl::{
    Answer, Channel, Failure, Mechanism, Query, Standing, Step, Success, prepare_username,
};
use subtle::ConstantTimeEq;

use crate::{FAMILY, keyed};

/// Random bytes in a challenge.
const RANDOM_BYTES: usize = 16;

/// The server's side of one authentication.
pub(crate) struct Exchange {
    challenge: String,
    state: State,
}

enum State {
    Start,
    Challenged,
    Asked { username: String, said: [u8; 16] },
    Over,
}

impl Exchange {
    /// RFC 2195 §2: what nobody was challenged with before, in the form of a message's id.
    pub(crate) fn new(channel: &Channel, random: &mut dyn FnMut(&mut [u8])) -> Self {
        let mut bytes = [0; RANDOM_BYTES];
        random(&mut bytes);
        let mut challenge = String::from("<");
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(challenge, "{byte:02x}");
        }
        let _ = write!(challenge, "@{}>", channel.domain());
        Self { challenge, state: State::Start }
    }
}

impl Mechanism for Exchange {
    /// The server speaks first; an initial response is not foreseen (RFC 4422 §4.3).
    fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        if initial.is_some() {
            return Step::Failed(Failure::MalformedRequest);
        }
        self.state = State::Challenged;
        Step::Challenge(self.challenge.clone().into_bytes())
    }

    fn step(&mut self, message: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Challenged => match read(message) {
                Ok((username, said)) => {
                    self.state = State::Asked { username: username.clone(), said };
                    Step::Ask(Query::Secret { username, family: FAMILY.to_owned() })
                }
                Err(failure) => Step::Failed(failure),
            },
            _ => Step::Failed(Failure::MalformedRequest),
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        let State::Asked { username, said } = std::mem::replace(&mut self.state, State::Over)
        else {
            return Step::Failed(Failure::TemporaryAuthFailure);
        };
        let (secret, standing) = match answer {
            Answer::Secret { secret, standing } => (Some(secret), Some(standing)),
            Answer::Unknown => (None, None),
            _ => return Step::Failed(Failure::TemporaryAuthFailure),
        };
        // Of nobody it takes as long, and what comes of it says nothing.
        let kept = secret.as_ref().and_then(|secret| secret.as_bytes().try_into().ok());
        let known = kept.is_some();
        let right = keyed::answer(&kept.unwrap_or([0; 32]), self.challenge.as_bytes());
        let right = bool::from(right.ct_eq(&said)) && known;
        let standing = standing.filter(|_| right).ok_or(Failure::NotAuthorized);
        match standing.and_then(Standing::check) {
            Ok(()) => Step::Done(Success::account(username)),
            Err(failure) => Step::Failed(failure),
        }
    }
}

/// The prepared name before the last space, and the digest in hexadecimal digits behind it.
fn read(message: &[u8]) -> Result<(String, [u8; 16]), Failure> {
    let text = std::str::from_utf8(message).map_err(|_| Failure::MalformedRequest)?;
    let (name, digits) = text.rsplit_once(' ').ok_or(Failure::MalformedRequest)?;
    let hexadecimal = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let said = u128::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
    let said = said.ok_or(Failure::MalformedRequest)?.to_be_bytes();
    let username = prepare_username(name).map_err(|_| Failure::NotAuthorized)?;
    Ok((username, said))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn responses() {
        let digits = "00112233445566778899aabbccddeeFF";
        let (name, said) = read(format!("Juliet {digits}").as_bytes()).unwrap();
        assert_eq!((name.as_str(), said[0], said[1], said[15]), ("juliet", 0, 0x11, 0xff));
        for (message, failure) in [
            (String::new(), Failure::MalformedRequest),
            ("juliet".into(), Failure::MalformedRequest),
            (digits.into(), Failure::MalformedRequest),
            (format!("juliet {digits}0"), Failure::MalformedRequest),
            (format!("juliet {}", &digits[1..]), Failure::MalformedRequest),
            (format!("juliet +{}", &digits[1..]), Failure::MalformedRequest),
            (format!("juliet {digits} "), Failure::MalformedRequest),
            (format!(" {digits}"), Failure::NotAuthorized),
            (format!("a b {digits}"), Failure::NotAuthorized),
            (format!("juliet@capulet.example {digits}"), Failure::NotAuthorized),
        ] {
            assert_eq!(read(message.as_bytes()), Err(failure), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(message in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&message);
        }
    }
}
