//! The EXTERNAL mechanism (RFC 4422 Appendix A, XEP-0178).

use crate::{Answer, Channel, Failure, Mechanism, Offer, Query, Start, Step, Success};

/// Offers EXTERNAL: the client's certificate says who it is.
///
/// Only where the certificate names an account of the domain. With one name in it the client need
/// not say as whom to go on, and with several it must (XEP-0178 §2).
#[derive(Clone, Copy, Debug)]
pub struct ExternalOffer;

impl Offer for ExternalOffer {
    fn name(&self) -> &str {
        "EXTERNAL"
    }

    fn fits(&self, channel: &Channel) -> bool {
        !channel.identities().is_empty()
    }

    fn start(&self, start: Start<'_>) -> Box<dyn Mechanism> {
        Box::new(External { channel: start.channel.clone(), asked: None })
    }
}

struct External {
    channel: Channel,
    /// The user name, once it is settled.
    asked: Option<String>,
}

impl External {
    fn username(&self, authzid: &[u8]) -> Result<String, Failure> {
        let authzid = std::str::from_utf8(authzid).map_err(|_| Failure::MalformedRequest)?;
        match (authzid, self.channel.identities()) {
            ("", [only]) => Ok(only.clone()),
            ("", _) => Err(Failure::InvalidAuthzid),
            (authzid, named) => named
                .iter()
                .find(|username| self.channel.authorizes(authzid, username))
                .cloned()
                .ok_or(Failure::InvalidAuthzid),
        }
    }
}

impl Mechanism for External {
    fn step(&mut self, message: &[u8]) -> Step {
        if self.asked.is_some() {
            return Step::Failed(Failure::MalformedRequest);
        }
        match self.username(message) {
            Ok(username) => {
                self.asked = Some(username.clone());
                Step::Ask(Query::Account { username })
            }
            Err(failure) => Step::Failed(failure),
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        match (self.asked.take(), answer) {
            (Some(username), Answer::Account(account)) => match account.standing.check() {
                Ok(()) => Step::Done(Success::account(username)),
                Err(failure) => Step::Failed(failure),
            },
            (Some(_), Answer::Unknown) => Step::Failed(Failure::NotAuthorized),
            _ => Step::Failed(Failure::TemporaryAuthFailure),
        }
    }
}
