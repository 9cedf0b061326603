//! The hashed-token mechanisms (draft-schmaus-kitten-sasl-ht-09).

use std::sync::Arc;
use std::time::SystemTime;

use subtle::ConstantTimeEq;

use super::{MAX_TOKENS, TokenId, TokenRecord, text};
use crate::hash::{Digest, Hash};
use crate::{
    Answer, BindingType, Channel, Failure, Mechanism, Offer, Query, ServerSecret, Start, Step,
    Success, prepare_username,
};

/// The only hash function that clients have.
const HASH: Hash = Hash::Sha256;

/// Offers `HT-SHA-256-EXPR`, `-ENDP` or `-NONE`: the client shows that it has a token, by its MAC
/// of the channel-binding data.
#[derive(Clone, Debug)]
pub(super) struct HashedTokenOffer {
    binding: Option<BindingType>,
    name: &'static str,
    secret: Arc<ServerSecret>,
}

impl HashedTokenOffer {
    pub(super) fn new(binding: Option<BindingType>, secret: Arc<ServerSecret>) -> Self {
        let name = match binding {
            Some(BindingType::TlsExporter) => "HT-SHA-256-EXPR",
            Some(BindingType::TlsServerEndPoint) => "HT-SHA-256-ENDP",
            None => "HT-SHA-256-NONE",
        };
        Self { binding, name, secret }
    }
}

impl Offer for HashedTokenOffer {
    fn name(&self) -> &str {
        self.name
    }

    fn fits(&self, channel: &Channel) -> bool {
        self.binding.is_none_or(|binding| channel.bindings().contains(binding))
    }

    /// What is sent without channel binding can be sent again by whoever saw it.
    fn reveals_password(&self) -> bool {
        self.binding.is_none()
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(HashedToken { offer: self.clone(), channel: start.channel.clone(), claim: None })
    }
}

/// One authentication with a token.
struct HashedToken {
    offer: HashedTokenOffer,
    channel: Channel,
    claim: Option<Claim>,
}

struct Claim {
    username: String,
    mac: Digest,
}

impl HashedToken {
    fn claim(&self, message: &[u8]) -> Result<Claim, Failure> {
        let mut fields = message.splitn(2, |byte| *byte == 0);
        let (Some(authcid), Some(mac)) = (fields.next(), fields.next()) else {
            return Err(Failure::MalformedRequest);
        };
        let authcid = std::str::from_utf8(authcid).map_err(|_| Failure::MalformedRequest)?;
        let mac = Digest::from_bytes(HASH, mac).ok_or(Failure::MalformedRequest)?;
        let username = self
            .channel
            .local_username(authcid)
            .or_else(|| prepare_username(authcid).ok())
            .ok_or(Failure::NotAuthorized)?;
        Ok(Claim { username, mac })
    }

    fn mac(&self, token: &str, role: &str) -> Digest {
        let data = self.offer.binding.and_then(|binding| self.channel.bindings().data(binding));
        HASH.hmac(token.as_bytes(), &[role.as_bytes(), data.unwrap_or_default()])
    }

    /// The token that the client has, with its text.
    fn check(
        &self,
        claim: &Claim,
        records: &[TokenRecord],
        now: SystemTime,
    ) -> Result<(TokenId, Digest), Failure> {
        let mut found = Err(Failure::NotAuthorized);
        for record in records.iter().take(MAX_TOKENS) {
            let token = text(&self.offer.secret, &self.channel, &claim.username, record);
            let fits = bool::from(self.mac(&token, "Initiator").ct_eq(&claim.mac));
            if fits && record.mechanism() == self.offer.name {
                found = if now < record.expires() {
                    Ok((record.id(), self.mac(&token, "Responder")))
                } else {
                    // Who has an expired token knows already that the account exists.
                    Err(Failure::CredentialsExpired)
                };
            }
        }
        found
    }
}

impl Mechanism for HashedToken {
    fn step(&mut self, message: &[u8]) -> Step {
        match self.claim(message) {
            Ok(claim) => {
                let username = claim.username.clone();
                self.claim = Some(claim);
                Step::Ask(Query::Tokens { username, mechanism: self.offer.name.to_owned() })
            }
            Err(failure) => Step::Failed(failure),
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        let Some(claim) = self.claim.take() else {
            return Step::Failed(Failure::TemporaryAuthFailure);
        };
        let (records, standing, now) = match answer {
            Answer::Tokens { records, standing, now } => (records, Some(standing), now),
            Answer::Unknown => (Vec::new(), None, SystemTime::UNIX_EPOCH),
            _ => return Step::Failed(Failure::TemporaryAuthFailure),
        };
        let checked = self.check(&claim, &records, now).and_then(|found| {
            standing.ok_or(Failure::NotAuthorized)?.check()?;
            Ok(found)
        });
        match checked {
            Ok((token, proof)) => Step::Done(
                Success::account(claim.username)
                    .with_data(proof.as_bytes().to_vec())
                    .with_binding(self.offer.binding)
                    .with_token(token),
            ),
            Err(failure) => Step::Failed(failure),
        }
    }
}
