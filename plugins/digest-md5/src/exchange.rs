//! One authentication by DIGEST-MD5.

use std::sync::Arc;

use sestina_sasl::{
    Answer, Channel, Failure, Mechanism, Query, Standing, Step, Success, encode_base64,
    prepare_username,
};
use sestina_stanza::Jid;

use crate::{
    FAMILY,
    digest::{self, NOBODY},
    directives::Response,
    nonces::Nonces,
};

/// Random bytes in a nonce.
const NONCE_BYTES: usize = 18;

/// The server's side of one authentication.
pub(crate) struct Exchange {
    channel: Channel,
    nonces: Arc<Nonces>,
    nonce: String,
    state: State,
}

enum State {
    /// Nothing was said.
    Start,
    /// The client has been challenged.
    Challenged,
    /// The secret was asked for; `again` where the client has come with an older nonce.
    Asked {
        username: String,
        response: Box<Response>,
        again: bool,
    },
    /// The client has shown the password, and was told so.
    Shown {
        username: String,
    },
    Over,
}

impl Exchange {
    pub(crate) fn new(
        channel: Channel,
        nonces: Arc<Nonces>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Self {
        let mut bytes = [0; NONCE_BYTES];
        random(&mut bytes);
        Self { channel, nonces, nonce: encode_base64(&bytes), state: State::Start }
    }

    /// RFC 2831 §2.1.1. A nonce that is only stale says that the password was not at fault.
    fn challenge(&mut self, stale: bool) -> Step {
        self.state = State::Challenged;
        let (realm, nonce) = (self.channel.domain(), &self.nonce);
        let stale = if stale { ",stale=true" } else { "" };
        let text = format!(
            "realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\",charset=utf-8,algorithm=md5-sess{stale}"
        );
        Step::Challenge(text.into_bytes())
    }

    /// RFC 2831 §2.2: whoever comes with a nonce that is known and due saves a round trip; all others
    /// are challenged, and none is turned away for it.
    fn again(&mut self, message: &[u8]) -> Step {
        let Ok(response) = Response::read(message) else { return self.challenge(false) };
        let Ok(username) = self.check(&response) else { return self.challenge(false) };
        let account = self.account(&username);
        if !self.nonces.is_next(&response.nonce, &account, response.nc.1) {
            return self.challenge(true);
        }
        self.ask(username, response, true)
    }

    /// RFC 2831 §2.1.2.
    fn response(&mut self, message: &[u8]) -> Result<Step, Failure> {
        let response = Response::read(message).map_err(|_| Failure::MalformedRequest)?;
        if response.nonce != self.nonce.as_bytes() || response.nc.1 != 1 {
            return Err(Failure::NotAuthorized);
        }
        let username = self.check(&response)?;
        Ok(self.ask(username, response, false))
    }

    fn ask(&mut self, username: String, response: Response, again: bool) -> Step {
        let query = Query::Secret { username: username.clone(), family: FAMILY.to_owned() };
        self.state = State::Asked { username, response: Box::new(response), again };
        Step::Ask(query)
    }

    /// Whether a response is meant for this server; if so, whose it is.
    fn check(&self, response: &Response) -> Result<String, Failure> {
        let name = digest::text(&response.username, response.utf8);
        let name = name.ok_or(Failure::MalformedRequest)?;
        let username = prepare_username(&name).map_err(|_| Failure::NotAuthorized)?;
        if response.realm != self.channel.domain().as_bytes() || !self.is_meant(&response.uri) {
            return Err(Failure::NotAuthorized);
        }
        // RFC 2831 §2.1.2: always in UTF-8.
        let authzid = response.authzid.as_deref().unwrap_or_default();
        let authzid = std::str::from_utf8(authzid).map_err(|_| Failure::MalformedRequest)?;
        if !self.channel.authorizes(authzid, &username) {
            return Err(Failure::InvalidAuthzid);
        }
        Ok(username)
    }

    /// Whether a `digest-uri` names this service: `xmpp/domain`, `xmpp/host.domain`, or
    /// `xmpp/host/domain` where the host was found by the domain (RFC 2831 §2.1.2).
    fn is_meant(&self, uri: &[u8]) -> bool {
        let Ok(uri) = std::str::from_utf8(uri) else { return false };
        let mut parts = uri.split('/');
        let (Some(service), Some(host), name, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let Ok(named) = Jid::new(name.unwrap_or(host)) else { return false };
        let (named, own) = (named.as_str(), self.channel.domain());
        let below = || named.strip_suffix(own).is_some_and(|host| host.ends_with('.'));
        service.eq_ignore_ascii_case("xmpp")
            && !host.is_empty()
            && (named == own || name.is_none() && !named.contains('@') && below())
    }

    fn account(&self, username: &str) -> String {
        format!("{username}@{}", self.channel.domain())
    }

    fn judge(
        &mut self,
        username: String,
        response: &Response,
        again: bool,
        answer: Answer,
    ) -> Step {
        let (secret, standing) = match answer {
            Answer::Secret { secret, standing } => (Some(secret), Some(standing)),
            Answer::Unknown => (None, None),
            _ => return Step::Failed(Failure::TemporaryAuthFailure),
        };
        let kept = secret.as_ref().map_or(&NOBODY[..], |secret| secret.as_bytes());
        let shown = digest::verify(kept, response);
        let Some((proof, standing)) = shown.zip(standing) else {
            // RFC 2831 §2.2.2: a wrong answer to an old challenge is answered by a new one. Whoever
            // counts failures has been asked for an account, and will be asked again.
            return if again {
                self.challenge(false)
            } else {
                Step::Failed(Failure::NotAuthorized)
            };
        };
        if let Err(failure) = Standing::check(standing) {
            return Step::Failed(failure);
        }
        if again {
            let account = self.account(&username);
            if self.nonces.advance(&response.nonce, &account, response.nc.1) {
                return Step::Done(Success::account(username).with_data(proof));
            }
            return self.challenge(true);
        }
        self.state = State::Shown { username };
        Step::Challenge(proof)
    }
}

impl Mechanism for Exchange {
    fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            None | Some([]) => self.challenge(false),
            Some(message) => self.again(message),
        }
    }

    fn step(&mut self, message: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Challenged => self.response(message).unwrap_or_else(Step::Failed),
            State::Shown { username } if message.is_empty() => {
                self.nonces.hold(self.nonce.as_bytes(), self.account(&username));
                Step::Done(Success::account(username))
            }
            _ => Step::Failed(Failure::MalformedRequest),
        }
    }

    fn resume(&mut self, answer: Answer) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Asked { username, response, again } => {
                self.judge(username, &response, again, answer)
            }
            _ => Step::Failed(Failure::TemporaryAuthFailure),
        }
    }
}
