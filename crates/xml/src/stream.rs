//! The push parser of one direction of a stream.

use std::fmt;
use std::sync::Arc;

use crate::chars::{is_space, trim_spaces};
use crate::frame::Framer;
use crate::header::{HeaderFramer, Step, StreamHeader, check_declaration};
use crate::scope::Scope;
use crate::token::Stop;
use crate::{Element, LimitKind, Limits, XmlError};

/// What a stream is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The stream's root was opened.
    Open(StreamHeader),
    /// A complete element stands directly within the root: a stanza or part of a negotiation.
    Element(Element),
    /// The stream's root was closed. Nothing follows.
    Close,
}

/// Cuts the bytes of one direction of a stream into frames, however they are split.
///
/// Between two elements it holds no heap memory of its own; within one, its bytes so far and never
/// more than [`Limits::element_bytes`]. The verdict on a stream does not depend on how it was split:
/// the same bytes give the same frames and the same error.
///
/// ```
/// use sestina_xml::{Frame, Limits, StreamParser};
///
/// let mut parser = StreamParser::new(Limits::unauthenticated());
/// let mut input: &[u8] = b"<stream:stream xmlns='jabber:client' version='1.0' \
///     xmlns:stream='http://etherx.jabber.org/streams' to='example.org'><presence/><mess";
///
/// let Some(Frame::Open(header)) = parser.next(&mut input)? else { panic!() };
/// assert_eq!(header.to(), Some("example.org"));
/// let Some(Frame::Element(presence)) = parser.next(&mut input)? else { panic!() };
/// assert!(presence.is("presence", "jabber:client"));
/// assert_eq!(parser.next(&mut input)?, None);
/// assert!(input.is_empty());
/// # Ok::<(), sestina_xml::XmlError>(())
/// ```
pub struct StreamParser {
    limits: Limits,
    phase: Phase,
    /// The bytes of what is incomplete.
    pending: Vec<u8>,
    scope: Option<Arc<Scope>>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Header(HeaderFramer),
    /// Between elements, or within one whose bytes so far are pending.
    Content(Framer),
    /// The root was opened and closed by one tag.
    Closing,
    Closed,
    Failed(XmlError),
}

impl StreamParser {
    /// Makes a parser that expects a stream header.
    pub fn new(limits: Limits) -> Self {
        Self { limits, phase: Phase::Header(HeaderFramer::new()), pending: Vec::new(), scope: None }
    }

    /// Expects a new stream header, as after TLS or authentication, and forgets all else.
    pub fn restart(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Changes the bounds; what is half received is held to the new ones.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns the bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether a header or an element has begun to arrive and not ended.
    pub fn is_mid_element(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes bytes from the front of `input` up to the end of the next frame.
    ///
    /// None means that all of them were taken and more are needed. White space between elements is
    /// taken and passed over. What follows the end of the stream is taken and dropped.
    ///
    /// # Errors
    ///
    /// What is wrong with the peer's bytes. The stream is then beyond repair: the same error comes
    /// again until [`restart`](Self::restart).
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, XmlError> {
        let taken = match self.phase {
            Phase::Header(framer) => self.header(framer, input),
            Phase::Content(framer) => self.content(framer, input),
            Phase::Closing => {
                self.phase = Phase::Closed;
                Ok(Some(Frame::Close))
            }
            Phase::Closed => {
                *input = &[];
                Ok(None)
            }
            Phase::Failed(error) => Err(error),
        };
        if let Err(error) = taken {
            self.phase = Phase::Failed(error);
            self.pending = Vec::new();
        }
        taken
    }

    fn header(
        &mut self,
        mut framer: HeaderFramer,
        input: &mut &[u8],
    ) -> Result<Option<Frame>, XmlError> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            let step = framer.step(byte)?;
            if !matches!(step, Step::Skip) {
                if self.pending.len() >= self.limits.header_bytes {
                    return Err(XmlError::Limit(LimitKind::HeaderBytes));
                }
                self.pending.push(byte);
            }
            match step {
                Step::Skip | Step::More => {}
                Step::Declared => check_declaration(&self.pending)?,
                Step::Complete => {
                    let header = std::mem::take(&mut self.pending);
                    let (header, empty) = StreamHeader::read(&header, &self.limits)?;
                    self.scope = Some(Arc::clone(header.scope()));
                    self.phase = if empty { Phase::Closing } else { Phase::Content(Framer::new()) };
                    return Ok(Some(Frame::Open(header)));
                }
            }
        }
        self.phase = Phase::Header(framer);
        Ok(None)
    }

    fn content(
        &mut self,
        mut framer: Framer,
        input: &mut &[u8],
    ) -> Result<Option<Frame>, XmlError> {
        if self.pending.is_empty() {
            let spaces = input.iter().take_while(|&&byte| is_space(byte)).count();
            *input = input.get(spaces..).unwrap_or_default();
            if input.is_empty() {
                return Ok(None);
            }
            if let Some(element) = self.whole_element(input) {
                return Ok(Some(Frame::Element(element)));
            }
        }
        let room = self.limits.largest_element().saturating_sub(self.pending.len());
        let fits = input.get(..room).unwrap_or(input);
        match framer.scan(fits, self.limits.depth)? {
            Some(end) => {
                let last = fits.get(..end).unwrap_or(fits);
                *input = input.get(last.len()..).unwrap_or_default();
                let frame = if self.pending.is_empty() {
                    self.complete(last)
                } else {
                    let mut pending = std::mem::take(&mut self.pending);
                    pending.extend_from_slice(last);
                    self.complete(&pending)
                }?;
                self.phase = match frame {
                    Frame::Close => Phase::Closed,
                    _ => Phase::Content(Framer::new()),
                };
                Ok(Some(frame))
            }
            // At the bound and not at the end: it can only grow beyond.
            None if fits.len() == room => Err(XmlError::Limit(LimitKind::ElementBytes)),
            None => {
                self.hold(fits);
                *input = &[];
                self.phase = Phase::Content(framer);
                Ok(None)
            }
        }
    }

    /// Reads an element that lies in `input` from its first byte to its last, as nearly all do.
    fn whole_element(&self, input: &mut &[u8]) -> Option<Element> {
        let fits = input.get(..self.limits.largest_element()).unwrap_or(input);
        // Whatever is wrong is left for the way that gives every split the same verdict.
        let element = Element::read(fits, self.scope.as_ref(), &self.limits).ok()?;
        *input = input.get(element.as_bytes().len()..).unwrap_or_default();
        Some(element)
    }

    /// Judges the bytes of one element, or of the stream's end.
    fn complete(&self, bytes: &[u8]) -> Result<Frame, XmlError> {
        if let Some(tag) = bytes.strip_prefix(b"</") {
            let root = self.scope.as_ref().map_or("", |scope| &scope.root).as_bytes();
            let rest = tag.strip_prefix(root).ok_or(XmlError::NotWellFormed)?;
            let closes = trim_spaces(rest) == b">";
            return if closes { Ok(Frame::Close) } else { Err(XmlError::NotWellFormed) };
        }
        match Element::read(bytes, self.scope.as_ref(), &self.limits) {
            Ok(element) if element.as_bytes().len() == bytes.len() => Ok(Frame::Element(element)),
            Ok(_) | Err(Stop::Incomplete) => Err(XmlError::NotWellFormed),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// Keeps bytes of an element that goes on, never more room for them than it may fill.
    fn hold(&mut self, bytes: &[u8]) {
        let needed = self.pending.len() + bytes.len();
        if needed > self.pending.capacity() {
            let generous = needed.max(self.pending.capacity() * 2);
            let bounded = generous.min(self.limits.largest_element()).max(needed);
            self.pending.reserve_exact(bounded - self.pending.len());
        }
        self.pending.extend_from_slice(bytes);
    }
}

impl fmt::Debug for StreamParser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamParser")
            .field("phase", &self.phase)
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_by_the_limit_and_given_back() {
        let limits = Limits { element_bytes: 1_000, ..Limits::default() };
        let mut parser = StreamParser::new(limits);
        parser.next(&mut &b"<s xmlns='a'>"[..]).unwrap();
        assert_eq!(parser.pending.capacity(), 0);
        parser.next(&mut &b"<a>"[..]).unwrap();
        for _ in 0..992 {
            assert_eq!(parser.next(&mut &b"x"[..]), Ok(None));
            assert!(parser.pending.capacity() <= limits.element_bytes);
        }
        assert!(parser.is_mid_element());
        assert!(matches!(parser.next(&mut &b"</a>"[..]), Ok(Some(Frame::Element(_)))));
        assert_eq!(parser.pending.capacity(), 0);

        parser.next(&mut &b"<a>x"[..]).unwrap();
        parser.next(&mut &b"<?"[..]).unwrap_err();
        assert_eq!(parser.pending.capacity(), 0);
    }

    #[test]
    fn an_idle_stream_of_a_usual_client_shares_its_scope() {
        let header = "<stream:stream xmlns='jabber:client' to='example.org' \
            xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
        let scope = || {
            let mut parser = StreamParser::new(Limits::default());
            parser.next(&mut header.as_bytes()).unwrap();
            parser.scope.unwrap()
        };
        assert!(Arc::ptr_eq(&scope(), &scope()));
    }
}
