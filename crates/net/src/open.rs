//! A connection with a bound session: bytes to stanzas, stanzas to bytes, one task for both.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use sestina_core::{BoxFuture, Handling, Outbound, Seen, Server, Session, caught};
use sestina_stanza::{Jid, ReadError, Stanza, StreamCondition, StreamError, ns};
use sestina_stream::Transform;
use sestina_xml::{Element, Frame};
use tokio::time::{Sleep, timeout};

use crate::{bounds::Bounds, framing::Layout, scratch, transport::Transport};

/// A bound session's connection.
///
/// It holds no buffer while nothing is on its way, and reads no clock while it is busy: every tick
/// of its timer it looks what has happened since the last.
pub(crate) struct Open {
    pub(crate) server: Server,
    pub(crate) session: Arc<Session>,
    pub(crate) io: Transport,
    layout: Layout,
    transform: Option<Box<dyn Transform>>,
    bounds: Arc<Bounds>,
    /// Read but not transformed, so that one read is not made into too much at once.
    wire: Vec<u8>,
    /// Read but not parsed, because something must be awaited first.
    unparsed: Vec<u8>,
    pending: Option<BoxFuture<'static, ()>>,
    /// Whom the peer wrote to last: often the same again.
    last_to: Option<Jid>,
    /// Written but not taken by the socket.
    unsent: Vec<u8>,
    sent: usize,
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    /// Ticks since the peer was heard, since it was spoken to, since it took what was written; for
    /// how many a handler has been awaited, or the peer has been told to go and does not read it.
    quiet: u32,
    silent: u32,
    stalled: u32,
    waiting: u32,
    leaving: u32,
    /// Whether the session has been closed.
    over: bool,
}

/// What a negotiation has read and not come to.
pub(crate) struct Unread {
    /// As it came, where it must be transformed.
    pub(crate) wire: Vec<u8>,
    /// As it is parsed.
    pub(crate) unparsed: Vec<u8>,
}

/// Why a connection ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer closed its stream.
    Closed,
    /// The peer is gone.
    Lost(Option<io::Error>),
    /// The peer does not take what is written to it.
    Stalled,
    /// The server ends it, and says so if there is something to say.
    Ended(Option<StreamError>),
}

impl Open {
    pub(crate) fn new(
        server: Server,
        session: Arc<Session>,
        io: Transport,
        mut layout: Layout,
        transform: Option<Box<dyn Transform>>,
        bounds: Arc<Bounds>,
        Unread { wire, unparsed }: Unread,
    ) -> Self {
        layout.set_limits(bounds.authenticated);
        let timer = Box::pin(tokio::time::sleep(bounds.tick()));
        session.share_stream();
        Self {
            server,
            session,
            io,
            layout,
            transform,
            bounds,
            wire,
            unparsed,
            pending: None,
            last_to: None,
            unsent: Vec::new(),
            sent: 0,
            unflushed: false,
            timer,
            quiet: 0,
            silent: 0,
            stalled: 0,
            waiting: 0,
            leaving: 0,
            over: false,
        }
    }

    /// Serves the session until the end, and ends it; says in a word why.
    pub(crate) async fn serve(mut self) -> &'static str {
        // What lies below the stream is a plugin's, too. Whatever was half done with the bytes is not
        // looked at again: the stream ends.
        let serving = poll_fn(|cx| {
            caught(|| self.poll_serve(cx)).unwrap_or_else(|panicked| {
                self.server.note_panic(panicked);
                Poll::Ready(End::Ended(Some(StreamCondition::InternalServerError.into())))
            })
        });
        let end = serving.await;
        let why = match &end {
            End::Closed | End::Ended(None) => "closed",
            End::Lost(_) => "lost",
            End::Stalled => {
                self.server.see(Seen::Bounded { bound: "connection.stalled" });
                "stalled"
            }
            End::Ended(Some(error)) => error.condition().name(),
        };
        Box::pin(self.end(end)).await;
        why
    }

    /// Takes leave of the peer as far as it is there, and of the session.
    async fn end(mut self, end: End) {
        let why = match &end {
            End::Closed => "the peer closed its stream".to_owned(),
            End::Lost(None) => "the connection was lost".to_owned(),
            End::Lost(Some(error)) => format!("the connection was lost: {error}"),
            End::Stalled => "the peer does not read".to_owned(),
            End::Ended(None) => "closed".to_owned(),
            End::Ended(Some(error)) => error.condition().name().to_owned(),
        };
        tracing::debug!(jid = %self.session.jid(), why, "a session ends");
        if let Some(pending) = self.pending.take() {
            // What was taken from the peer is done to its end, or half of it would be.
            let _as_far_as_it_goes = timeout(self.bounds.closing, pending).await;
        }
        let mut goodbye = Vec::new();
        match &end {
            End::Closed | End::Ended(None) => self.layout.part(None, &mut goodbye),
            End::Ended(Some(error)) => self.layout.part(Some(error), &mut goodbye),
            End::Lost(_) | End::Stalled => {}
        }
        if matches!(end, End::Closed) {
            // The peer has ended its side, and is told what was meant for it until now.
            let _as_far_as_it_goes = poll_fn(|cx| Poll::Ready(self.poll_outbound(cx))).await;
        }
        for session in self.session.bundle().map(|bundle| bundle.end()).unwrap_or_default() {
            self.server.close(&session).await;
        }
        self.server.close(&self.session).await;
        self.over = true;
        if goodbye.is_empty() {
            return;
        }
        let closing = self.bounds.closing;
        let parting = async {
            poll_fn(|cx| self.poll_unsent(cx)).await?;
            self.begin_write(&mut Context::from_waker(Waker::noop()), &mut goodbye)?;
            poll_fn(|cx| self.poll_unsent(cx)).await?;
            self.io.close().await.map_err(|error| End::Lost(Some(error)))
        };
        // Whoever does not listen has been told.
        let _told = timeout(closing, parting).await;
    }

    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.poll_outbound(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                // A peer that does not read is not read from.
                Poll::Pending => break,
            }
            match self.poll_inbound(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => break,
            }
        }
        self.poll_timer(cx)
    }

    // Outbound.

    /// Ready once nothing is left to write, with the task to be woken when there is.
    pub(crate) fn poll_outbound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        loop {
            ready!(self.poll_unsent(cx))?;
            let more = scratch::output(|out| match self.poll_sessions(cx, out) {
                Poll::Pending => Ok(false),
                Poll::Ready(Ok(())) if out.is_empty() => Ok(true),
                Poll::Ready(Ok(())) => self.begin_write(cx, out).map(|()| true),
                Poll::Ready(Err(end)) => Err(end),
            })?;
            if !more {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Writes what waits for the session, or for one of those that share its stream.
    fn poll_sessions(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Result<(), End>> {
        match write_waiting(&self.session, &mut self.layout, cx, out) {
            Poll::Ready(Outbound::Stanzas) => return Poll::Ready(Ok(())),
            Poll::Ready(Outbound::End(error)) => return Poll::Ready(self.succeed(error)),
            Poll::Pending => {}
        }
        let Some(bundle) = self.session.bundle() else { return Poll::Pending };
        for session in bundle.sessions().iter().filter(|it| it.id() != self.session.id()) {
            match write_waiting(session, &mut self.layout, cx, out) {
                Poll::Ready(Outbound::Stanzas) => return Poll::Ready(Ok(())),
                Poll::Ready(Outbound::End(_)) => self.server.forget(session),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }

    /// The session ends: another of the same stream takes its place, or the stream ends.
    fn succeed(&mut self, error: Option<StreamError>) -> Result<(), End> {
        let others = self.session.bundle().map(|bundle| bundle.sessions()).unwrap_or_default();
        let next = others.into_iter().find(|it| it.id() != self.session.id());
        let Some(next) = next else { return Err(End::Ended(error)) };
        let ended = std::mem::replace(&mut self.session, next);
        self.server.forget(&ended);
        Ok(())
    }

    /// Writes what the socket takes at once, and keeps the rest.
    fn begin_write(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        if let Some(transform) = &mut self.transform {
            let mut changed = Vec::with_capacity(out.len());
            transform.outbound(out, &mut changed);
            *out = changed;
        }
        self.silent = 0;
        self.unflushed = true;
        let mut sent = 0;
        while let Some(bytes) = out.get(sent..).filter(|bytes| !bytes.is_empty()) {
            match self.io.poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Err(End::Lost(None)),
                Poll::Ready(Ok(n)) => sent += n,
                Poll::Ready(Err(error)) => return Err(End::Lost(Some(error))),
                Poll::Pending => {
                    self.unsent.extend_from_slice(bytes);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes what the socket did not take before.
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        while let Some(bytes) = self.unsent.get(self.sent..).filter(|bytes| !bytes.is_empty()) {
            match ready!(self.io.poll_write(cx, bytes)) {
                Ok(0) => return Poll::Ready(Err(End::Lost(None))),
                Ok(n) => {
                    self.sent += n;
                    self.stalled = 0;
                }
                Err(error) => return Poll::Ready(Err(End::Lost(Some(error)))),
            }
        }
        if self.sent > 0 {
            self.unsent = Vec::new();
            self.sent = 0;
        }
        if self.unflushed {
            ready!(self.io.poll_flush(cx)).map_err(|error| End::Lost(Some(error)))?;
            self.unflushed = false;
        }
        self.stalled = 0;
        Poll::Ready(Ok(()))
    }

    // Inbound.

    /// Ready once something was read and handled.
    fn poll_inbound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Some(pending) = &mut self.pending {
            ready!(pending.as_mut().poll(cx));
            self.pending = None;
            self.waiting = 0;
        }
        if !self.unparsed.is_empty() {
            let unparsed = std::mem::take(&mut self.unparsed);
            return Poll::Ready(self.consume(cx, &unparsed));
        }
        if !self.wire.is_empty() {
            return Poll::Ready(self.consume_wire(cx));
        }
        scratch::input(|buffer| match ready!(self.io.poll_read(cx, buffer)) {
            Ok(0) => Poll::Ready(Err(End::Lost(None))),
            Ok(n) => {
                self.quiet = 0;
                let read = buffer.get(..n).unwrap_or(&[]);
                Poll::Ready(if self.transform.is_some() {
                    self.wire.extend_from_slice(read);
                    self.consume_wire(cx)
                } else {
                    self.consume(cx, read)
                })
            }
            Err(error) => Poll::Ready(Err(End::Lost(Some(error)))),
        })
    }

    /// Transforms bytes as they have come, as many as make up one read, and takes those.
    fn consume_wire(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let Some(transform) = &mut self.transform else { return Ok(()) };
        let mut xml = Vec::new();
        let taken = transform
            .inbound(&self.wire, &mut xml, scratch::READ)
            .map_err(|error| End::Ended(Some(error)))?;
        if taken == 0 && xml.is_empty() {
            // It would be asked for ever.
            return Err(End::Ended(Some(StreamCondition::InternalServerError.into())));
        }
        self.wire.drain(..taken.min(self.wire.len()));
        if self.wire.is_empty() {
            self.wire = Vec::new();
        }
        self.consume(cx, &xml)
    }

    /// Parses and handles bytes, up to the first stanza that must be awaited.
    fn consume(&mut self, cx: &mut Context<'_>, mut input: &[u8]) -> Result<(), End> {
        while let Some(frame) =
            self.layout.next(&mut input).map_err(|error| self.unreadable(error))?
        {
            match frame {
                Frame::Element(element) => self.handle(cx, element)?,
                Frame::Close => return Err(End::Closed),
                // The parser gives a header only where one is due.
                Frame::Open(_) => {
                    return Err(End::Ended(Some(StreamCondition::BadFormat.into())));
                }
            }
            if self.pending.is_some() {
                self.unparsed = input.to_vec();
                break;
            }
        }
        let mut answer = Vec::new();
        self.layout.answer(&mut answer);
        if !answer.is_empty() {
            // Nothing is left unsent where something is read.
            self.begin_write(cx, &mut answer)?;
        }
        if self.layout.is_closed() { Err(End::Lost(None)) } else { Ok(()) }
    }

    fn unreadable(&self, error: StreamError) -> End {
        if error.condition() == StreamCondition::PolicyViolation {
            self.server.see(Seen::Bounded { bound: "stanza" });
        }
        End::Ended(Some(error))
    }

    fn handle(&mut self, cx: &mut Context<'_>, element: Element) -> Result<(), End> {
        let stanza = match Stanza::read_like(element, self.last_to.as_ref()) {
            Ok(stanza) if stanza.namespace() == ns::CLIENT => stanza,
            // RFC 6120 §4.9.3.24: such a stanza is at home on other streams.
            Ok(_) => return Err(End::Ended(Some(StreamCondition::UnsupportedStanzaType.into()))),
            Err(ReadError::Malformed(malformed)) => {
                if let Some(reply) = malformed.reply() {
                    self.server.deliver(&self.session, reply);
                }
                return Ok(());
            }
            Err(ReadError::NotAStanza(element)) => {
                let handling = self.server.receive_element(&self.session, &element);
                return self.go_on(cx, handling);
            }
            Err(other) => {
                let condition =
                    other.stream_condition().unwrap_or(StreamCondition::UnsupportedStanzaType);
                return Err(End::Ended(Some(condition.into())));
            }
        };
        if stanza.to() != self.last_to.as_ref() {
            self.last_to = stanza.to().cloned();
        }
        let handling = self.server.receive(&self.session, stanza);
        self.go_on(cx, handling)
    }

    /// Goes on as far as what was handed to the server lets it.
    fn go_on(&mut self, cx: &mut Context<'_>, handling: Handling) -> Result<(), End> {
        match handling {
            Handling::Done => {}
            Handling::Pending(mut pending) => {
                // Most handlers have nothing to wait for.
                if pending.as_mut().poll(cx).is_pending() {
                    self.pending = Some(pending);
                    self.waiting = 0;
                }
            }
            Handling::Close(error) => return Err(End::Ended(Some(error))),
        }
        Ok(())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let next = self.timer.deadline() + self.bounds.tick();
            self.timer.as_mut().reset(next);
            self.quiet += 1;
            self.silent += 1;
            let blocked = self.unflushed || !self.unsent.is_empty();
            self.stalled = if blocked { self.stalled + 1 } else { 0 };
            // However slowly it reads: what is left for it is bounded, its time is, too.
            self.leaving += u32::from(blocked && self.session.is_ending());
            if self.stalled.max(self.leaving) >= self.bounds.ticks(self.bounds.stalled) {
                return Poll::Ready(End::Stalled);
            }
            self.waiting += u32::from(self.pending.is_some());
            if self.waiting >= self.bounds.ticks(self.bounds.handling) {
                tracing::warn!(jid = %self.session.jid(), "a stanza was not handled in time");
                self.server.see(Seen::Bounded { bound: "connection.handling" });
                self.pending = None;
                return Poll::Ready(End::Ended(Some(StreamCondition::InternalServerError.into())));
            }
            if self.bounds.idle.is_some_and(|idle| self.quiet >= self.bounds.ticks(idle)) {
                self.server.see(Seen::Bounded { bound: "connection.idle" });
                return Poll::Ready(End::Ended(Some(StreamCondition::ConnectionTimeout.into())));
            }
            let due = |after| self.silent >= self.bounds.ticks(after);
            if !blocked && self.bounds.keepalive.is_some_and(due) {
                let mut ping = Vec::new();
                self.layout.ping(&mut ping);
                if let Err(end) = self.begin_write(cx, &mut ping) {
                    return Poll::Ready(end);
                }
                match self.poll_unsent(cx) {
                    Poll::Ready(Err(end)) => return Poll::Ready(end),
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.over {
            // The task was aborted or has panicked.
            for session in self.session.bundle().map(|bundle| bundle.end()).unwrap_or_default() {
                self.server.forget(&session);
            }
            self.server.forget(&self.session);
        }
    }
}

/// Writes what waits for a session, as much as is written at once.
fn write_waiting(
    session: &Session,
    layout: &mut Layout,
    cx: &mut Context<'_>,
    out: &mut Vec<u8>,
) -> Poll<Outbound> {
    session.poll_outbound(cx, |item| {
        layout.write(item, out);
        out.len() < scratch::WRITE
    })
}
