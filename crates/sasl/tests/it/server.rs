//! A server with one account, and a log of what its driver had to do.

use std::sync::LazyLock;
use std::time::SystemTime;

use sestina_sasl::{
    Account, Answer, BindingType, Channel, Credentials, Exchange, Failure, Mechanisms, Protection,
    Query, Recipe, ServerSecret, Standing, Step, Success, TokenRecord,
};

pub(crate) const USER: &str = "juliet";
pub(crate) const PASSWORD: &str = "r0m30myr0m30";
pub(crate) const DOMAIN: &str = "capulet.example";
pub(crate) const EXPORTED: &[u8] = b"keying material of thirty-two by";
pub(crate) const END_POINT: &[u8] = b"hash of the certificate";

pub(crate) static CREDENTIALS: LazyLock<Credentials> =
    LazyLock::new(|| recipe().derive(PASSWORD, &[5; 32]).unwrap());

pub(crate) fn recipe() -> Recipe {
    Recipe::default().with_iterations(4096).unwrap()
}

pub(crate) fn tls() -> Channel {
    Channel::new(DOMAIN, Protection::Tls)
}

pub(crate) fn bound() -> Channel {
    tls()
        .with_binding(BindingType::TlsExporter, EXPORTED.to_vec())
        .with_binding(BindingType::TlsServerEndPoint, END_POINT.to_vec())
}

/// What the store holds.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) mechanisms: Mechanisms,
    pub(crate) channel: Channel,
    pub(crate) credentials: Credentials,
    pub(crate) standing: Standing,
    pub(crate) store_fails: bool,
    pub(crate) records: Vec<TokenRecord>,
    pub(crate) now: SystemTime,
}

impl Server {
    pub(crate) fn on(channel: Channel) -> Self {
        Self {
            mechanisms: Mechanisms::standard(&recipe(), ServerSecret::new([1; 32])),
            channel,
            credentials: CREDENTIALS.clone(),
            standing: Standing::Good,
            store_fails: false,
            records: Vec::new(),
            now: SystemTime::UNIX_EPOCH,
        }
    }

    pub(crate) fn start(&self, mechanism: &str) -> Session<'_> {
        let exchange =
            self.mechanisms.start(mechanism, &self.channel, &mut |nonce| nonce.fill(3)).unwrap();
        Session { server: self, exchange, log: Vec::new() }
    }

    /// Plays messages that need no challenge to be made.
    pub(crate) fn play(&self, mechanism: &str, messages: &[&[u8]]) -> Result<Success, Failure> {
        let mut session = self.start(mechanism);
        let mut reply = session.begin(messages.first().copied());
        for message in messages.iter().skip(1) {
            reply = session.respond(message);
        }
        match reply {
            Reply::Over(result) => result,
            Reply::Challenge(data) => panic!("not over, but challenged with {data:?}"),
        }
    }

    fn answer(&self, query: Query) -> Answer {
        match query {
            _ if self.store_fails => Answer::Unavailable,
            Query::Account { username } if username == USER => {
                Answer::Account(Account::new(self.credentials.clone()).with_standing(self.standing))
            }
            Query::Tokens { username, .. } if username == USER => Answer::Tokens {
                records: self.records.clone(),
                standing: self.standing,
                now: self.now,
            },
            _ => Answer::Unknown,
        }
    }
}

/// What reaches the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Challenge(Vec<u8>),
    Over(Result<Success, Failure>),
}

impl Reply {
    pub(crate) fn challenge(self) -> Vec<u8> {
        match self {
            Self::Challenge(data) => data,
            Self::Over(result) => panic!("over with {result:?}"),
        }
    }

    pub(crate) fn result(self) -> Result<Success, Failure> {
        match self {
            Self::Challenge(data) => panic!("challenged with {data:?}"),
            Self::Over(result) => result,
        }
    }
}

/// One authentication with its driver.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    server: &'a Server,
    pub(crate) exchange: Exchange,
    /// The kinds of steps, in order.
    pub(crate) log: Vec<&'static str>,
}

impl Session<'_> {
    pub(crate) fn begin(&mut self, initial: Option<&[u8]>) -> Reply {
        let step = self.exchange.begin(initial);
        self.drive(step)
    }

    pub(crate) fn respond(&mut self, message: &[u8]) -> Reply {
        let step = self.exchange.respond(message);
        self.drive(step)
    }

    fn drive(&mut self, mut step: Step) -> Reply {
        loop {
            step = match step {
                Step::Challenge(data) => {
                    self.log.push("challenge");
                    return Reply::Challenge(data);
                }
                Step::Ask(query) => {
                    self.log.push("ask");
                    self.exchange.resume(self.server.answer(query))
                }
                Step::Work(work) => {
                    self.log.push("work");
                    self.exchange.resume(work.run())
                }
                Step::Done(success) => {
                    self.log.push("done");
                    return Reply::Over(Ok(success));
                }
                Step::Failed(failure) => {
                    self.log.push("failed");
                    return Reply::Over(Err(failure));
                }
            }
        }
    }
}
