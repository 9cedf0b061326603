//! Writing content element by element, straight to where it belongs.

use crate::escape::{escape_attribute, escape_text};

/// A name that stands in a program: ASCII and without a prefix, which is checked when it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(&'static str);

impl Name {
    /// The name, for a `const`.
    ///
    /// # Panics
    ///
    /// When it is none, or `xmlns`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!matches!(bytes, b"" | b"xmlns"), "no name for an element or an attribute");
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            let begins = byte.is_ascii_alphabetic() || *byte == b'_';
            let goes_on = byte.is_ascii_digit() || matches!(*byte, b'-' | b'.');
            assert!(
                begins || (goes_on && rest.len() < bytes.len()),
                "a byte that no name has there"
            );
            rest = after;
        }
        Self(name)
    }
}

/// The content of an element that is being written: see
/// [`Builder::contents`](crate::Builder::contents).
///
/// As with a [`Builder`](crate::Builder), whatever it is given, what it writes is well-formed.
#[derive(Debug)]
pub struct Content<'o> {
    out: &'o mut Vec<u8>,
    /// No fewer than the nodes that a tree of it has.
    entries: &'o mut u32,
}

impl<'o> Content<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>, entries: &'o mut u32) -> Self {
        Self { out, entries }
    }

    /// Makes room for so many bytes, which saves moving what is written already.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        escape_text(self.out, text);
        self.count(1);
    }

    /// Adds an element of the same namespace: with those of the attributes that have a value, the
    /// first of two, and what `within` writes.
    pub fn element<const N: usize>(
        &mut self,
        name: Name,
        attributes: [(Name, Option<&str>); N],
        within: impl FnOnce(&mut Content<'_>),
    ) {
        self.count(1);
        self.out.push(b'<');
        self.out.extend_from_slice(name.0.as_bytes());
        for (at, (key, value)) in attributes.iter().enumerate() {
            let Some(value) = value else { continue };
            let before = attributes.iter().take(at);
            if before.into_iter().any(|(known, value)| known == key && value.is_some()) {
                continue;
            }
            self.count(1);
            self.out.push(b' ');
            self.out.extend_from_slice(key.0.as_bytes());
            self.out.extend_from_slice(b"='");
            escape_attribute(self.out, value);
            self.out.push(b'\'');
        }
        let tag = self.out.len();
        self.out.push(b'>');
        let start = self.out.len();
        within(&mut Content { out: self.out, entries: self.entries });
        if self.out.len() == start {
            self.out.truncate(tag);
            self.out.extend_from_slice(b"/>");
        } else {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(name.0.as_bytes());
            self.out.push(b'>');
        }
    }

    fn count(&mut self, nodes: u32) {
        *self.entries = self.entries.saturating_add(nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Element, Limits};

    const ITEM: Name = Name::new("item");
    const JID: Name = Name::new("jid");
    const GROUP: Name = Name::new("group");

    #[test]
    fn what_is_written_is_what_is_read() {
        let odd = "\ra'\"<>&\u{1}\u{fffe}\n\tz";
        let query = Element::builder("query", "jabber:iq:roster")
            .attr("ver", "7")
            .contents(|out| {
                out.reserve(64);
                out.element(ITEM, [(JID, None), (JID, Some(odd)), (JID, Some("b"))], |_| ());
                out.element(ITEM, [], |out| {
                    out.element(GROUP, [(JID, None)], |out| out.text(odd));
                    out.element(GROUP, [], |out| out.text(""));
                });
                out.text("]]>");
            })
            .build();
        let read = Element::parse(query.as_bytes(), &Limits::trusted()).unwrap();
        assert_eq!(query, read);
        let mut items = query.children();
        let first = items.next().unwrap();
        assert_eq!(first.attr("jid").unwrap(), odd.replace(['\u{1}', '\u{fffe}'], "\u{fffd}"));
        assert_eq!(items.next().unwrap().children().count(), 2);
    }

    #[test]
    fn a_name_is_checked() {
        for name in ["", "xmlns", "1a", "-a", "a b", "a:b", "a<", "ä"] {
            assert!(std::panic::catch_unwind(|| Name::new(name)).is_err(), "{name}");
        }
        for name in ["a", "_1", "a-b.c"] {
            assert_eq!(Name::new(name).0, name);
        }
    }
}
