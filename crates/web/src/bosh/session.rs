//! One session: requests come and wait, messages come and are answered to them.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};
use sestina_xml::{Element, Limits};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use super::{
    BoshBounds, pipe,
    window::{Arrived, Window},
    wire::{Ask, Condition, Welcome, answer, recoverable, terminate},
};

/// Somebody who waits for an answer, what he asks, and when he did.
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) reply: Reply,
}

pub(crate) type Reply = oneshot::Sender<Bytes>;

/// What a session was made with.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) sid: String,
    pub(crate) to: String,
    pub(crate) lang: Option<String>,
    pub(crate) wait: Duration,
    pub(crate) hold: usize,
    pub(crate) bounds: BoshBounds,
    pub(crate) version: String,
}

impl Terms {
    /// Requests at a time: one more than are held.
    pub(crate) fn requests(&self) -> usize {
        self.hold + 1
    }

    fn polls(&self) -> bool {
        self.hold == 0
    }

    /// How long a client may keep away.
    fn inactivity(&self) -> Duration {
        let BoshBounds { inactivity, polling, .. } = self.bounds;
        // XEP-0124 §12: whoever polls is away between two polls.
        if self.polls() { inactivity + polling } else { inactivity }
    }

    fn welcome(&self, opening: Option<&Element>) -> Welcome {
        let seconds = |it: Duration| it.as_secs().to_string();
        let mut attributes = vec![
            ("sid", self.sid.clone()),
            ("wait", seconds(self.wait)),
            ("requests", self.requests().to_string()),
            ("hold", self.hold.to_string()),
            ("inactivity", seconds(self.inactivity())),
            ("polling", seconds(self.bounds.polling)),
            ("maxpause", seconds(self.bounds.pause)),
            ("ver", self.version.clone()),
        ];
        for (name, from) in [("from", "from"), ("authid", "id")] {
            let value = opening.and_then(|open| open.attr(from));
            attributes.extend(value.map(|value| (name, value.to_owned())));
        }
        Welcome { attributes }
    }
}

/// How long the first answer waits for the stream to open.
const GREETING: Duration = Duration::from_secs(10);

/// Bytes of messages that are gathered for an answer before the server has to wait.
const GATHERED: usize = 64 << 10;

/// A session at work.
pub(crate) struct Session {
    terms: Terms,
    requests: mpsc::Receiver<Request>,
    window: Window<Reply, Ask>,
    /// To the server, as it has not been taken yet.
    inbound: BytesMut,
    /// From the server, as it has been read.
    outbound: BytesMut,
    messages: Vec<Bytes>,
    gathered: usize,
    /// Whether one of them is an error that ends the stream.
    failing: bool,
    /// When those that are held were taken.
    since: VecDeque<Instant>,
    /// Whether the first request has its answer, which says more than others.
    greeted: bool,
    /// How the server has opened the stream.
    opened: Option<Element>,
    /// The key that the next request's is checked with.
    key: Option<String>,
    /// How long the client may stay away until its next request, and since when it has.
    leave: Duration,
    away: Instant,
    last: Option<Last>,
    end: Option<End>,
}

/// The last request that was taken.
#[derive(Clone, Copy)]
struct Last {
    at: Instant,
    empty: bool,
    /// Whether it was answered with something.
    fruitful: bool,
}

/// How a session ends.
enum End {
    /// The client takes leave.
    Parted,
    /// It has not been there for too long.
    Vanished,
    /// For this reason, which it is told.
    Because(Condition),
    /// The server has closed its side.
    Closed(Option<Condition>),
}

impl Session {
    pub(crate) fn new(terms: Terms, first: Request, requests: mpsc::Receiver<Request>) -> Self {
        let Request { ask, reply } = first;
        let from = ask.attr("from").map(str::to_owned);
        let opening = ask.opening(&terms.to, from.as_deref(), terms.lang.as_deref());
        let now = Instant::now();
        let mut session = Self {
            key: ask.attr("newkey").map(str::to_owned),
            window: Window::new(ask.rid, terms.requests()),
            inbound: BytesMut::new(),
            outbound: BytesMut::new(),
            messages: Vec::new(),
            gathered: 0,
            failing: false,
            since: VecDeque::from([now]),
            greeted: false,
            opened: None,
            leave: terms.inactivity(),
            away: now,
            last: None,
            end: None,
            requests,
            terms,
        };
        let _the_first = session.window.arrive(ask.rid, false, reply, ask);
        let _taken = session.window.take();
        session.put(opening);
        session
    }

    /// Carries messages to and fro until the session ends.
    pub(crate) async fn run(mut self, io: DuplexStream) {
        let (mut read, mut write) = tokio::io::split(io);
        while self.end.is_none() {
            self.turn(&mut read, &mut write).await;
            self.settle();
        }
        drop(read);
        self.part(write).await;
    }

    /// Waits for the next thing to happen, and takes it in.
    async fn turn(
        &mut self,
        read: &mut ReadHalf<DuplexStream>,
        write: &mut WriteHalf<DuplexStream>,
    ) {
        let deadline = self.deadline();
        let most = self.terms.bounds.body_bytes;
        tokio::select! {
            // What the server has not taken yet is not added to.
            request = self.requests.recv(), if self.inbound.len() < most => match request {
                Some(request) => self.arrive(request),
                None => self.end = Some(End::Parted),
            },
            wrote = write.write_buf(&mut self.inbound), if !self.inbound.is_empty() => {
                if wrote.is_err() {
                    self.end = Some(End::Closed(Some(Condition::RemoteConnectionFailed)));
                }
            }
            n = read.read_buf(&mut self.outbound), if self.gathered < GATHERED => match n {
                Ok(1..) => self.unpack(),
                _ => {
                    let lost = Condition::RemoteConnectionFailed;
                    let failed = if self.failing { Condition::RemoteStreamError } else { lost };
                    self.end = Some(End::Closed(Some(failed)));
                }
            },
            () = sleep_until(deadline) => self.ring(),
        }
    }

    /// When something is due if nothing happens.
    fn deadline(&self) -> Instant {
        match self.since.front() {
            Some(since) if !self.greeted => *since + GREETING,
            Some(since) => *since + self.terms.wait,
            None => self.away + self.leave,
        }
    }

    /// It is due.
    fn ring(&mut self) {
        if self.since.is_empty() {
            // XEP-0124 §10: nobody is told, since nobody is there.
            self.end = Some(End::Vanished);
        } else {
            self.reply();
        }
    }

    fn arrive(&mut self, Request { ask, reply }: Request) {
        let now = Instant::now();
        match self.window.arrive(ask.rid, ask.parts(), reply, ask) {
            Arrived::Expected { instead_of } => {
                if let Some(waited) = instead_of {
                    let _gone = waited.send(recoverable());
                }
            }
            Arrived::Again(reply, answer) => {
                let _gone = reply.send(answer);
            }
            Arrived::Foreign(reply) => {
                let _gone = reply.send(terminate(Some(Condition::ItemNotFound), &[]));
                self.end = Some(End::Because(Condition::ItemNotFound));
            }
        }
        while self.end.is_none() {
            let Some(ask) = self.window.take() else { break };
            self.since.push_back(now);
            self.take(&ask, now);
        }
    }

    /// Does what a request asks for, now that it is its turn.
    fn take(&mut self, ask: &Ask, now: Instant) {
        self.leave = self.terms.inactivity();
        if !self.fits(ask) {
            self.end = Some(End::Because(Condition::ItemNotFound));
            return;
        }
        let empty = ask.is_empty() && !ask.parts();
        if empty && self.is_hasty(now) {
            self.end = Some(End::Because(Condition::PolicyViolation));
            return;
        }
        self.last = Some(Last { at: now, empty, fruitful: false });
        if ask.restarts() {
            let to = ask.attr("to").unwrap_or(&self.terms.to).to_owned();
            let lang = ask.lang().or(self.terms.lang.as_deref()).map(str::to_owned);
            self.put(ask.opening(&to, ask.attr("from"), lang.as_deref()));
        } else {
            // XEP-0206 §6: what comes with a restart is passed over.
            ask.messages().for_each(|message| self.put(message));
        }
        if ask.ends() {
            self.end = Some(End::Parted);
        } else if ask.attr("pause").is_some() {
            match ask.number("pause").map(Duration::from_secs) {
                Some(pause) if pause <= self.terms.bounds.pause => {
                    self.leave = pause;
                    while self.window.held() > 0 {
                        self.give(&[]);
                    }
                }
                _ => self.end = Some(End::Because(Condition::PolicyViolation)),
            }
        }
    }

    /// Whether a request's key is the one before that of the last (XEP-0124 §15).
    fn fits(&mut self, ask: &Ask) -> bool {
        let Some(known) = &self.key else { return true };
        let Some(key) = ask.attr("key") else { return false };
        let hashed = Sha1::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let fits = hashed.eq_ignore_ascii_case(known);
        self.key = Some(ask.attr("newkey").unwrap_or(key).to_owned());
        fits
    }

    /// Whether a request that asks for nothing comes sooner than it may (XEP-0124 §11 and §12).
    fn is_hasty(&self, now: Instant) -> bool {
        let Some(last) = self.last.filter(|last| now - last.at < self.terms.bounds.polling) else {
            return false;
        };
        if self.terms.polls() {
            last.empty && !last.fruitful
        } else {
            self.window.held() >= self.terms.requests()
        }
    }

    /// Has the server take a message.
    fn put(&mut self, mut message: Vec<u8>) {
        pipe::seal(&mut message, 0);
        self.inbound.extend_from_slice(&message);
    }

    /// Sorts what has come from the server.
    fn unpack(&mut self) {
        while let Some(message) = pipe::unseal(&mut self.outbound) {
            if message.starts_with(b"<open ") {
                if !self.greeted {
                    self.opened = Element::parse(&message, &Limits::default()).ok();
                }
            } else if message.starts_with(b"<close ") {
                let failed = self.failing.then_some(Condition::RemoteStreamError);
                self.end = Some(End::Closed(failed));
            } else {
                self.failing |= message.starts_with(b"<stream:error ");
                self.gathered += message.len();
                self.messages.push(message);
            }
        }
    }

    /// Answers what need not wait any longer.
    fn settle(&mut self) {
        // What ends the stream goes with the last answer.
        if self.end.is_some() || self.failing {
            return;
        }
        if !self.messages.is_empty() && self.window.held() > 0 {
            self.reply();
        }
        // The first is held for the stream to open, which it soon does.
        while self.window.held() > self.terms.hold.max(usize::from(!self.greeted)) {
            self.reply();
        }
    }

    /// Answers whoever has waited longest with whatever there is.
    fn reply(&mut self) {
        let messages = std::mem::take(&mut self.messages);
        self.gathered = 0;
        if let Some(last) = &mut self.last {
            last.fruitful |= !messages.is_empty();
        }
        self.give(&messages);
    }

    fn give(&mut self, messages: &[Bytes]) {
        let first = !std::mem::replace(&mut self.greeted, true);
        let welcome = first.then(|| self.terms.welcome(self.opened.take().as_ref()));
        let answer = answer(welcome.as_ref(), messages);
        if let Some(reply) = self.window.answer(&answer) {
            // Whoever is gone may ask again.
            let _gone = reply.send(answer);
        }
        self.since.pop_front();
        self.away = Instant::now();
    }

    /// Ends the session on both sides.
    async fn part(mut self, mut write: WriteHalf<DuplexStream>) {
        let (last, returns) = match self.end.take() {
            // The stream is lost, and not closed.
            Some(End::Vanished) => return,
            None | Some(End::Parted) => (terminate(None, &[]), false),
            Some(End::Because(condition)) => (terminate(Some(condition), &[]), true),
            Some(End::Closed(condition)) => {
                (terminate(condition, &std::mem::take(&mut self.messages)), true)
            }
        };
        let waiting = self.window.everybody();
        let told = !waiting.is_empty();
        for (at, reply) in waiting.into_iter().enumerate() {
            // XEP-0124 §13: the oldest is told, and the others need not wait.
            let _gone = reply.send(if at == 0 { last.clone() } else { answer(None, &[]) });
        }
        self.put(CLOSE.to_vec());
        let goodbye = async {
            while write.write_buf(&mut self.inbound).await.is_ok_and(|n| n > 0) {}
            write.shutdown().await
        };
        let _as_far_as_it_goes = timeout(CLOSING, goodbye).await;
        drop(write);
        if returns && !told {
            // Whoever comes back is told what has become of it.
            let next = timeout(self.leave, self.requests.recv()).await;
            if let Ok(Some(request)) = next {
                let _gone = request.reply.send(last);
            }
        }
    }
}

const CLOSE: &[u8] = b"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";

/// How long the server may take to take the last of it.
const CLOSING: Duration = Duration::from_secs(3);
