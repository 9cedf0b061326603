//! The few things a stream says that are not elements: header, error, close.

use sestina_stanza::{Jid, StreamError, ns};
use sestina_xml::escape_attribute;

/// The header that answers a client's.
pub(crate) struct ReplyHeader<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: Option<&'a Jid>,
    pub(crate) id: &'a str,
    /// Whether the stream is of XMPP 1.0; one that is older has no `version` (RFC 6120 §4.7.5).
    pub(crate) versioned: bool,
}

impl ReplyHeader<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<?xml version='1.0'?><stream:stream xmlns='");
        out.extend_from_slice(ns::CLIENT.as_bytes());
        out.extend_from_slice(b"' xmlns:stream='");
        out.extend_from_slice(ns::STREAM.as_bytes());
        out.push(b'\'');
        attribute(out, "id", self.id);
        attribute(out, "from", self.from);
        if let Some(to) = self.to {
            attribute(out, "to", to.as_str());
        }
        if self.versioned {
            attribute(out, "version", "1.0");
        }
        // The language of the texts we add to errors (RFC 6120 §4.7.4).
        attribute(out, "xml:lang", "en");
        out.push(b'>');
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"='");
    escape_attribute(out, value);
    out.push(b'\'');
}

/// Ends a stream whose header has been sent: writes the error and closes (RFC 6120 §4.9.1.1).
pub fn write_error(error: &StreamError, out: &mut Vec<u8>) {
    error.write(out);
    write_close(out);
}

/// Closes a stream (RFC 6120 §4.4).
pub fn write_close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"</stream:stream>");
}

/// Turns a client away before anything was read from it: header, error and close
/// (RFC 6120 §4.9.1.2).
///
/// `from` is a name this server answers to, or empty; `id` is new and unpredictable like that of
/// any stream.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{StreamCondition, StreamError};
///
/// let mut out = Vec::new();
/// let error = StreamError::new(StreamCondition::ResourceConstraint);
/// sestina_stream::write_refusal("capulet.example", "d2hlcmVmb3Jl", &error, &mut out);
/// assert!(out.ends_with(b"</stream:stream>"));
/// ```
pub fn write_refusal(from: &str, id: &str, error: &StreamError, out: &mut Vec<u8>) {
    ReplyHeader { from, to: None, id, versioned: true }.write(out);
    write_error(error, out);
}
