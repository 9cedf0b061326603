//! Drives negotiation: from a fresh connection to a bound session.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Duration};

use sestina_core::Admission;
use sestina_sasl::Protection;
use sestina_stanza::{StreamCondition, StreamError};
use sestina_stream::{ClientStream, Connection, Event, Step, Transform};
use sestina_xml::StreamParser;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    network::{Kind, Shared},
    open::{Open, Unread},
    scratch,
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
    io: Option<Transport>,
    stream: ClientStream,
    admission: Arc<Admission>,
    parser: StreamParser,
    transform: Option<Box<dyn Transform>>,
    /// Received but not transformed.
    wire: Vec<u8>,
    /// Received, transformed where it must be, but not parsed.
    input: Vec<u8>,
    output: Vec<u8>,
    peer: Option<SocketAddr>,
    /// The language that the stream header named.
    lang: Option<String>,
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
    pub(crate) fn new(shared: Arc<Shared>, io: Transport, peer: Option<SocketAddr>) -> Self {
        let connection = clear(peer);
        let admission = Admission::new(shared.server.clone());
        Self {
            stream: ClientStream::new(admission.clone(), connection),
            admission,
            parser: StreamParser::new(shared.bounds.unauthenticated),
            transform: None,
            wire: Vec::new(),
            input: Vec::new(),
            output: Vec::new(),
            io: Some(io),
            shared,
            peer,
            lang: None,
        }
    }

    /// Negotiates until a resource is bound, within the time that there is for it.
    pub(crate) async fn run(mut self, kind: Kind) -> Option<Open> {
        let deadline = Instant::now() + self.shared.bounds.authenticate;
        let mut stopping = self.shared.stopping.subscribe();
        let why = tokio::select! {
            result = timeout_at(deadline, self.negotiate(kind)) => match result {
                Ok(Ok(())) => return self.open(),
                Ok(Err(Failed::Closed)) => None,
                Ok(Err(Failed::Lost(error))) => {
                    tracing::debug!(peer = ?self.peer, %error, "a connection was lost before login");
                    return None;
                }
                Err(_) => Some(Event::TimedOut),
            },
            _ = stopping.wait_for(|stopping| *stopping) => Some(Event::ShuttingDown),
        };
        if let Some(event) = why {
            tracing::debug!(peer = ?self.peer, ?event, "a negotiation was ended");
            let _closed = self.stream.handle(event, &mut self.output);
        }
        self.part().await;
        None
    }

    async fn negotiate(&mut self, kind: Kind) -> Result<(), Failed> {
        if kind == Kind::DirectTls {
            let secured = self.secure().await?;
            self.stream = ClientStream::new(self.admission.clone(), secured);
        }
        let mut breath = (kind == Kind::DirectTls).then_some(BREATH);
        loop {
            let event = self.next().await?;
            if let Some(breath) = breath.take() {
                sleep(breath).await;
            }
            if let Event::Broken(error) = &event {
                tracing::debug!(peer = ?self.peer, %error, "not a stream");
            }
            let mut step = self.stream.handle(event, &mut self.output);
            loop {
                step = match step {
                    Step::Read => break,
                    Step::Restart => {
                        self.parser.restart();
                        break;
                    }
                    Step::Transform(transform) => {
                        self.flush().await?;
                        self.transform = Some(transform);
                        self.parser.restart();
                        self.wire = std::mem::take(&mut self.input);
                        break;
                    }
                    Step::StartTls => {
                        self.flush().await?;
                        // Whatever came in the clear behind the request was not protected.
                        self.input.clear();
                        self.parser.restart();
                        let secured = self.secure().await?;
                        self.stream.handle(Event::Secured(secured), &mut self.output)
                    }
                    Step::Ask(question) => {
                        let answer = self.admission.find_out(question, &self.stream).await;
                        self.stream.handle(Event::Answer(answer), &mut self.output)
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
                        return Ok(());
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
    /// The next thing that the client sends.
    async fn next(&mut self) -> Result<Event, Failed> {
        loop {
            let mut unparsed = self.input.as_slice();
            let frame = self.parser.next(&mut unparsed);
            let parsed = self.input.len() - unparsed.len();
            self.input.drain(..parsed);
            match frame {
                Ok(Some(frame)) => return Ok(Event::Frame(frame)),
                Err(error) => return Ok(Event::Broken(error)),
                Ok(None) => {}
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

    /// Puts TLS below the stream.
    async fn secure(&mut self) -> Result<Connection, Failed> {
        let Some(tls) = self.shared.tls.clone() else { return Err(gone().into()) };
        let Some(io) = self.io.take() else { return Err(gone().into()) };
        let (io, facts) = io.secure(&tls).await?;
        self.io = Some(io);
        Ok(facts.connection(self.peer))
    }

    /// Hands over to the bound session.
    fn open(self) -> Option<Open> {
        let session = self.admission.admit()?;
        if let Some(lang) = &self.lang {
            session.set_lang(lang);
        }
        let server = self.shared.server.clone();
        let bounds = self.shared.bounds.clone();
        let unread = Unread { wire: self.wire, unparsed: self.input };
        Some(Open::new(server, session, self.io?, self.parser, self.transform, bounds, unread))
    }

    /// Sends what is left to say, and waits for the client to close its side.
    async fn part(mut self) {
        let closing = self.shared.bounds.closing;
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
