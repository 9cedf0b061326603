//! Messages within a stream of bytes.

use sestina_core::Outgoing;
use sestina_stanza::StreamError;
use sestina_stream::{Form, Sink, read_message};
use sestina_xml::{Frame, Limits, StreamParser};

/// How a carrier, such as WebSocket, tells one message from the next within a stream of bytes.
///
/// A codec without I/O: the network hands it what it reads and writes what it makes.
pub trait Framing: Send + 'static {
    /// Takes bytes from the front of `input` and appends what they carry to `message`, up to the
    /// end of that message. Never does `message` grow beyond `most` bytes.
    ///
    /// # Errors
    ///
    /// What the peer is told before the stream ends. Nothing is taken after that.
    fn take(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        most: usize,
    ) -> Result<Taken, StreamError>;

    /// Makes a message of everything that `out` holds from `start` on.
    fn seal(&mut self, out: &mut Vec<u8>, start: usize);

    /// Appends what the peer's side answers without its client being asked, so that the loss of a
    /// connection is noticed.
    fn ping(&mut self, out: &mut Vec<u8>);

    /// Appends what this side answers of itself to what was taken.
    fn answer(&mut self, out: &mut Vec<u8>);

    /// Appends what tells that nothing follows.
    fn close(&mut self, out: &mut Vec<u8>);
}

/// What [`Framing::take`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All bytes were taken, and the message goes on.
    More,
    /// The message is complete.
    Message,
    /// The peer says that nothing follows.
    Closed,
}

/// What makes frames of the bytes of a connection, and bytes of what is to be said on it.
pub(crate) enum Layout {
    /// One document.
    Document(StreamParser),
    Messages(Box<Messages>),
}

pub(crate) struct Messages {
    framing: Box<dyn Framing>,
    limits: Limits,
    /// As far as it has come; holds nothing between two messages.
    message: Vec<u8>,
    closed: bool,
}

impl Layout {
    pub(crate) fn messages(framing: impl Framing, limits: Limits) -> Self {
        let framing = Box::new(framing);
        Self::Messages(Box::new(Messages { framing, limits, message: Vec::new(), closed: false }))
    }

    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Document(_) => Form::Document,
            Self::Messages(_) => Form::Messages,
        }
    }

    /// Takes bytes from the front of `input` up to the end of the next frame.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, StreamError> {
        match self {
            Self::Document(parser) => Ok(parser.next(input)?),
            Self::Messages(it) => it.next(input),
        }
    }

    /// Expects a header.
    pub(crate) fn restart(&mut self) {
        if let Self::Document(parser) = self {
            parser.restart();
        }
    }

    pub(crate) fn set_limits(&mut self, limits: Limits) {
        match self {
            Self::Document(parser) => parser.set_limits(limits),
            Self::Messages(it) => it.limits = limits,
        }
    }

    /// Whether the peer has ended the carrier below the stream.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Messages(it) if it.closed)
    }

    /// Writes what waits for a client.
    pub(crate) fn write(&mut self, item: &Outgoing, out: &mut Vec<u8>) {
        match self {
            Self::Document(_) => item.write(out),
            Self::Messages(it) => {
                let start = out.len();
                item.write_standalone(out);
                it.framing.seal(out, start);
            }
        }
    }

    /// Something that needs no answer of the client's, for whom it is nothing.
    pub(crate) fn ping(&mut self, out: &mut Vec<u8>) {
        match self {
            // RFC 6120 §4.6.1
            Self::Document(_) => out.push(b' '),
            Self::Messages(it) => it.framing.ping(out),
        }
    }

    /// What the carrier itself has to say.
    pub(crate) fn answer(&mut self, out: &mut Vec<u8>) {
        if let Self::Messages(it) = self {
            it.framing.answer(out);
        }
    }

    /// Ends the stream, with an error if there is one, and what carries it.
    pub(crate) fn part(&mut self, error: Option<&StreamError>, out: &mut Vec<u8>) {
        let form = self.form();
        let mut sink = self.sink(out);
        match error {
            Some(error) => form.write_error(error, &mut sink),
            None => form.write_close(&mut sink),
        }
        self.close(out);
    }

    /// Ends what carries a stream that has been closed.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        if let Self::Messages(it) = self {
            it.framing.close(out);
        }
    }

    /// Takes what a stream says.
    pub(crate) fn sink<'a>(&'a mut self, out: &'a mut Vec<u8>) -> Outlet<'a> {
        Outlet { start: out.len(), layout: self, out }
    }
}

impl Messages {
    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, StreamError> {
        if self.closed {
            *input = &[];
            return Ok(None);
        }
        match self.framing.take(input, &mut self.message, self.limits.element_bytes)? {
            Taken::More => Ok(None),
            Taken::Message => {
                let message = std::mem::take(&mut self.message);
                Ok(Some(read_message(&message, &self.limits)?))
            }
            Taken::Closed => {
                self.closed = true;
                *input = &[];
                Ok(None)
            }
        }
    }
}

/// Takes what a stream says, and makes messages of it where they are wanted.
pub(crate) struct Outlet<'a> {
    layout: &'a mut Layout,
    out: &'a mut Vec<u8>,
    start: usize,
}

impl Sink for Outlet<'_> {
    fn bytes(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn end(&mut self) {
        if let Layout::Messages(it) = self.layout {
            it.framing.seal(self.out, self.start);
            self.start = self.out.len();
        }
    }
}
