//! The framing of WebSocket (RFC 6455 §5), as a server has it.
//!
//! An idle connection holds some hundred bytes of this and no buffer; crates that would do it hold
//! buffers of kilobytes for each, or read and write by themselves.

use sestina_net::{Framing, Taken};
use sestina_stanza::{StreamCondition, StreamError};

/// Takes frames apart and makes them.
#[derive(Debug, Default)]
pub(crate) struct WebSocketFraming {
    head: Head,
    /// The frame whose head is complete, and whose payload is not.
    frame: Option<Frame>,
    /// Whether a message has begun and not ended.
    fragmented: bool,
    /// The payload of a control frame, as far as it has come.
    control: Vec<u8>,
    /// What the last ping that is not answered said.
    ping: Option<Vec<u8>>,
    /// The code to end with, once there is a reason.
    code: Option<u16>,
    parted: bool,
    over: bool,
}

/// A frame's head, as far as it has come.
#[derive(Debug, Default)]
struct Head {
    bytes: [u8; HEAD],
    len: usize,
}

/// The longest head: two bytes, eight of a length, four of a mask.
const HEAD: usize = 14;
/// The largest payload of a control frame (RFC 6455 §5.5).
const CONTROL: u64 = 125;

#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    last: bool,
    left: u64,
    mask: [u8; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Continuation,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What is wrong with a peer's frames, as the peer is told by a code (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Protocol,
    Binary,
    TooLarge,
}

/// It ends as it should (RFC 6455 §7.4.1).
const NORMAL: u16 = 1_000;

impl Fault {
    fn code(self) -> u16 {
        match self {
            Self::Protocol => 1_002,
            Self::Binary => 1_003,
            Self::TooLarge => 1_009,
        }
    }

    fn error(self) -> StreamError {
        let (condition, text) = match self {
            Self::Protocol => (StreamCondition::BadFormat, "not a frame of WebSocket"),
            Self::Binary => (StreamCondition::BadFormat, "messages are text"),
            Self::TooLarge => (StreamCondition::PolicyViolation, "the message is too large"),
        };
        StreamError::new(condition).with_text(text)
    }
}

impl Framing for WebSocketFraming {
    fn take(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        most: usize,
    ) -> Result<Taken, StreamError> {
        if self.over {
            *input = &[];
            return Ok(Taken::Closed);
        }
        self.advance(input, message, most).map_err(|fault| {
            self.code = Some(fault.code());
            fault.error()
        })
    }

    fn seal(&mut self, out: &mut Vec<u8>, start: usize) {
        const TEXT: u8 = 0x81;
        seal(TEXT, out, start);
    }

    fn ping(&mut self, out: &mut Vec<u8>) {
        const PING: u8 = 0x89;
        seal(PING, out, out.len());
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        const PONG: u8 = 0x8a;
        if let Some(said) = self.ping.take().filter(|_| !self.parted) {
            let start = out.len();
            out.extend_from_slice(&said);
            seal(PONG, out, start);
        }
        if self.over {
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        const CLOSE: u8 = 0x88;
        if !std::mem::replace(&mut self.parted, true) {
            let start = out.len();
            out.extend_from_slice(&self.code.unwrap_or(NORMAL).to_be_bytes());
            seal(CLOSE, out, start);
        }
    }
}

impl WebSocketFraming {
    fn advance(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        most: usize,
    ) -> Result<Taken, Fault> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => {
                    let Some(frame) = self.head.complete(input)? else { return Ok(Taken::More) };
                    self.check(&frame, message.len(), most)?;
                    frame
                }
            };
            let room = usize::try_from(frame.left).unwrap_or(usize::MAX).min(input.len());
            let (payload, rest) = input.split_at(room);
            *input = rest;
            let to = if frame.kind.is_control() { &mut self.control } else { &mut *message };
            to.extend(
                payload.iter().zip(frame.mask.iter().cycle()).map(|(byte, mask)| byte ^ mask),
            );
            frame.left -= room as u64;
            frame.mask.rotate_left(room % 4);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(Taken::More);
            }
            if let Some(taken) = self.end(&frame)? {
                return Ok(taken);
            }
        }
    }

    /// Whether a frame may come now, and be as large as it says.
    fn check(&self, frame: &Frame, held: usize, most: usize) -> Result<(), Fault> {
        match frame.kind {
            Kind::Text if self.fragmented => Err(Fault::Protocol),
            Kind::Continuation if !self.fragmented => Err(Fault::Protocol),
            Kind::Text | Kind::Continuation => {
                let size = usize::try_from(frame.left).ok().and_then(|it| it.checked_add(held));
                if size.is_some_and(|size| size <= most) { Ok(()) } else { Err(Fault::TooLarge) }
            }
            Kind::Close | Kind::Ping | Kind::Pong if frame.last && frame.left <= CONTROL => Ok(()),
            Kind::Close | Kind::Ping | Kind::Pong => Err(Fault::Protocol),
        }
    }

    /// What a frame that has come to its end means.
    fn end(&mut self, frame: &Frame) -> Result<Option<Taken>, Fault> {
        match frame.kind {
            Kind::Text | Kind::Continuation => {
                self.fragmented = !frame.last;
                return Ok(frame.last.then_some(Taken::Message));
            }
            // RFC 6455 §5.5.3: the latest is answered, however many there were.
            Kind::Ping => self.ping = Some(std::mem::take(&mut self.control)),
            Kind::Pong => self.control = Vec::new(),
            Kind::Close => {
                self.code = Some(closing(&std::mem::take(&mut self.control))?);
                self.over = true;
                return Ok(Some(Taken::Closed));
            }
        }
        Ok(None)
    }
}

/// The code that a close frame is answered with: its own (RFC 6455 §5.5.1).
fn closing(payload: &[u8]) -> Result<u16, Fault> {
    match payload {
        [] => Ok(NORMAL),
        [a, b, reason @ ..] => match u16::from_be_bytes([*a, *b]) {
            code @ (1_000..=1_003 | 1_007..=1_014 | 3_000..=4_999)
                if std::str::from_utf8(reason).is_ok() =>
            {
                Ok(code)
            }
            _ => Err(Fault::Protocol),
        },
        [_] => Err(Fault::Protocol),
    }
}

impl Head {
    /// Goes on with `input`; the frame once its head is complete.
    fn complete(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, Fault> {
        loop {
            if let Some(frame) = self.read()? {
                self.len = 0;
                return Ok(Some(frame));
            }
            let (Some((&byte, rest)), Some(slot)) =
                (input.split_first(), self.bytes.get_mut(self.len))
            else {
                return Ok(None);
            };
            *slot = byte;
            *input = rest;
            self.len += 1;
        }
    }

    fn read(&self) -> Result<Option<Frame>, Fault> {
        let Some([first, second, rest @ ..]) = self.bytes.get(..self.len) else { return Ok(None) };
        let kind = match first & 0x7f {
            0x00 => Kind::Continuation,
            0x01 => Kind::Text,
            0x02 => return Err(Fault::Binary),
            0x08 => Kind::Close,
            0x09 => Kind::Ping,
            0x0a => Kind::Pong,
            // What no extension was agreed on for.
            _ => return Err(Fault::Protocol),
        };
        // RFC 6455 §5.1
        if second & 0x80 == 0 {
            return Err(Fault::Protocol);
        }
        let (left, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
            }
            (126 | 127, _) => return Ok(None),
            (short, rest) => (u64::from(short), rest),
        };
        // RFC 6455 §5.2: no length is written longer than it need be.
        let shortest = match second & 0x7f {
            126 => left > 125,
            127 => left > 0xffff && left >> 63 == 0,
            _ => true,
        };
        if !shortest {
            return Err(Fault::Protocol);
        }
        let [a, b, c, d] = rest else { return Ok(None) };
        Ok(Some(Frame { kind, last: first & 0x80 != 0, left, mask: [*a, *b, *c, *d] }))
    }
}

/// Puts a head before everything from `start` on.
fn seal(first: u8, out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => drop(out.splice(start..start, [first, len])),
        (_, Ok(len)) => {
            let [a, b] = len.to_be_bytes();
            drop(out.splice(start..start, [first, 126, a, b]));
        }
        _ => {
            let head = [first, 127].into_iter().chain((len as u64).to_be_bytes());
            drop(out.splice(start..start, head));
        }
    }
}

#[cfg(test)]
mod tests;
