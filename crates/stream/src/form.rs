//! How a stream is laid out: as one document, or as messages of one document each.

use sestina_stanza::{StreamError, ns};
use sestina_xml::{Element, Frame, Limits, StreamHeader, XmlError};

use crate::wire::ReplyHeader;

/// How a stream is laid out.
///
/// ```
/// use sestina_stream::Form;
///
/// let mut out = Vec::new();
/// Form::Messages.write_close(&mut out);
/// assert_eq!(out, b"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As one document, the root of which is open as long as the stream is (RFC 6120 §4.2).
    #[default]
    Document,
    /// As messages, each of which is a whole document that takes nothing from another
    /// (RFC 7395 §3.3): what carries them has TLS and compression of its own, or none.
    Messages,
}

/// What takes what a stream says, and is told where one message ends.
///
/// A plain `Vec<u8>` puts them one behind the other, which is all that a document needs.
pub trait Sink {
    /// Where to append.
    fn bytes(&mut self) -> &mut Vec<u8>;

    /// What was appended since the last time is a message.
    fn end(&mut self);
}

impl Sink for Vec<u8> {
    fn bytes(&mut self) -> &mut Self {
        self
    }

    fn end(&mut self) {}
}

impl Form {
    /// Writes an element.
    pub fn write_element(self, element: &Element, out: &mut dyn Sink) {
        let default = match self {
            Self::Document => ns::CLIENT,
            Self::Messages => "",
        };
        element.write_to(out.bytes(), default);
        out.end();
    }

    /// Ends a stream whose header has been sent: writes the error and closes (RFC 6120 §4.9.1.1,
    /// RFC 7395 §3.4).
    pub fn write_error(self, error: &StreamError, out: &mut dyn Sink) {
        let bytes = out.bytes();
        match self {
            Self::Document => error.write(bytes),
            Self::Messages => error.write_standalone(bytes),
        }
        out.end();
        self.write_close(out);
    }

    /// Turns a client away before anything was read from it: header, error and close
    /// (RFC 6120 §4.9.1.2).
    ///
    /// `from` is a name this server answers to, or empty; `id` is new and unpredictable like that
    /// of any stream.
    pub fn write_refusal(self, from: &str, id: &str, error: &StreamError, out: &mut dyn Sink) {
        ReplyHeader { from, to: None, id, versioned: true }.write(self, out);
        self.write_error(error, out);
    }

    /// Closes a stream (RFC 6120 §4.4, RFC 7395 §3.6).
    pub fn write_close(self, out: &mut dyn Sink) {
        match self {
            Self::Document => out.bytes().extend_from_slice(b"</stream:stream>"),
            Self::Messages => Element::builder("close", ns::FRAMING).write_to(out.bytes(), ""),
        }
        out.end();
    }
}

/// Reads a message of [`Form::Messages`] (RFC 7395 §3.3.3): `<open/>` stands for the opening of a
/// document's root, `<close/>` for its closing.
///
/// # Errors
///
/// When it is not one whole element, from its first byte on, within the limits.
///
/// # Examples
///
/// ```
/// use sestina_stream::read_message;
/// use sestina_xml::{Frame, Limits};
///
/// let open = b"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='capulet.example'/>";
/// let Ok(Frame::Open(header)) = read_message(open, &Limits::default()) else { panic!() };
/// assert_eq!(header.to(), Some("capulet.example"));
/// assert!(read_message(b" <presence xmlns='jabber:client'/>", &Limits::default()).is_err());
/// ```
pub fn read_message(message: &[u8], limits: &Limits) -> Result<Frame, XmlError> {
    match message {
        // RFC 6120 §11.1
        [b'<', b'!' | b'?', ..] => return Err(XmlError::Restricted),
        [b'<', ..] => {}
        [_, ..] => return Err(XmlError::StrayText),
        [] => return Err(XmlError::NotWellFormed),
    }
    let element = Element::parse(message, limits)?;
    Ok(if element.is("open", ns::FRAMING) {
        Frame::Open(StreamHeader::of_message(element))
    } else if element.is("close", ns::FRAMING) {
        Frame::Close
    } else {
        Frame::Element(element)
    })
}
