//! Making elements to be sent.

use std::borrow::Cow;
use std::fmt;

use crate::chars::{is_name_continue, is_name_start};
use crate::escape::{escape_attribute, escape_text};
use crate::{Content, Element, ElementRef, Limits};

/// An element that is being written; made by [`Element::builder`].
///
/// Whatever it is given, what it writes is well-formed: text is escaped, characters that XML does
/// not know become U+FFFD, and in names `_`.
///
/// ```
/// use sestina_xml::Element;
///
/// let query = Element::builder("query", "jabber:iq:register")
///     .child_with("instructions", |to| to.text("Choose a name & a password."))
///     .child_with("username", |to| to)
///     .child(Element::builder("x", "jabber:x:data").attr("type", "form"))
///     .build();
/// assert_eq!(
///     query.to_string(),
///     "<query xmlns='jabber:iq:register'>\
///      <instructions>Choose a name &amp; a password.</instructions><username/>\
///      <x xmlns='jabber:x:data' type='form'/></query>",
/// );
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built or made a child"]
pub struct Builder {
    name: Box<str>,
    namespace: Box<str>,
    attributes: Vec<u8>,
    /// Names written so far; the first of two wins, as a second one cannot be written.
    names: Vec<Box<str>>,
    content: Vec<u8>,
    /// No fewer than the nodes that a tree of the content has.
    entries: u32,
}

impl Builder {
    pub(crate) fn new(name: &str, namespace: &str) -> Self {
        Self {
            name: name_of(name).into(),
            namespace: namespace.into(),
            attributes: Vec::new(),
            names: Vec::new(),
            content: Vec::new(),
            entries: 0,
        }
    }

    /// Adds an attribute; one that is there already stays as it is.
    pub fn attr(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let name = name_of(name);
        // Who wants to declare a namespace says so where the element is begun.
        if name != "xmlns" && !self.names.iter().any(|known| **known == *name) {
            self.write_attribute("", &name, value.as_ref());
            self.names.push(name.into());
        }
        self
    }

    /// Adds an attribute if there is a value for it.
    pub fn attr_opt(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Adds `xml:lang`, unless it is there already.
    pub fn lang(mut self, tag: &str) -> Self {
        const NAME: &str = "xml:lang";
        if !self.names.iter().any(|known| **known == *NAME) {
            self.write_attribute("xml:", "lang", tag);
            self.names.push(NAME.into());
        }
        self
    }

    /// Adds text after what is there.
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        escape_text(&mut self.content, text.as_ref());
        self.entries += 1;
        self
    }

    /// Adds an element after what is there.
    pub fn child(mut self, child: impl Child) -> Self {
        let entries = child.write_into(&mut self.content, &self.namespace);
        self.entries = self.entries.saturating_add(entries);
        self
    }

    /// Adds an element if there is one.
    pub fn child_opt(self, child: Option<impl Child>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Adds an element for each one given.
    pub fn children<C: Child>(self, children: impl IntoIterator<Item = C>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds an element of the same namespace, written by `write`.
    pub fn child_with(self, name: &str, write: impl FnOnce(Self) -> Self) -> Self {
        let child = write(Self::new(name, &self.namespace));
        self.child(child)
    }

    /// Adds what `write` writes: for long lists, of which no element takes an allocation then.
    ///
    /// ```
    /// use sestina_xml::{Element, Name};
    ///
    /// const ITEM: Name = Name::new("item");
    /// const JID: Name = Name::new("jid");
    ///
    /// let query = Element::builder("query", "jabber:iq:roster").contents(|out| {
    ///     for jid in ["romeo@example.net", "juliet@example.com"] {
    ///         out.element(ITEM, [(JID, Some(jid))], |_| ());
    ///     }
    /// });
    /// assert_eq!(
    ///     query.build().to_string(),
    ///     "<query xmlns='jabber:iq:roster'>\
    ///      <item jid='romeo@example.net'/><item jid='juliet@example.com'/></query>",
    /// );
    /// ```
    pub fn contents(mut self, write: impl FnOnce(&mut Content<'_>)) -> Self {
        write(&mut Content::new(&mut self.content, &mut self.entries));
        self
    }

    /// Finishes the element.
    pub fn build(self) -> Element {
        let mut out = Vec::new();
        self.write_start(&mut out, "");
        let start = out.len();
        out.extend_from_slice(b"/>");
        let empty = Element::read(&out, None, &Limits::trusted());
        let empty = empty.expect("a builder writes well-formed XML");
        if self.content.is_empty() {
            return empty;
        }
        // What is within was escaped or checked when it was added, so it is not read again.
        out.truncate(start);
        self.write_content(&mut out);
        empty.fill(out, start + 1, self.content.len(), self.entries)
    }

    /// Appends the element for a place where `default_namespace` is what no prefix stands for.
    pub fn write_to(&self, out: &mut Vec<u8>, default_namespace: &str) {
        self.write_start(out, default_namespace);
        if self.content.is_empty() {
            out.extend_from_slice(b"/>");
        } else {
            self.write_content(out);
        }
    }

    /// Appends the start tag up to its end.
    fn write_start(&self, out: &mut Vec<u8>, default_namespace: &str) {
        out.reserve(self.name.len() * 2 + self.attributes.len() + self.content.len() + 64);
        out.push(b'<');
        out.extend_from_slice(self.name.as_bytes());
        if *self.namespace != *default_namespace {
            out.extend_from_slice(b" xmlns='");
            escape_attribute(out, &self.namespace);
            out.push(b'\'');
        }
        out.extend_from_slice(&self.attributes);
    }

    /// Appends the end of the start tag, and what follows it.
    fn write_content(&self, out: &mut Vec<u8>) {
        out.push(b'>');
        out.extend_from_slice(&self.content);
        out.extend_from_slice(b"</");
        out.extend_from_slice(self.name.as_bytes());
        out.push(b'>');
    }

    fn write_attribute(&mut self, prefix: &str, name: &str, value: &str) {
        self.attributes.push(b' ');
        self.attributes.extend_from_slice(prefix.as_bytes());
        self.attributes.extend_from_slice(name.as_bytes());
        self.attributes.extend_from_slice(b"='");
        escape_attribute(&mut self.attributes, value);
        self.attributes.push(b'\'');
    }
}

/// Shows what it is, not what is within.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl From<Builder> for Element {
    fn from(builder: Builder) -> Self {
        builder.build()
    }
}

/// Replaces what no name may hold.
fn name_of(name: &str) -> Cow<'_, str> {
    if crate::chars::is_ncname(name) {
        return Cow::Borrowed(name);
    }
    let mut valid: String =
        name.chars().map(|c| if is_name_continue(c) { c } else { '_' }).collect();
    if !valid.starts_with(is_name_start) {
        valid.insert(0, '_');
    }
    Cow::Owned(valid)
}

/// What can stand within an element that is being built.
pub trait Child: sealed::Child {}

impl<C: sealed::Child> Child for C {}

mod sealed {
    use super::{Builder, Element, ElementRef};

    #[expect(unnameable_types, reason = "only this crate knows how content is written")]
    pub trait Child {
        /// Appends it to content where `namespace` is what no prefix stands for; returns no fewer
        /// than the nodes that a tree of it has there.
        fn write_into(self, out: &mut Vec<u8>, namespace: &str) -> u32;
    }

    impl Child for Builder {
        fn write_into(self, out: &mut Vec<u8>, namespace: &str) -> u32 {
            self.write_to(out, namespace);
            // Itself, and its declaration.
            let own = 2 + self.names.len() as u32;
            self.entries.saturating_add(own)
        }
    }

    impl Child for Element {
        fn write_into(self, out: &mut Vec<u8>, namespace: &str) -> u32 {
            (&self).write_into(out, namespace)
        }
    }

    impl Child for &Element {
        fn write_into(self, out: &mut Vec<u8>, namespace: &str) -> u32 {
            self.write_to(out, namespace);
            self.entries_elsewhere()
        }
    }

    impl Child for ElementRef<'_> {
        fn write_into(self, out: &mut Vec<u8>, namespace: &str) -> u32 {
            self.to_element().write_into(out, namespace)
        }
    }
}
