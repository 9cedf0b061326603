//! From a stanza to bytes.

use sestina_xml::{Element, Limits, escape_attribute, write_end_tag};

use super::{Rest, Stanza};
use crate::Jid;

impl Stanza {
    /// Appends the stanza for a stream whose default namespace is that of its stanzas.
    ///
    /// The start tag is written anew and declares no default namespace, so that the same bytes
    /// serve clients, servers and components; the content is copied as it arrived.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_with(out, None);
    }

    /// Appends the stanza so that it can stand alone, as in a WebSocket frame (RFC 7395 §3.3) or a
    /// stored record, in this namespace.
    pub fn write_standalone(&self, out: &mut Vec<u8>, namespace: &str) {
        self.write_with(out, Some(namespace));
    }

    /// The stanza as an element whose root says what the head says.
    pub fn to_element(&self) -> Element {
        let mut out = Vec::new();
        self.write_standalone(&mut out, self.namespace());
        Element::parse(out, &Limits::trusted())
            .expect("checked content in a start tag of our own is XML")
    }

    fn write_with(&self, out: &mut Vec<u8>, namespace: Option<&str>) {
        let raw = self.rest.element.as_bytes();
        let (kind, content) = (self.rest.kind, self.rest.element.content());
        out.reserve(content.len() + START_TAG_BYTES);
        let mut tag = Tag::open(out, kind.name());
        tag.attribute(" xmlns='", namespace, false);
        tag.attribute(" to='", self.to().map(Jid::as_str), self.to().is_some_and(Jid::is_plain));
        let from = self.from();
        tag.attribute(" from='", from.map(Jid::as_str), from.is_some_and(Jid::is_plain));
        tag.attribute(" id='", self.rest.id.read(raw), self.rest.id.is_plain());
        tag.attribute(" type='", kind.type_name(), true);
        tag.attribute(" xml:lang='", self.rest.lang.read(raw), self.rest.lang.is_plain());
        self.rest.write_extras(&mut tag);
        if content.is_empty() {
            out.extend_from_slice(b"/>");
            return;
        }
        out.push(b'>');
        out.extend_from_slice(content);
        write_end_tag(out, kind.name());
    }
}

/// A start tag that is being written.
pub(super) struct Tag<'o>(&'o mut Vec<u8>);

impl<'o> Tag<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>, name: &str) -> Self {
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        Self(out)
    }

    /// Writes an attribute that has a value; most values are known to need no escaping.
    pub(super) fn attribute(&mut self, before: &str, value: Option<&str>, plain: bool) {
        let Some(value) = value else { return };
        self.0.extend_from_slice(before.as_bytes());
        if plain {
            self.0.extend_from_slice(value.as_bytes());
        } else {
            escape_attribute(self.0, value);
        }
        self.0.push(b'\'');
    }
}

/// What is set aside at once for a start tag; most are shorter.
const START_TAG_BYTES: usize = 256;

impl Rest {
    /// Writes what the start tag held beside the head, and declares the prefixes that the content
    /// took from the stream it came by.
    pub(super) fn write_extras(&self, tag: &mut Tag<'_>) {
        if self.extras {
            for attribute in self.element.start().attributes() {
                let name = attribute.source_name();
                if !matches!(name, "to" | "from" | "id" | "type" | "xml:lang" | "xmlns") {
                    tag.0.push(b' ');
                    tag.0.extend_from_slice(attribute.source().as_bytes());
                }
            }
        }
        for (prefix, namespace) in self.element.foreign() {
            tag.0.extend_from_slice(b" xmlns:");
            tag.0.extend_from_slice(prefix.as_bytes());
            tag.attribute("='", Some(namespace), false);
        }
    }
}
