//! The compact tree of an element: one vector of entries over the bytes that arrived.

use std::iter;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::scope::Scope;
use crate::token::{self, Ns, QName, Raw, Sink, Span};

/// One entry of the tree. Declarations and attributes follow their element, then its content.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Element {
        name: QName,
        namespace: Ns,
        /// The first entry after the element.
        next: u32,
        /// The first byte after the element.
        end: u32,
    },
    Declaration {
        prefix: Span,
        uri: Value,
    },
    Attribute {
        name: QName,
        namespace: Ns,
        value: Value,
    },
    Text(Value),
}

/// Text that is read as it was written, or from the side buffer where it had to be decoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Value(Span);

impl Value {
    /// Marks a range of the side buffer; no element is long enough to need this bit.
    const ASIDE: u32 = 1 << 31;

    fn aside(start: usize, end: usize) -> Self {
        let span = Span::new(start, end);
        Self(Span { start: span.start | Self::ASIDE, len: span.len })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Tree {
    entries: Arc<[Entry]>,
    aside: Option<Arc<str>>,
}

impl Tree {
    /// Builds the tree of a checked element of at most `entries` entries.
    pub(crate) fn build(raw: &str, scope: Option<&Scope>, entries: u32) -> Self {
        // The exact size is known, so that one allocation holds counts and entries.
        let empty = Entry::Text(Value::default());
        let mut shared: Arc<[Entry]> = iter::repeat_n(empty, entries as usize).collect();
        let mut aside = String::new();
        if let Some(entries) = Arc::get_mut(&mut shared) {
            let mut build =
                Build { raw, entries, len: 0, open: SmallVec::new(), aside: &mut aside };
            token::replay(raw.as_bytes(), scope, &mut build);
        }
        let aside = (!aside.is_empty()).then(|| aside.into());
        Self { entries: shared, aside }
    }

    pub(crate) fn entry(&self, at: u32) -> Option<&Entry> {
        self.entries.get(at as usize)
    }

    pub(crate) fn value<'t>(&'t self, raw: &'t str, value: Value) -> &'t str {
        let Value(span) = value;
        if span.start & Value::ASIDE == 0 {
            return span.of(raw);
        }
        let span = Span { start: span.start & !Value::ASIDE, ..span };
        span.of(self.aside.as_deref().unwrap_or_default())
    }
}

struct Build<'b> {
    raw: &'b str,
    entries: &'b mut [Entry],
    len: u32,
    open: SmallVec<[u32; 16]>,
    aside: &'b mut String,
}

impl Build<'_> {
    fn push(&mut self, entry: Entry) {
        if let Some(slot) = self.entries.get_mut(self.len as usize) {
            *slot = entry;
            self.len += 1;
        }
    }

    fn innermost(&mut self) -> Option<&mut Entry> {
        self.open.last().and_then(|&at| self.entries.get_mut(at as usize))
    }

    fn decode(&mut self, raw: Raw, decode: fn(&str, &mut String)) -> Value {
        if raw.plain {
            return Value(raw.span);
        }
        let start = self.aside.len();
        decode(raw.span.of(self.raw), self.aside);
        Value::aside(start, self.aside.len())
    }
}

impl Sink for Build<'_> {
    fn start(&mut self, _: u32, name: QName) {
        self.open.push(self.len);
        self.push(Entry::Element { name, namespace: Ns::NONE, next: 0, end: 0 });
    }

    fn declaration(&mut self, prefix: Span, uri: Raw) -> u32 {
        let uri = self.decode(uri, token::decode_attribute);
        let id = self.len;
        self.push(Entry::Declaration { prefix, uri });
        id
    }

    fn namespace(&mut self, resolved: Ns) {
        if let Some(Entry::Element { namespace, .. }) = self.innermost() {
            *namespace = resolved;
        }
    }

    fn attribute(&mut self, name: QName, namespace: Ns, value: Raw) {
        let value = self.decode(value, token::decode_attribute);
        self.push(Entry::Attribute { name, namespace, value });
    }

    fn text(&mut self, mut text: Raw) {
        text.plain &= memchr::memchr(b'\r', text.span.of_bytes(self.raw.as_bytes())).is_none();
        let text = self.decode(text, token::decode_text);
        // An empty CDATA section is no text.
        if text.0.len > 0 {
            self.push(Entry::Text(text));
        }
    }

    fn end(&mut self, end_byte: u32) {
        let len = self.len;
        if let Some(Entry::Element { next, end, .. }) = self.innermost() {
            (*next, *end) = (len, end_byte);
        }
        self.open.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 24);
    }
}
