//! The machine itself: events in, bytes and steps out.

use std::any::Any;
use std::fmt;
use std::mem;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sestina_stanza::{Jid, Stanza, StreamCondition, StreamError, ns};
use sestina_xml::{Element, Frame, StreamHeader};

use crate::authentication::Login;
use crate::event::{Established, Event, Step};
use crate::feature::{Negotiation, Outcome, Slot, View};
use crate::header::{self, Opening, Refused};
use crate::inline::Inline;
use crate::question::{Answer, Question, UserAgent};
use crate::refusal::{internal, policy, unsupported};
use crate::wire::ReplyHeader;
use crate::{Connection, Domain, Form, Host, Limits, Sink, offer};

/// Random bytes in a stream id (RFC 6120 §4.7.3 wants it unpredictable).
const ID_BYTES: usize = 18;

/// The server's side of one client stream, from its first byte until a resource is bound.
///
/// It is told what happens by [`handle`](Self::handle), which appends what is to be sent and says
/// what to do next. Once the stream is [established](Step::Established) or [closed](Step::Close)
/// the machine has done its part: drop it, so that it costs an idle session nothing.
///
/// The example of the [crate] shows one being driven.
pub struct ClientStream {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) limits: Limits,
    pub(crate) connection: Connection,
    pub(crate) domain: Option<Arc<Domain>>,
    /// Who the client says it is in its header.
    pub(crate) claimed: Option<Jid>,
    pub(crate) account: Option<Account>,
    pub(crate) user_agent: Option<UserAgent>,
    pub(crate) failures: u8,
    /// Whether one of them was by SASL.
    pub(crate) failed_by_sasl: bool,
    pub(crate) state: State,
    /// The id of the stream as it stands; empty until its header is written.
    id: String,
    lang: Option<String>,
    legacy: bool,
    pub(crate) form: Form,
    transformed: bool,
    elements: u16,
}

/// Who has authenticated.
pub(crate) struct Account {
    pub(crate) jid: Jid,
    pub(crate) anonymous: bool,
    pub(crate) mechanism: String,
}

/// What the machine waits for.
pub(crate) enum State {
    /// A stream header.
    Header,
    /// An element.
    Open,
    /// The end of the TLS handshake.
    Handshake,
    /// The client's response to a challenge.
    Login(Login),
    /// The answer to a question.
    Asked(Asked),
    /// Nothing.
    Over,
}

/// What a question was asked for.
pub(crate) enum Asked {
    Bind(Stanza),
    Bind2(Box<Inline>),
    Feature,
    Inline(Box<Inline>),
    Iq,
    Login(Login),
}

/// What handling an event comes to: a step, or the error that ends the stream.
pub(crate) type Flow = Result<Step, StreamError>;

impl ClientStream {
    /// A stream on a connection over which nothing has been sent yet.
    pub fn new(host: Arc<dyn Host>, connection: Connection) -> Self {
        let limits = host.limits();
        Self {
            host,
            limits,
            connection,
            domain: None,
            claimed: None,
            account: None,
            user_agent: None,
            failures: 0,
            failed_by_sasl: false,
            state: State::Header,
            id: String::new(),
            lang: None,
            legacy: false,
            form: Form::Document,
            transformed: false,
            elements: 0,
        }
    }

    /// The same stream laid out in another form.
    #[must_use]
    pub fn in_form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The connection below, as it stands.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The id of the stream as it stands; each restart brings another.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bare JID the client has authenticated as.
    pub fn account(&self) -> Option<&Jid> {
        self.account.as_ref().map(|account| &account.jid)
    }

    /// The domain the client speaks to, once its header has named one.
    pub fn domain(&self) -> Option<&Arc<Domain>> {
        self.domain.as_ref()
    }

    /// Takes an event, appends to `out` what is to be sent, and says what to do next.
    ///
    /// After [`Step::Established`] and [`Step::Close`] every event is answered by [`Step::Close`],
    /// and nothing more is sent.
    pub fn handle(&mut self, event: Event, out: &mut dyn Sink) -> Step {
        if matches!(self.state, State::Over) {
            return Step::Close;
        }
        let flow = match event {
            Event::Frame(frame) => self.frame(frame, out),
            Event::Broken(error) => Err(error.into()),
            Event::Secured(connection) => self.secured(connection),
            Event::Answer(answer) => self.answer(answer, out),
            Event::TimedOut => Err(StreamError::new(StreamCondition::ConnectionTimeout)),
            Event::ShuttingDown => Err(StreamError::new(StreamCondition::SystemShutdown)),
            Event::Failed(error) => Err(error),
        };
        flow.unwrap_or_else(|error| self.fail(&error, out))
    }

    fn frame(&mut self, frame: Frame, out: &mut dyn Sink) -> Flow {
        match (mem::replace(&mut self.state, State::Open), frame) {
            (State::Header, Frame::Open(header)) => self.open(&header, out),
            (State::Open, Frame::Element(element)) => {
                self.count()?;
                self.element(element, out)
            }
            (State::Login(login), Frame::Element(element)) => {
                self.count()?;
                self.respond(login, &element, out)
            }
            (State::Open | State::Login(_), Frame::Close) => Ok(self.close(out)),
            // The driver reads nothing while it has something else to do.
            (state @ (State::Handshake | State::Asked(_)), _) => {
                self.state = state;
                Err(internal())
            }
            (state, _) => {
                self.state = state;
                Err(StreamError::new(StreamCondition::BadFormat))
            }
        }
    }

    fn open(&mut self, header: &StreamHeader, out: &mut dyn Sink) -> Flow {
        let account = self.account.as_ref().map(|account| &account.jid);
        match header::read(header, &*self.host, account, self.form) {
            Ok(Opening { domain, from, lang, legacy }) => {
                self.domain = Some(domain);
                self.claimed = from;
                self.lang = lang;
                self.legacy = legacy;
                self.write_header(out);
                if !legacy {
                    let domain = self.its_domain()?;
                    let view = self.view(&domain);
                    if self.form == Form::Messages && offer::needs_tls(&view) {
                        // RFC 7395 §3.9: whoever wants TLS connects by it.
                        return Err(policy("TLS comes first"));
                    }
                    offer::write(&view, self.form, out);
                }
                self.state = State::Open;
                Ok(Step::Read)
            }
            Err(Refused { domain, error }) => {
                self.state = State::Header;
                self.domain = domain;
                Err(error)
            }
        }
    }

    fn element(&mut self, element: Element, out: &mut dyn Sink) -> Flow {
        let stanza = matches!(element.name(), "iq" | "message" | "presence");
        match element.namespace() {
            ns::CLIENT if stanza => self.stanza(element, out),
            // The client ends the stream with an error of its own.
            ns::STREAM if element.name() == "error" => Ok(self.close(out)),
            // A stream older than XMPP 1.0 has no features to negotiate.
            _ if self.legacy => Err(unsupported()),
            ns::TLS if element.name() == "starttls" => Ok(self.starttls(out)),
            ns::SASL => self.sasl(&element, out),
            ns::SASL2 => self.sasl2(&element, out),
            _ => self.feature(&element, out),
        }
    }

    fn starttls(&mut self, out: &mut dyn Sink) -> Step {
        let offered =
            self.domain.clone().is_some_and(|domain| offer::offers_tls(&self.view(&domain)));
        if offered {
            self.form.write_element(&Element::builder("proceed", ns::TLS).build(), out);
            self.state = State::Handshake;
            Step::StartTls
        } else {
            // RFC 6120 §5.4.2.2: the stream ends with it, and without another error.
            self.form.write_element(&Element::builder("failure", ns::TLS).build(), out);
            self.close(out)
        }
    }

    fn secured(&mut self, connection: Connection) -> Flow {
        if !matches!(self.state, State::Handshake) {
            return Err(internal());
        }
        self.connection = connection;
        self.restart();
        Ok(Step::Restart)
    }

    fn feature(&mut self, element: &Element, out: &mut dyn Sink) -> Flow {
        let domain = self.its_domain()?;
        let view = self.view(&domain);
        if offer::needs_tls(&view) {
            return Err(unsupported());
        }
        let claims = |claims: &[(&str, &str)]| {
            claims.iter().any(|(name, namespace)| element.is(name, namespace))
        };
        let feature = domain.features.iter().find(|feature| {
            feature.slot() == Slot::Stream && claims(feature.claims()) && feature.listens(&view)
        });
        match feature.ok_or_else(unsupported)?.negotiate(element, &view) {
            Negotiation::Now(outcome) => self.negotiated(outcome, out),
            Negotiation::Later(future) => {
                self.state = State::Asked(Asked::Feature);
                Ok(Step::Ask(Question::Feature(future)))
            }
        }
    }

    fn negotiated(&mut self, outcome: Outcome, out: &mut dyn Sink) -> Flow {
        self.state = State::Open;
        match outcome {
            Outcome::Replied(elements) => {
                for element in elements {
                    self.form.write_element(&element, out);
                }
                Ok(Step::Read)
            }
            // What is within a message is not transformed, and was told so.
            Outcome::Transformed { .. } if self.form == Form::Messages => Err(internal()),
            Outcome::Transformed { reply, transform } => {
                self.form.write_element(&reply, out);
                self.transformed = true;
                self.restart();
                Ok(Step::Transform(transform))
            }
            Outcome::Resumed(resumption) => {
                self.vouch(&resumption.jid)?;
                self.form.write_element(&resumption.reply, out);
                self.establish(resumption.jid, Some(resumption.session))
            }
            Outcome::Failed(error) => Err(error),
        }
    }

    fn answer(&mut self, answer: Answer, out: &mut dyn Sink) -> Flow {
        let asked = match mem::replace(&mut self.state, State::Open) {
            State::Asked(asked) => asked,
            state => {
                self.state = state;
                return Err(internal());
            }
        };
        match (asked, answer) {
            (Asked::Login(login), Answer::Sasl(answer)) => self.resume(login, answer, out),
            (Asked::Bind(iq), Answer::Bind(bound)) => self.bound(&iq, bound, out),
            (Asked::Bind2(inline), Answer::Bind(bound)) => self.bound2(*inline, bound, out),
            (Asked::Iq, Answer::Iq(answer)) => self.answered(answer, out),
            (Asked::Feature, Answer::Feature(outcome)) => self.negotiated(outcome, out),
            (Asked::Inline(inline), Answer::Feature(outcome)) => {
                self.inline_after(inline, outcome, out)
            }
            _ => Err(internal()),
        }
    }

    /// Ends the stream with an error, after a header of ours if none was sent
    /// (RFC 6120 §4.9.1.2).
    fn fail(&mut self, error: &StreamError, out: &mut dyn Sink) -> Step {
        // A handshake that failed leaves nothing to write to.
        if !matches!(self.state, State::Handshake) {
            if self.id.is_empty() {
                self.write_header(out);
            }
            self.form.write_error(error, out);
        }
        self.state = State::Over;
        Step::Close
    }

    fn close(&mut self, out: &mut dyn Sink) -> Step {
        self.form.write_close(out);
        self.state = State::Over;
        Step::Close
    }

    /// Makes sure that a resource belongs to the account the client has authenticated as, whatever
    /// a plugin or a driver says.
    pub(crate) fn vouch(&self, jid: &Jid) -> Result<(), StreamError> {
        let own = self.account().is_some_and(|account| jid.is_full() && jid.same_bare(account));
        if own { Ok(()) } else { Err(internal()) }
    }

    pub(crate) fn establish(&mut self, jid: Jid, resumed: Option<Box<dyn Any + Send>>) -> Flow {
        let domain = self.its_domain()?;
        let (anonymous, mechanism) = match self.account.take() {
            Some(account) => (account.anonymous, Some(account.mechanism)),
            None => (false, None),
        };
        self.state = State::Over;
        Ok(Step::Established(Box::new(Established {
            jid,
            domain,
            lang: self.lang.take(),
            anonymous,
            mechanism,
            user_agent: self.user_agent.take(),
            resumed,
            stream_id: mem::take(&mut self.id),
            legacy: self.legacy,
        })))
    }

    /// Forgets the stream but not the connection (RFC 6120 §4.3.3).
    pub(crate) fn restart(&mut self) {
        self.id.clear();
        self.state = State::Header;
    }

    fn write_header(&mut self, out: &mut dyn Sink) {
        self.id = self.random_name::<ID_BYTES>();
        // RFC 6120 §4.7.1 and §4.9.1.3: a name that is ours, or none.
        let domain = self.domain.clone().or_else(|| self.host.domain(None));
        ReplyHeader {
            from: domain.as_ref().map_or("", |domain| domain.name.as_str()),
            to: self.account().or(self.claimed.as_ref()),
            id: &self.id,
            versioned: !self.legacy,
        }
        .write(self.form, out);
    }

    fn count(&mut self) -> Result<(), StreamError> {
        if self.elements >= self.limits.elements {
            return Err(policy("negotiation takes too long"));
        }
        self.elements += 1;
        Ok(())
    }

    /// The domain of the stream, which is known once a header was taken.
    pub(crate) fn its_domain(&self) -> Result<Arc<Domain>, StreamError> {
        self.domain.clone().ok_or_else(internal)
    }

    pub(crate) fn view<'a>(&'a self, domain: &'a Domain) -> View<'a> {
        View {
            connection: &self.connection,
            domain,
            id: &self.id,
            account: self.account(),
            bound: None,
            // A carrier of messages has seen to it itself, or nobody does.
            transformed: self.transformed || self.form == Form::Messages,
            user_agent: self.user_agent.as_ref(),
        }
    }

    /// A name that nobody can guess, of letters, digits, `-` and `_`.
    pub(crate) fn random_name<const BYTES: usize>(&self) -> String {
        let mut bytes = [0; BYTES];
        self.host.entropy(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl fmt::Debug for ClientStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientStream")
            .field("connection", &self.connection)
            .field("account", &self.account())
            .finish_non_exhaustive()
    }
}
