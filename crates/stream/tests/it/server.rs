//! The server that the transcripts are played against.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use sestina_sasl::{
    Account, Clear, Mechanism, Mechanisms, Offer, Policy, Protection, Query, Recipe, ServerSecret,
    Standing, Start, Step, Success, Work,
};
use sestina_stanza::Stanza;
use sestina_stanza::{Condition, Jid, StanzaError, ns};
use sestina_stream::{
    Answer, Attempt, BindRequest, Bound, Connection, Domain, Feature, Host, IqAnswer, Limits,
    TlsOffer,
};
use sestina_xml::Element;

pub(crate) const PASSWORD: &str = "r0m30myr0m30";

/// What a transcript starts from.
pub(crate) struct Setup {
    pub(crate) connection: Connection,
    pub(crate) domain: Domain,
    pub(crate) default_domain: bool,
    pub(crate) limits: Limits,
}

/// A connection secured by TLS.
pub(crate) fn tls() -> Connection {
    Connection::new(Protection::Tls)
}

/// A connection over the network, in the clear.
pub(crate) fn clear() -> Connection {
    Connection::new(Protection::Clear)
}

impl Setup {
    /// A client that has connected by direct TLS to a server with the mechanism below.
    pub(crate) fn secure() -> Self {
        let mechanisms = Mechanisms::none().with(PassPhrase);
        let mut domain = Domain::new(Jid::new("capulet.example").unwrap(), Arc::new(mechanisms));
        domain.tls = TlsOffer::Offered;
        Self { connection: tls(), domain, default_domain: false, limits: Limits::default() }
    }

    /// A client that has connected in the clear, where TLS is offered or required.
    pub(crate) fn clear(tls: TlsOffer) -> Self {
        let mut setup = Self::secure();
        setup.connection = clear();
        setup.domain.tls = tls;
        setup
    }

    pub(crate) fn policy(mut self, clear: Clear) -> Self {
        let mut policy = Policy::default();
        policy.clear = clear;
        let mechanisms = Mechanisms::clone(&self.domain.mechanisms);
        self.domain.mechanisms = Arc::new(mechanisms.with_policy(policy));
        self
    }

    /// Replaces the mechanisms by the real ones.
    pub(crate) fn standard(mut self) -> Self {
        let mechanisms = Mechanisms::standard(&recipe(), ServerSecret::new([7; 32]));
        self.domain.mechanisms = Arc::new(mechanisms);
        self
    }

    pub(crate) fn mechanism(mut self, offer: impl Offer + 'static) -> Self {
        let mechanisms = Mechanisms::clone(&self.domain.mechanisms);
        self.domain.mechanisms = Arc::new(mechanisms.with(offer));
        self
    }

    pub(crate) fn feature(mut self, feature: impl Feature + 'static) -> Self {
        self.domain.features.push(Arc::new(feature));
        self
    }

    pub(crate) fn server(self) -> (Arc<Server>, Connection) {
        let mut other = self.domain.clone();
        other.name = Jid::new("verona.example").unwrap();
        let server = Server {
            domain: Arc::new(self.domain),
            other: Arc::new(other),
            default_domain: self.default_domain,
            limits: self.limits,
            entropy: AtomicU8::new(0),
            heard: Mutex::new(Vec::new()),
        };
        (Arc::new(server), self.connection)
    }
}

fn recipe() -> Recipe {
    Recipe::default().with_iterations(4096).unwrap()
}

/// A server with the accounts `juliet`, `nurse` (disabled) and `away` (whose store is down).
pub(crate) struct Server {
    domain: Arc<Domain>,
    /// `verona.example`, which is like the first.
    other: Arc<Domain>,
    default_domain: bool,
    limits: Limits,
    entropy: AtomicU8,
    /// `mechanism username outcome` of each authentication, and `bind jid` of each binding.
    pub(crate) heard: Mutex<Vec<String>>,
}

impl Host for Server {
    fn domain(&self, name: Option<&str>) -> Option<Arc<Domain>> {
        let domains = [&self.domain, &self.other];
        let domain = match name {
            Some(name) => domains.into_iter().find(|domain| domain.name.as_str() == name),
            None => self.default_domain.then_some(&self.domain),
        };
        domain.map(Arc::clone)
    }

    /// The first call yields ones, the second twos, and so on.
    fn entropy(&self, buffer: &mut [u8]) {
        buffer.fill(self.entropy.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn attempted(&self, attempt: &Attempt<'_>) {
        let username = attempt.username.unwrap_or("-");
        let outcome = match attempt.outcome {
            Ok(jid) => jid.to_string(),
            Err(failure) => failure.to_string(),
        };
        let line = format!("{} {username} {outcome}", attempt.mechanism);
        self.heard.lock().unwrap().push(line);
    }
}

impl Server {
    pub(crate) fn credential(&self, query: Query) -> Answer {
        let Query::Account { username } = query else { panic!("unknown query") };
        let account = || {
            let credentials = recipe().derive(PASSWORD, &[3; 32]);
            Account::new(credentials.unwrap())
        };
        Answer::Sasl(match &*username {
            "juliet" => sestina_sasl::Answer::Account(account()),
            "nurse" => sestina_sasl::Answer::Account(account().with_standing(Standing::Disabled)),
            "away" => sestina_sasl::Answer::Unavailable,
            _ => sestina_sasl::Answer::Unknown,
        })
    }

    /// `taken` is in use, `full` is one too many, and a feature can be asked to refuse.
    pub(crate) fn bind(&self, request: BindRequest) -> Answer {
        let refused = request.inline.iter().any(|element| element.attr("refuse").is_some());
        let error = match request.jid.resource() {
            _ if refused => Some(Condition::NotAcceptable),
            Some("taken") => Some(Condition::Conflict),
            Some("full") => Some(Condition::ResourceConstraint),
            _ => None,
        };
        assert!(request.jid.same_bare(&request.account));
        self.heard.lock().unwrap().push(format!("bind {}", request.jid));
        Answer::Bind(match error {
            Some(condition) => Err(StanzaError::from(condition)),
            None => Ok(Bound {
                inline: request
                    .inline
                    .iter()
                    .filter(|element| element.name() == "enable")
                    .map(|element| Element::builder("enabled", element.namespace()).build())
                    .collect(),
                jid: request.jid,
            }),
        })
    }

    /// Registration always works; authentication by IQ does for whoever names a resource.
    pub(crate) fn iq(&self, iq: &Stanza) -> Answer {
        assert_eq!(iq.from(), None, "a stranger has no address");
        let payload = iq.payload().unwrap();
        Answer::Iq(match payload.namespace() {
            ns::REGISTER => IqAnswer::Reply(iq.result(None).unwrap()),
            ns::AUTH => match payload.child("resource", ns::AUTH) {
                Some(resource) => IqAnswer::Bound {
                    reply: iq.result(None).unwrap(),
                    jid: Jid::from_parts(Some("juliet"), "capulet.example", Some(&resource.text()))
                        .unwrap(),
                },
                None => IqAnswer::Failed(
                    iq.error(&StanzaError::from(Condition::NotAuthorized)).unwrap(),
                ),
            },
            _ => IqAnswer::Refused,
        })
    }
}

/// A mechanism whose every word can be written down in a transcript: the server asks, and the
/// client answers with a user name, an equals sign and a word.
#[derive(Debug)]
pub(crate) struct PassPhrase;

impl Offer for PassPhrase {
    fn name(&self) -> &str {
        "PASSPHRASE"
    }

    fn start(&self, _: Start<'_>) -> Box<dyn Mechanism> {
        doorkeeper()
    }
}

pub(crate) fn doorkeeper() -> Box<dyn Mechanism> {
    Box::new(Doorkeeper(None))
}

struct Doorkeeper(Option<(String, String)>);

impl Mechanism for Doorkeeper {
    fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(initial) => self.step(initial),
            None => Step::Challenge(b"who?".to_vec()),
        }
    }

    fn step(&mut self, message: &[u8]) -> Step {
        let text = std::str::from_utf8(message).unwrap_or_default();
        let Some((username, word)) = text.split_once('=') else {
            return sestina_sasl::Failure::MalformedRequest.into();
        };
        self.0 = Some((username.to_owned(), word.to_owned()));
        Step::Ask(Query::Account { username: username.to_owned() })
    }

    fn resume(&mut self, answer: sestina_sasl::Answer) -> Step {
        let (username, word) = self.0.clone().unwrap();
        match answer {
            sestina_sasl::Answer::Account(account) => match account.standing.check() {
                Ok(()) => Step::Work(Work::new(move || word == "open")),
                Err(failure) => failure.into(),
            },
            sestina_sasl::Answer::Worked(worked) => match worked.into_result() {
                Some(true) => Step::Done(Success::account(username).with_data(b"come in".to_vec())),
                _ => sestina_sasl::Failure::NotAuthorized.into(),
            },
            sestina_sasl::Answer::Unavailable => sestina_sasl::Failure::TemporaryAuthFailure.into(),
            _ => sestina_sasl::Failure::NotAuthorized.into(),
        }
    }
}
