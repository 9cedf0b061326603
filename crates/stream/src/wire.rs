//! The few things a stream says that are not elements: header, error, close.

use sestina_stanza::{Jid, ns};
use sestina_xml::escape_attribute;

use crate::{Form, Sink};

/// The header that answers a client's.
pub(crate) struct ReplyHeader<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: Option<&'a Jid>,
    pub(crate) id: &'a str,
    /// Whether the stream is of XMPP 1.0; one that is older has no `version` (RFC 6120 §4.7.5).
    pub(crate) versioned: bool,
}

impl ReplyHeader<'_> {
    pub(crate) fn write(&self, form: Form, sink: &mut dyn Sink) {
        let out = sink.bytes();
        match form {
            Form::Document => {
                out.extend_from_slice(b"<?xml version='1.0'?><stream:stream xmlns='");
                out.extend_from_slice(ns::CLIENT.as_bytes());
                out.extend_from_slice(b"' xmlns:stream='");
                out.extend_from_slice(ns::STREAM.as_bytes());
            }
            Form::Messages => {
                out.extend_from_slice(b"<open xmlns='");
                out.extend_from_slice(ns::FRAMING.as_bytes());
            }
        }
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
        out.extend_from_slice(if form == Form::Document { b">" } else { b"/>" });
        sink.end();
    }
}

fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"='");
    escape_attribute(out, value);
    out.push(b'\'');
}
