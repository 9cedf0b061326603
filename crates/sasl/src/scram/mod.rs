//! The SCRAM mechanisms (RFC 5802, RFC 7677), with and without channel binding.

mod message;

use std::fmt::Write as _;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use self::message::{BindingFlag, ClientFinal, ClientFirst, Malformed};
use crate::base64::{decode_value, encode_value};
use crate::hash::Hash;
use crate::{
    Answer, BindingType, Channel, Failure, Mechanism, Offer, Query, Recipe, ScramVerifier,
    ServerSecret, Standing, Start, Step, Success, prepare_username,
};

/// The random bytes of the server's part of the nonce.
const NONCE_LEN: usize = 18;

/// Offers SCRAM with one hash function, such as `SCRAM-SHA-1` or `SCRAM-SHA-1-PLUS`.
///
/// The client proves that it knows the password without sending it, and the server proves that it
/// knows the verifier. In the form with channel binding both also prove that nobody sits between
/// them: the type in the client's first message must be one that the connection has, and the data
/// the same on both sides.
///
/// Accounts that do not exist, and those without a verifier for this hash function, take the same
/// steps as any other, with a salt that stays the same.
#[derive(Clone, Debug)]
pub struct ScramOffer {
    hash: Hash,
    bound: bool,
    name: String,
    iterations: u32,
    secret: Arc<ServerSecret>,
}

impl ScramOffer {
    /// SCRAM without channel binding, where accounts that do not exist look as though they had
    /// been made by this recipe.
    pub fn new(hash: Hash, recipe: &Recipe, secret: Arc<ServerSecret>) -> Self {
        let name = format!("SCRAM-{hash}");
        Self { hash, bound: false, name, iterations: recipe.iterations(), secret }
    }

    /// The same with channel binding, for connections that have it.
    #[must_use]
    pub fn bound(self) -> Self {
        Self { bound: true, name: format!("SCRAM-{}-PLUS", self.hash), ..self }
    }
}

impl Offer for ScramOffer {
    fn name(&self) -> &str {
        &self.name
    }

    fn fits(&self, channel: &Channel) -> bool {
        !self.bound || !channel.bindings().is_empty()
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        let mut random = [0; NONCE_LEN];
        (start.random)(&mut random);
        let mut nonce = String::new();
        encode_value(&random, &mut nonce);
        Box::new(Scram {
            offer: self.clone(),
            channel: start.channel.clone(),
            binding_offered: start.binding_offered,
            nonce,
            state: State::Start,
        })
    }
}

/// One SCRAM authentication.
struct Scram {
    offer: ScramOffer,
    channel: Channel,
    binding_offered: bool,
    /// The server's part of the nonce.
    nonce: String,
    state: State,
}

enum State {
    Start,
    Asked(Claim),
    Challenged(Claim, Challenge),
    Over,
}

/// What the first message claims.
struct Claim {
    username: String,
    /// The nonce of the client, and then that of the server.
    nonce: String,
    /// The first message but for its GS2 header.
    first_bare: String,
    /// The `c=` to come.
    binding_input: String,
    binding: Option<BindingType>,
}

/// What the client was challenged with.
struct Challenge {
    message: String,
    verifier: ScramVerifier,
    /// `None` if the verifier is a decoy.
    standing: Option<Standing>,
}

impl Scram {
    fn first(&self, message: &[u8]) -> Result<Claim, Failure> {
        let first = ClientFirst::parse(message)?;
        let (binding, data) = self.check_binding(first.binding)?;
        let username = prepare_username(&first.username).map_err(|_| Failure::NotAuthorized)?;
        if !self.channel.authorizes(first.authzid.as_deref().unwrap_or_default(), &username) {
            return Err(Failure::InvalidAuthzid);
        }
        let nonce = format!("{}{}", first.nonce, self.nonce);
        let mut binding_input = String::new();
        encode_value(&[first.gs2_header.as_bytes(), data].concat(), &mut binding_input);
        Ok(Claim { username, nonce, first_bare: first.bare.to_owned(), binding_input, binding })
    }

    /// The type and data of channel binding to expect, by what the client says of it.
    fn check_binding(
        &self,
        flag: BindingFlag<'_>,
    ) -> Result<(Option<BindingType>, &[u8]), Failure> {
        match flag {
            // The names of mechanisms say whether to bind; a header that says otherwise is not
            // from a client that keeps to the rules (RFC 5802 §6).
            BindingFlag::Used(name) if self.offer.bound => self
                .channel
                .bindings()
                .named(name)
                .map(|(binding, data)| (Some(binding), data))
                .ok_or(Failure::NotAuthorized),
            BindingFlag::Used(_) => Err(Failure::MalformedRequest),
            _ if self.offer.bound => Err(Failure::MalformedRequest),
            BindingFlag::Unsupported => Ok((None, &[])),
            // The client would have bound the channel, had somebody not taken the -PLUS names out
            // of the list it was sent (RFC 5802 §6).
            BindingFlag::NotOffered if self.binding_offered => Err(Failure::NotAuthorized),
            BindingFlag::NotOffered => Ok((None, &[])),
        }
    }

    fn challenge(&self, claim: &Claim, answer: Answer) -> Result<Challenge, Failure> {
        let ScramOffer { hash, iterations, secret, .. } = &self.offer;
        // Made whether it is needed or not, so that both cases take the same time.
        let decoy = secret.decoy(&self.channel, &claim.username, *hash, *iterations);
        let (verifier, standing) = match answer {
            Answer::Account(account) => match account.credentials.into_scram(*hash) {
                Some(verifier) => (verifier, Some(account.standing)),
                None => (decoy, None),
            },
            Answer::Unknown => (decoy, None),
            _ => return Err(Failure::TemporaryAuthFailure),
        };
        let mut message = format!("r={},s=", claim.nonce);
        encode_value(verifier.salt(), &mut message);
        write!(message, ",i={}", verifier.iterations()).expect("a string takes any text");
        Ok(Challenge { message, verifier, standing })
    }

    fn last(message: &[u8], claim: Claim, challenge: &Challenge) -> Result<Success, Failure> {
        let last = ClientFinal::parse(message)?;
        let proof = decode_value(last.proof).ok_or(Failure::MalformedRequest)?;
        let signed = [&claim.first_bare, ",", &challenge.message, ",", last.without_proof]
            .map(str::as_bytes);
        let proven = challenge.verifier.verify_proof(&signed, &proof);
        let signature = challenge.verifier.server_signature(&signed);
        let echoed = last.nonce.as_bytes().ct_eq(claim.nonce.as_bytes())
            & last.binding.as_bytes().ct_eq(claim.binding_input.as_bytes());
        let (Some(standing), true, true) = (challenge.standing, proven, bool::from(echoed)) else {
            return Err(Failure::NotAuthorized);
        };
        standing.check()?;
        let mut data = "v=".to_owned();
        encode_value(signature.as_bytes(), &mut data);
        Ok(Success::account(claim.username)
            .with_data(data.into_bytes())
            .with_binding(claim.binding))
    }
}

impl Mechanism for Scram {
    fn step(&mut self, message: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Start => match self.first(message) {
                Ok(claim) => {
                    let username = claim.username.clone();
                    self.state = State::Asked(claim);
                    Step::Ask(Query::Account { username })
                }
                Err(failure) => Step::Failed(failure),
            },
            State::Challenged(claim, challenge) => match Self::last(message, claim, &challenge) {
                Ok(success) => Step::Done(success),
                Err(failure) => Step::Failed(failure),
            },
            State::Asked(_) | State::Over => Step::Failed(Failure::MalformedRequest),
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        let State::Asked(claim) = std::mem::replace(&mut self.state, State::Over) else {
            return Step::Failed(Failure::TemporaryAuthFailure);
        };
        match self.challenge(&claim, answer) {
            Ok(challenge) => {
                let message = challenge.message.clone().into_bytes();
                self.state = State::Challenged(claim, challenge);
                Step::Challenge(message)
            }
            Err(failure) => Step::Failed(failure),
        }
    }
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::MalformedRequest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, Credentials, Protection};

    /// Plays one exchange whose every byte is known, and returns the server's messages.
    fn replay(hash: Hash, nonce: &str, salt: &str, messages: [&str; 2]) -> [String; 2] {
        let secret = Arc::new(ServerSecret::new([0; 32]));
        let mut scram = Scram {
            offer: ScramOffer::new(hash, &Recipe::default(), secret),
            channel: Channel::new("a.example", Protection::Tls),
            binding_offered: false,
            nonce: nonce.to_owned(),
            state: State::Start,
        };
        let salt = decode_value(salt).unwrap();
        let mut credentials = Credentials::default();
        credentials.insert_scram(ScramVerifier::derive(hash, "pencil", salt, 4096));

        let Step::Ask(Query::Account { username }) = scram.step(messages[0].as_bytes()) else {
            panic!("asks for the account");
        };
        assert_eq!(username, "user");
        let Step::Challenge(first) = scram.resume(Answer::Account(Account::new(credentials)))
        else {
            panic!("challenges");
        };
        let Step::Done(success) = scram.step(messages[1].as_bytes()) else { panic!("succeeds") };
        assert_eq!(success.binding, None);
        [first, success.data.unwrap()].map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// The example of RFC 5802 §5.
    #[test]
    fn sha_1_example() {
        let server = replay(
            Hash::Sha1,
            "3rfcNHYJY1ZVvWVs7j",
            "QSXCR+Q6sek8bf92",
            [
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            ],
        );
        assert_eq!(
            server,
            [
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ]
        );
    }

    /// The example of RFC 7677 §3.
    #[test]
    fn sha_256_example() {
        let nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let whole = format!("rOprNGfwEbeRWgbNEkqO{nonce}");
        let last = format!("c=biws,r={whole},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let server = replay(
            Hash::Sha256,
            nonce,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            ["n,,n=user,r=rOprNGfwEbeRWgbNEkqO", &last],
        );
        assert_eq!(server[0], format!("r={whole},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        assert_eq!(server[1], "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }
}
