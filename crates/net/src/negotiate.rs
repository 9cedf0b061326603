//! Drives negotiation: from a fresh connection to a bound session.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Duration};

use sestina_core::{Admission, Panicked, Seen, caught, caught_later};
use sestina_sasl::Protection;
use sestina_stanza::{Jid, StreamCondition, StreamError};
use sestina_stream::{ClientStream, Connection, Event, Step, Transform};
use sestina_xml::{Frame, StreamHeader, StreamParser};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span};

use crate::{
    framing::Layout,
    hosts::{Host, Stay},
    line::Line,
    network::{Kind, Shared},
    open::{Open, Unread},
    quota::{Crowded, Place},
    scratch,
    tls::Tls,
    transport::Transport,
};

/// How long the answer to the first header over direct TLS waits.
///
/// A client may begin to listen for it only once its own write is reported to it, a turn of its
/// event loop later: xmpp.js 0.14 on the same machine lost every second answer that did not wait.
const BREATH: Duration = Duration::from_millis(1);

/// A connection that has not bound a resource yet.
pub(crate) struct Negotiation {
    shared: Arc<Shared>,
    /// Whom the stream is for: the first host until it says so.
    host: Arc<Host>,
    stay: Stay,
    /// Whether it has said so.
    named: bool,
    /// Whether it can be for no other host, because of what TLS was for.
    settled: bool,
    /// The place among all connections.
    place: Option<Place>,
    line: Line,
    io: Option<Transport>,
    stream: ClientStream,
    admission: Arc<Admission>,
    layout: Layout,
    transform: Option<Box<dyn Transform>>,
    /// What was received and is to be handled by another host.
    event: Option<Event>,
    /// Received but not transformed.
    wire: Vec<u8>,
    /// Received, transformed where it must be, but not parsed.
    input: Vec<u8>,
    output: Vec<u8>,
    peer: Option<SocketAddr>,
    /// The language that the stream header named.
    lang: Option<String>,
}

/// How far a negotiation has come.
enum Reached {
    /// A resource is bound.
    Session,
    /// The stream says that it is for this host.
    Host(Arc<Host>),
}

/// Why a connection never got a session.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The stream was closed, by either side, as streams are.
    Closed,
    /// The peer went away, or its TLS made no sense.
    Lost(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Negotiation {
    pub(crate) fn new(
        shared: Arc<Shared>,
        io: Transport,
        peer: Option<SocketAddr>,
        place: Option<Place>,
        kind: Kind,
    ) -> Self {
        let limits = shared.hosts.first().bounds().unauthenticated;
        let layout = Layout::Document(StreamParser::new(limits));
        Self::over(shared, io, layout, clear(peer), place, kind.name())
    }

    /// A connection of which all is known.
    pub(crate) fn over(
        shared: Arc<Shared>,
        io: Transport,
        layout: Layout,
        connection: Connection,
        place: Option<Place>,
        over: &'static str,
    ) -> Self {
        let peer = connection.peer();
        let host = shared.hosts.first().clone();
        let line = Line::new(host.server.clone(), over);
        let admission = Admission::new(host.server.clone());
        Self {
            stream: ClientStream::new(admission.clone(), connection).in_form(layout.form()),
            admission,
            layout,
            stay: host.expect(),
            host,
            named: false,
            settled: false,
            place,
            line,
            transform: None,
            event: None,
            wire: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            io: Some(io),
            shared,
            peer,
            lang: None,
        }
    }

    /// What is logged while it lasts is logged within this.
    pub(crate) fn span(&self) -> Span {
        let peer = self.peer.map(tracing::field::display);
        tracing::debug_span!("connection", over = self.line.over, peer)
    }

    /// Begins with what was read of it already.
    pub(crate) fn after(mut self, read: &[u8]) -> Self {
        self.input.extend_from_slice(read);
        self
    }

    /// Negotiates until a resource is bound, within the time that there is for it, and hands over to
    /// whatever carries the session.
    pub(crate) async fn run(mut self, kind: Kind) {
        let deadline = Instant::now() + self.shared.hosts.first().bounds().authenticate;
        let mut kind = Some(kind);
        let why = loop {
            let mut ending = self.stay.ending.clone();
            let reached = tokio::select! {
                reached = timeout_at(deadline, self.negotiate(kind.take())) => reached,
                ended = ending.wait_for(Option::is_some) => {
                    let why = ended.ok().and_then(|why| *why);
                    break why.map(|why| Event::Failed(why.into()));
                }
            };
            match reached {
                Ok(Ok(Reached::Session)) => return self.open(),
                Ok(Ok(Reached::Host(host))) => {
                    if let Err(crowded) = self.turn_to(host) {
                        self.host.server.see(Seen::Bounded { bound: "connection.total" });
                        tracing::debug!(peer = ?self.peer, ?crowded, "a host has no room");
                        break Some(Event::Failed(StreamCondition::PolicyViolation.into()));
                    }
                }
                Ok(Err(Failed::Closed)) => break None,
                Ok(Err(Failed::Lost(error))) => {
                    self.line.why = "lost";
                    tracing::debug!(peer = ?self.peer, %error, "a connection was lost before login");
                    return;
                }
                Err(_) => {
                    self.line.why = StreamCondition::ConnectionTimeout.name();
                    self.host.server.see(Seen::Bounded { bound: "connection.authenticate" });
                    break Some(Event::TimedOut);
                }
            }
        };
        if let Some(event) = why {
            tracing::debug!(peer = ?self.peer, ?event, "a negotiation was ended");
            let _closed = self.handle(event);
        }
        self.part().await;
    }

    /// Negotiates until a resource is bound, or the stream says whom it is for. Whoever has gone on
    /// from there has nothing left of `kind`.
    async fn negotiate(&mut self, kind: Option<Kind>) -> Result<Reached, Failed> {
        let direct = kind == Some(Kind::DirectTls);
        if direct {
            let secured = self.secure_by_name().await?;
            self.stream = ClientStream::new(self.admission.clone(), secured);
        }
        let mut breath = direct.then_some(BREATH);
        loop {
            let event = match self.event.take() {
                Some(event) => event,
                None => self.next().await?,
            };
            if let Some(breath) = breath.take() {
                sleep(breath).await;
            }
            if let Event::Frame(Frame::Open(header)) = &event
                && let Some(host) = self.named_by(header)
            {
                self.event = Some(event);
                return Ok(Reached::Host(host));
            }
            if let Event::Failed(error) = &event {
                self.line.why = error.condition().name();
                if error.condition() == StreamCondition::PolicyViolation {
                    self.host.server.see(Seen::Bounded { bound: "stranger" });
                }
                tracing::debug!(peer = ?self.peer, %error, "not a stream");
            }
            let mut step = self.handle(event);
            loop {
                step = match step {
                    Step::Read => break,
                    Step::Restart => {
                        self.layout.restart();
                        break;
                    }
                    Step::Transform(transform) => {
                        self.flush().await?;
                        self.transform = Some(transform);
                        self.layout.restart();
                        self.wire = std::mem::take(&mut self.input);
                        break;
                    }
                    Step::StartTls => {
                        self.flush().await?;
                        // Whatever came in the clear behind the request was not protected.
                        self.input.clear();
                        self.layout.restart();
                        let secured = self.secure().await?;
                        self.handle(Event::Secured(secured))
                    }
                    Step::Ask(question) => {
                        let asked = self.admission.find_out(question, &self.stream);
                        match caught_later(asked).await {
                            Ok(answer) => self.handle(Event::Answer(answer)),
                            Err(panicked) => self.broken(panicked, true),
                        }
                    }
                    Step::Established(stream) => {
                        self.flush().await?;
                        tracing::debug!(
                            peer = ?self.peer,
                            jid = %stream.jid,
                            mechanism = stream.mechanism,
                            "a session begins"
                        );
                        self.lang = stream.lang;
                        return Ok(Reached::Session);
                    }
                    Step::Close => return Err(Failed::Closed),
                    // Steps of a later version of the machine.
                    _ => return Err(Failed::Closed),
                };
            }
        }
    }
}

impl Negotiation {
    /// Has the stream take an event. Plugins have a part in that: should one panic, the stream is
    /// closed, and its machine is asked nothing more.
    fn handle(&mut self, event: Event) -> Step {
        let (said, begun) = (self.output.len(), !self.stream.id().is_empty());
        caught(|| self.stream.handle(event, &mut self.layout.sink(&mut self.output)))
            .unwrap_or_else(|panicked| {
                self.output.truncate(said);
                self.broken(panicked, begun)
            })
    }

    /// Closes a stream, whose header was written or was not.
    fn broken(&mut self, panicked: Panicked, begun: bool) -> Step {
        let server = &self.host.server;
        server.note_panic(panicked);
        let error = StreamCondition::InternalServerError.into();
        let form = self.layout.form();
        let mut sink = self.layout.sink(&mut self.output);
        if begun {
            form.write_error(&error, &mut sink);
        } else {
            let from = server.domains().next().map_or("", |domain| domain.as_str());
            form.write_refusal(from, &server.random_name(), &error, &mut sink);
        }
        Step::Close
    }

    /// The next thing that the client sends.
    async fn next(&mut self) -> Result<Event, Failed> {
        loop {
            let mut unparsed = self.input.as_slice();
            let frame = self.layout.next(&mut unparsed);
            let parsed = self.input.len() - unparsed.len();
            self.input.drain(..parsed);
            match frame {
                Ok(Some(frame)) => return Ok(Event::Frame(frame)),
                Err(error) => return Ok(Event::Failed(error)),
                Ok(None) => {}
            }
            self.layout.answer(&mut self.output);
            if self.layout.is_closed() {
                self.flush().await?;
                return Err(gone().into());
            }
            if !self.wire.is_empty() {
                match self.transform() {
                    Ok(()) => continue,
                    Err(error) => return Ok(Event::Failed(error)),
                }
            }
            self.flush().await?;
            let Some(io) = &mut self.io else { return Err(gone().into()) };
            let read = if self.transform.is_some() { &mut self.wire } else { &mut self.input };
            let n = poll_fn(|cx| {
                scratch::input(|buffer| {
                    io.poll_read(cx, buffer).map_ok(|n| {
                        read.extend_from_slice(buffer.get(..n).unwrap_or(&[]));
                        n
                    })
                })
            })
            .await?;
            if n == 0 {
                return Err(gone().into());
            }
        }
    }

    /// Transforms bytes as they have come, as many as make up one read: more than the parser takes
    /// is never held.
    fn transform(&mut self) -> Result<(), StreamError> {
        let Some(transform) = &mut self.transform else { return Ok(()) };
        let before = self.input.len();
        let taken = transform.inbound(&self.wire, &mut self.input, scratch::READ)?;
        if taken == 0 && self.input.len() == before {
            // It would be asked for ever.
            return Err(StreamCondition::InternalServerError.into());
        }
        self.wire.drain(..taken.min(self.wire.len()));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failed> {
        if self.output.is_empty() {
            return Ok(());
        }
        let mut output = std::mem::take(&mut self.output);
        if let Some(transform) = &mut self.transform {
            let mut changed = Vec::new();
            transform.outbound(&output, &mut changed);
            output = changed;
        }
        let Some(io) = &mut self.io else { return Err(gone().into()) };
        Ok(io.send(&output).await?)
    }

    /// Whom a header says that the stream is for, unless that is known and stays so. A domain of
    /// nobody is for whoever has the stream to refuse.
    fn named_by(&self, header: &StreamHeader) -> Option<Arc<Host>> {
        if self.stream.account().is_some() || (self.settled && self.named) {
            return None;
        }
        let host = match header.to() {
            _ if self.settled => Some(self.host.clone()),
            None => Some(self.shared.hosts.first().clone()),
            Some(to) => Jid::new(to).ok().and_then(|to| self.shared.hosts.of(to.domain())),
        }?;
        (!self.named || !Arc::ptr_eq(&host, &self.host)).then_some(host)
    }

    /// From here on the stream is for this host.
    fn turn_to(&mut self, host: Arc<Host>) -> Result<(), Crowded> {
        self.stay = host.admit(self.peer.map(|peer| peer.ip()))?;
        self.named = true;
        if !Arc::ptr_eq(&host, &self.host) {
            self.admission = Admission::new(host.server.clone());
            // Whoever signs certificates for one host has nothing to say at another.
            let connection = self.stream.connection().clone().without_certificate();
            let stream = ClientStream::new(self.admission.clone(), connection);
            self.stream = stream.in_form(self.layout.form());
            self.host = host;
        }
        Ok(())
    }

    /// Puts TLS below the stream, in the name of the host it is for.
    async fn secure(&mut self) -> Result<Connection, Failed> {
        let Some(tls) = self.host.tls.clone() else { return Err(gone().into()) };
        let Some(io) = self.io.take() else { return Err(gone().into()) };
        let began = self.host.server.stopwatch();
        let secured = io.secure(&tls).await;
        self.shaken(began, secured.is_ok());
        let (io, facts) = secured?;
        self.io = Some(io);
        self.settled = true;
        Ok(facts.connection(self.peer))
    }

    /// Puts TLS below a stream that has not begun: in the name of the host that the client asks TLS
    /// for, or else of the first.
    async fn secure_by_name(&mut self) -> Result<Connection, Failed> {
        let Some(io) = self.io.take() else { return Err(gone().into()) };
        let hosts = &self.shared.hosts;
        let (mut named, first) = (None, self.host.clone());
        let choose = |name: Option<&str>| -> Option<Tls> {
            named = name.and_then(|name| hosts.named(name));
            named.as_ref().unwrap_or(&first).tls.clone()
        };
        let began = self.host.server.stopwatch();
        let secured = io.secure_by(choose).await;
        self.shaken(began, secured.is_ok());
        let (io, facts) = secured?;
        self.io = Some(io);
        if let Some(host) = named {
            self.admission = Admission::new(host.server.clone());
            self.stay = host.expect();
            self.host = host;
            self.settled = true;
        }
        Ok(facts.connection(self.peer))
    }

    /// The two have agreed on TLS, or have not.
    fn shaken(&self, began: Option<Duration>, done: bool) {
        let server = &self.host.server;
        if let Some(began) = began {
            server.see(Seen::Handshake { took: server.since(began), done });
        }
    }

    /// Hands over to the bound session, which is a task of its host.
    fn open(self) {
        let (Some(session), Some(io)) = (self.admission.admit(), self.io) else { return };
        if let Some(lang) = &self.lang {
            session.set_lang(lang);
        }
        let (server, bounds) = (&self.host.server, self.host.bounds());
        let unread = Unread { wire: self.wire, unparsed: self.input };
        let parts = (self.layout, self.transform);
        let open = Open::new(server.clone(), session, io, parts.0, parts.1, bounds, unread);
        let (held, line) = ((self.stay, self.place), self.line);
        let span = tracing::debug_span!("session", jid = %open.session.jid());
        let session = async move {
            line.ends(open.serve().await);
            drop(held);
        };
        self.host.carry(session.instrument(span));
    }

    /// Sends what is left to say, and waits for the client to close its side.
    async fn part(mut self) {
        let closing = self.host.bounds().closing;
        self.layout.close(&mut self.output);
        let parting = async {
            self.flush().await?;
            let Some(io) = &mut self.io else { return Ok(()) };
            io.close().await.map_err(Failed::from)
        };
        // Whoever does not listen has been told.
        let _told = tokio::time::timeout(closing, parting).await;
    }
}

fn gone() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

/// A connection as it begins. One without an address is one of this process.
fn clear(peer: Option<SocketAddr>) -> Connection {
    match peer {
        None => Connection::in_process(),
        Some(peer) if peer.ip().to_canonical().is_loopback() => {
            Connection::new(Protection::Loopback).with_peer(peer)
        }
        Some(peer) => Connection::new(Protection::Clear).with_peer(peer),
    }
}
