//! A complete element.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::chars::trim_spaces;
use crate::element_ref::{AttributeRef, Children, ElementRef, Node};
use crate::scope::{Scope, XML_NAMESPACE};
use crate::start::{Foreign, Start, StartAttribute};
use crate::token::{self, Root, RootNs, Span, Stop};
use crate::tree::Tree;
use crate::write::{TagWriter, write_end_tag};
use crate::{Builder, LimitKind, Limits, XmlError};

/// A complete, well-formed element: the bytes that arrived, and a tree of them made when asked for.
///
/// Cloning is cheap and shares the bytes. What only looks at the root ([`name`](Self::name),
/// [`attr`](Self::attr), [`start`](Self::start)) makes no tree; what looks inside makes one, once.
///
/// Two elements are equal if they say the same: prefixes, quotes, the order of attributes and the
/// spelling of characters do not count.
///
/// ```
/// use sestina_xml::{Element, Limits};
///
/// let iq = Element::parse(
///     "<iq xmlns='jabber:client' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
///     &Limits::default(),
/// )?;
/// assert!(iq.is("iq", "jabber:client"));
/// assert_eq!(iq.attr("type"), Some("get"));
/// assert!(iq.child("ping", "urn:xmpp:ping").is_some());
/// # Ok::<(), sestina_xml::XmlError>(())
/// ```
#[derive(Clone)]
pub struct Element {
    raw: Arc<str>,
    /// What the stream declares, where the bytes rely on it.
    scope: Option<Arc<Scope>>,
    root: Root,
    entries: u32,
    tree: OnceLock<Tree>,
}

impl Element {
    /// Reads an element that stands alone, such as a WebSocket message or a stored record.
    ///
    /// White space around it is allowed; a declaration before it is not.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes, or the bound of `limits` that they exceed.
    pub fn parse(xml: impl AsRef<[u8]>, limits: &Limits) -> Result<Self, XmlError> {
        let xml = trim_spaces(xml.as_ref());
        if xml.len() > limits.largest_element() {
            return Err(XmlError::Limit(LimitKind::ElementBytes));
        }
        let element = Self::read(xml, None, limits).map_err(|stop| match stop {
            Stop::Incomplete => XmlError::NotWellFormed,
            Stop::Error(error) => error,
        })?;
        if element.raw.len() == xml.len() { Ok(element) } else { Err(XmlError::NotWellFormed) }
    }

    /// Begins an element that is to be sent.
    pub fn builder(name: &str, namespace: &str) -> Builder {
        Builder::new(name, namespace)
    }

    /// Reads the element at the front of `input`, in the scope of a stream.
    pub(crate) fn read(
        input: &[u8],
        scope: Option<&Arc<Scope>>,
        limits: &Limits,
    ) -> Result<Self, Stop> {
        let (root, entries) = token::check(input, scope.map(|scope| &**scope), limits)?;
        let raw = input.get(..root.len as usize).unwrap_or_default();
        let raw = std::str::from_utf8(raw).map_err(|_| XmlError::InvalidUtf8)?;
        let relies = root.inherits_default || root.inherited_prefixes != 0;
        let scope = scope.filter(|_| relies).cloned();
        Ok(Self { raw: raw.into(), scope, root, entries, tree: OnceLock::new() })
    }

    /// Returns the local name of the root.
    pub fn name(&self) -> &str {
        self.root.name.local().of(&self.raw)
    }

    /// Returns the namespace of the root, empty where it has none.
    pub fn namespace(&self) -> &str {
        match self.root.namespace {
            RootNs::None => "",
            RootNs::Xml => XML_NAMESPACE,
            RootNs::Inherited => self.inherited_default(),
            RootNs::InheritedPrefix(index) => {
                let scope = self.scope.as_ref();
                scope.and_then(|scope| scope.prefix(index.into())).map_or("", |(_, uri)| uri)
            }
            RootNs::Declared(uri) if uri.plain => uri.span.of(&self.raw),
            RootNs::Declared(_) => self.root().namespace(),
        }
    }

    /// Whether the root has this name in this namespace.
    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.name() == name && self.namespace() == namespace
    }

    /// Returns the value of an attribute of the root that is in no namespace.
    pub fn attr(&self, name: &str) -> Option<&str> {
        if self.tree.get().is_none() {
            // A colon would make it another name: in a namespace, or a declaration.
            let named = |one: &StartAttribute<'_>| one.source_name() == name && name != "xmlns";
            let found = self.start().attributes().find(named).filter(|_| !name.contains(':'))?;
            if let Some(plain) = found.plain_value() {
                return Some(plain);
            }
        }
        self.root().attr(name)
    }

    /// Returns the value of an attribute of the root in a namespace.
    pub fn attr_ns(&self, name: &str, namespace: &str) -> Option<&str> {
        self.root().attr_ns(name, namespace)
    }

    /// Iterates over the attributes of the root, namespace declarations left out.
    pub fn attrs(&self) -> impl Iterator<Item = AttributeRef<'_>> {
        self.root().attrs()
    }

    /// Iterates over the elements directly within the root.
    pub fn children(&self) -> Children<'_> {
        self.root().children()
    }

    /// Returns the first element of this name and namespace directly within the root.
    pub fn child(&self, name: &str, namespace: &str) -> Option<ElementRef<'_>> {
        self.root().child(name, namespace)
    }

    /// Returns the first element directly within the root, whatever it is.
    pub fn first_child(&self) -> Option<ElementRef<'_>> {
        self.root().first_child()
    }

    /// Returns the text directly within the root.
    pub fn text(&self) -> Cow<'_, str> {
        self.root().text()
    }

    /// Iterates over text and elements directly within the root, in their order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.root().nodes()
    }

    /// Returns the root as a part of the tree, which is made now if it is not there yet.
    pub fn root(&self) -> ElementRef<'_> {
        let tree =
            self.tree.get_or_init(|| Tree::build(&self.raw, self.scope.as_deref(), self.entries));
        ElementRef::new(self, tree, 0)
    }

    /// Returns the root's start tag as written, to be read without a tree.
    pub fn start(&self) -> Start<'_> {
        Start::new(self, self.root.name, self.root.content.start as usize)
    }

    /// Returns the bytes between the root's start tag and its end tag; none for `<a/>`.
    ///
    /// They may rely on prefixes of the stream they came by: see [`foreign`](Self::foreign).
    pub fn content(&self) -> &[u8] {
        self.root.content.of_bytes(self.raw.as_bytes())
    }

    /// Returns the bytes of the whole element as they arrived.
    ///
    /// They may rely on declarations of the stream they came by; [`write_to`](Self::write_to) adds
    /// those.
    pub fn as_bytes(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    /// Iterates over the prefixes that the bytes use and the stream they came by declares.
    ///
    /// Who writes another start tag before [`content`](Self::content) has to declare them there.
    /// Nearly always there are none, and finding that out costs nothing.
    pub fn foreign(&self) -> Foreign<'_> {
        Foreign::new(self.scope.as_deref(), self.root.inherited_prefixes)
    }

    /// Appends the element for a place where `default_namespace` is what no prefix stands for.
    ///
    /// The bytes are those that arrived, except that the start tag declares what they inherited
    /// and leaves out a default namespace that is already in force.
    ///
    /// ```
    /// use sestina_xml::Element;
    ///
    /// let presence = Element::builder("presence", "jabber:client").build();
    /// let mut out = Vec::new();
    /// presence.write_to(&mut out, "jabber:client");
    /// assert_eq!(out, b"<presence/>");
    /// ```
    pub fn write_to(&self, out: &mut Vec<u8>, default_namespace: &str) {
        let raw = self.raw.as_bytes();
        let name_end = self.root.name.whole().end();
        out.extend_from_slice(raw.get(..name_end).unwrap_or_default());
        let mut rest = raw.get(name_end..).unwrap_or_default();
        if let Some(declaration) = self.root.default_declaration {
            let redundant = matches!(self.root.namespace, RootNs::Declared(uri)
                if uri.plain && uri.span.of(&self.raw) == default_namespace);
            if redundant && self.root.name.prefix == 0 {
                let before = raw.get(name_end..declaration.start as usize);
                out.extend_from_slice(before.unwrap_or_default());
                rest = raw.get(declaration.end()..).unwrap_or_default();
            }
        }
        let mut tag = TagWriter::resume(out);
        if self.root.inherits_default && self.inherited_default() != default_namespace {
            tag.declare("", self.inherited_default());
        }
        for (prefix, uri) in self.foreign() {
            tag.declare(prefix, uri);
        }
        out.extend_from_slice(rest);
    }

    /// Appends the element with the attributes that `attributes` writes instead of its own.
    ///
    /// Name, content and namespaces stay as they are and what they inherited is declared, so this
    /// is how a router stamps addresses on a stanza without reading more than its start tag.
    ///
    /// ```
    /// use sestina_xml::{Element, Limits};
    ///
    /// let xml = "<message xmlns='jabber:client' from='me' type='chat'><body>Hi</body></message>";
    /// let message = Element::parse(xml, &Limits::default())?;
    /// let mut out = Vec::new();
    /// message.rewrite_to(&mut out, "jabber:client", |tag| {
    ///     tag.attr("from", "romeo@example.net/orchard");
    ///     for kept in message.start().attributes().filter(|one| one.source_name() == "type") {
    ///         tag.copy(&kept);
    ///     }
    /// });
    /// assert_eq!(
    ///     String::from_utf8_lossy(&out),
    ///     "<message from='romeo@example.net/orchard' type='chat'><body>Hi</body></message>",
    /// );
    /// # Ok::<(), sestina_xml::XmlError>(())
    /// ```
    pub fn rewrite_to(
        &self,
        out: &mut Vec<u8>,
        default_namespace: &str,
        attributes: impl FnOnce(&mut TagWriter<'_>),
    ) {
        let (start, content) = (self.start(), self.content());
        out.reserve(self.raw.len() + 128);
        let mut tag = TagWriter::open(out, start.source_name());
        if self.root.inherits_default && self.inherited_default() != default_namespace {
            tag.declare("", self.inherited_default());
        }
        for (prefix, uri) in self.foreign() {
            tag.declare(prefix, uri);
        }
        for declaration in start.attributes().filter(|attribute| attribute.is_declaration()) {
            let redundant = self.root.name.prefix == 0
                && declaration.source_name() == "xmlns"
                && declaration.plain_value() == Some(default_namespace);
            if !redundant {
                tag.copy(&declaration);
            }
        }
        attributes(&mut tag);
        if content.is_empty() {
            tag.finish_empty();
        } else {
            tag.finish();
            out.extend_from_slice(content);
            write_end_tag(out, start.source_name());
        }
    }

    /// The same element, which is empty, with content that is known to be well-formed: `raw` is all
    /// of it, `entries` no fewer than the nodes of the content's tree.
    pub(crate) fn fill(mut self, raw: Vec<u8>, start: usize, len: usize, entries: u32) -> Self {
        assert!(raw.len() <= Limits::LARGEST_ELEMENT, "no element is longer than its spans reach");
        self.root.content = Span::new(start, start + len);
        self.root.len = raw.len() as u32;
        self.entries = self.entries.saturating_add(entries);
        self.raw = String::from_utf8(raw).expect("names, text and elements are UTF-8").into();
        self.tree = OnceLock::new();
        self
    }

    /// No fewer than the nodes of its tree where it stands within another element, and declares
    /// what it inherits here.
    pub(crate) fn entries_elsewhere(&self) -> u32 {
        let inherited = 1 + self.foreign().count() as u32;
        self.entries.saturating_add(inherited)
    }

    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.scope.as_deref()
    }

    /// What no prefix stands for where the element came from.
    fn inherited_default(&self) -> &str {
        self.scope.as_ref().map_or("", |scope| &scope.default)
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Element {}

/// Writes the element so that it can stand alone.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.raw.len());
        self.write_to(&mut out, "");
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Shows the start tag, since what is within may be nobody's business; all of it with `{:#?}`.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "Element({self})");
        }
        let start = self.raw.get(..self.root.content.start as usize).unwrap_or_default();
        write!(f, "Element({start} and {} bytes)", self.raw.len() - start.len())
    }
}
