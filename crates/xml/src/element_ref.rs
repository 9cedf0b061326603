//! Looking inside an element.

use std::borrow::Cow;
use std::fmt;

use crate::scope::{MAX_PREFIXES, XML_NAMESPACE};
use crate::token::{Ns, Origin, QName};
use crate::tree::{Entry, Tree, Value};
use crate::write::TagWriter;
use crate::{Element, Limits};

/// An element within an [`Element`], or its root.
#[derive(Clone, Copy)]
pub struct ElementRef<'e> {
    element: &'e Element,
    tree: &'e Tree,
    at: u32,
}

/// A piece of an element's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'e> {
    /// An element.
    Element(ElementRef<'e>),
    /// Text between two tags, decoded.
    Text(&'e str),
}

impl<'e> ElementRef<'e> {
    pub(crate) fn new(element: &'e Element, tree: &'e Tree, at: u32) -> Self {
        Self { element, tree, at }
    }

    /// Returns the local name.
    pub fn name(&self) -> &'e str {
        self.qname().local().of(self.element.raw())
    }

    /// Returns the namespace, empty where there is none.
    pub fn namespace(&self) -> &'e str {
        match self.tree.entry(self.at) {
            Some(Entry::Element { namespace, .. }) => self.uri(*namespace),
            _ => "",
        }
    }

    /// Whether it has this name in this namespace.
    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.name() == name && self.namespace() == namespace
    }

    /// Returns the value of an attribute in no namespace.
    pub fn attr(&self, name: &str) -> Option<&'e str> {
        self.attr_ns(name, "")
    }

    /// Returns the value of an attribute in a namespace.
    pub fn attr_ns(&self, name: &str, namespace: &str) -> Option<&'e str> {
        self.attrs()
            .find(|attribute| attribute.name() == name && attribute.namespace() == namespace)
            .map(|attribute| attribute.value())
    }

    /// Returns the `xml:lang` written on this very element.
    pub fn lang(&self) -> Option<&'e str> {
        self.attr_ns("lang", XML_NAMESPACE)
    }

    /// Returns the `xml:lang` in force: its own, or that of the nearest element around it.
    pub fn lang_in_force(&self) -> Option<&'e str> {
        self.path().filter_map(|element| element.lang()).last()
    }

    /// Iterates over the attributes, namespace declarations left out.
    pub fn attrs(&self) -> impl Iterator<Item = AttributeRef<'e>> + use<'e> {
        let of = *self;
        self.head().filter_map(move |entry| match *entry {
            Entry::Attribute { name, namespace, value } => {
                Some(AttributeRef { of, name, namespace, value })
            }
            _ => None,
        })
    }

    /// Iterates over the elements directly within.
    pub fn children(&self) -> Children<'e> {
        Children(self.content())
    }

    /// Returns the first element of this name and namespace directly within.
    pub fn child(&self, name: &str, namespace: &str) -> Option<Self> {
        self.children().find(|child| child.is(name, namespace))
    }

    /// Returns the text of the first element of this name and namespace directly within.
    pub fn child_text(&self, name: &str, namespace: &str) -> Option<Cow<'e, str>> {
        self.child(name, namespace).map(|child| child.text())
    }

    /// Returns the first element directly within, whatever it is.
    pub fn first_child(&self) -> Option<Self> {
        self.children().next()
    }

    /// Iterates over text and elements directly within, in their order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'e>> + use<'e> {
        self.content()
    }

    /// Returns the text directly within; that of elements within is left out.
    pub fn text(&self) -> Cow<'e, str> {
        let mut text = Cow::Borrowed("");
        for node in self.nodes() {
            match node {
                Node::Text(more) if text.is_empty() => text = Cow::Borrowed(more),
                Node::Text(more) => text.to_mut().push_str(more),
                Node::Element(_) => {}
            }
        }
        text
    }

    /// Copies it into an element of its own, which says the same wherever it goes.
    pub fn to_element(&self) -> Element {
        if self.at == 0 {
            return self.element.clone();
        }
        let raw = self.element.raw();
        let (from, to) = self.range();
        let (name, until) = (self.qname().whole().end(), to as usize);
        let mut out = Vec::with_capacity(raw.len());
        out.extend_from_slice(raw.get(from as usize..name).unwrap_or_default().as_bytes());
        let mut tag = TagWriter::resume(&mut out);
        for (prefix, uri) in self.inherited() {
            tag.declare(prefix, uri);
        }
        out.extend_from_slice(raw.get(name..until).unwrap_or_default().as_bytes());
        Element::read(&out, None, &Limits::trusted())
            .expect("a part of a checked element is an element once its prefixes are declared")
    }

    /// Collects what is declared around this element and not again on it.
    fn inherited(&self) -> Vec<(&'e str, &'e str)> {
        let raw = self.element.raw();
        let mut found: Vec<(&str, &str)> = Vec::new();
        if let Some(scope) = self.element.scope() {
            found.push(("", &scope.default));
            found.extend((0..MAX_PREFIXES).map_while(|index| scope.prefix(index)));
        }
        let declared = |of: Self| {
            of.head().filter_map(move |entry| match *entry {
                Entry::Declaration { prefix, uri } => {
                    Some((prefix.of(raw), of.tree.value(raw, uri)))
                }
                _ => None,
            })
        };
        for around in self.path().take_while(|around| around.at != self.at) {
            for (prefix, uri) in declared(around) {
                found.retain(|(known, _)| *known != prefix);
                found.push((prefix, uri));
            }
        }
        for (prefix, _) in declared(*self) {
            found.retain(|(known, _)| *known != prefix);
        }
        // `xml` needs no declaration, no default is what stands alone has anyway, and what is
        // nowhere to be read is not used.
        let (from, to) = self.range();
        let own = raw.get(from as usize..to as usize).unwrap_or(raw);
        found.retain(|&(prefix, uri)| match prefix {
            "" => !uri.is_empty(),
            "xml" => false,
            prefix => {
                own.match_indices(prefix).any(|(at, _)| own[at + prefix.len()..].starts_with(':'))
            }
        });
        found
    }

    /// The elements from the root to this one, both included.
    fn path(&self) -> impl Iterator<Item = Self> + use<'e> {
        let to = *self;
        let within = move |child: &Self| (child.at..child.next()).contains(&to.at);
        std::iter::successors(Some(Self { at: 0, ..to }), move |around| {
            if around.at == to.at { None } else { around.children().find(within) }
        })
    }

    fn qname(&self) -> QName {
        match self.tree.entry(self.at) {
            Some(Entry::Element { name, .. }) => *name,
            _ => QName::default(),
        }
    }

    fn next(&self) -> u32 {
        match self.tree.entry(self.at) {
            Some(Entry::Element { next, .. }) => *next,
            _ => self.at + 1,
        }
    }

    /// The bytes from its start tag to its end.
    fn range(&self) -> (u32, u32) {
        match self.tree.entry(self.at) {
            Some(Entry::Element { name, end, .. }) => (name.start.saturating_sub(1), *end),
            _ => (0, 0),
        }
    }

    /// Its declarations and attributes.
    fn head(&self) -> impl Iterator<Item = &'e Entry> + use<'e> {
        let (tree, first) = (self.tree, self.at + 1);
        (first..self.next()).map_while(move |at| tree.entry(at)).take_while(|entry| {
            matches!(entry, Entry::Declaration { .. } | Entry::Attribute { .. })
        })
    }

    pub(crate) fn content(&self) -> Content<'e> {
        let first = self.at + 1 + self.head().count() as u32;
        Content { of: *self, at: first, end: self.next() }
    }

    pub(crate) fn uri(&self, namespace: Ns) -> &'e str {
        match namespace.origin() {
            Origin::None => "",
            Origin::Xml => XML_NAMESPACE,
            Origin::Inherited => self.element.scope().map_or("", |scope| &scope.default),
            Origin::InheritedPrefix(index) => self
                .element
                .scope()
                .and_then(|scope| scope.prefix(index))
                .map_or("", |(_, uri)| uri),
            Origin::Declared(at) => match self.tree.entry(at) {
                Some(Entry::Declaration { uri, .. }) => self.tree.value(self.element.raw(), *uri),
                _ => "",
            },
        }
    }
}

impl PartialEq for ElementRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.name(), other.namespace())
            && self.attrs().count() == other.attrs().count()
            && self
                .attrs()
                .all(|one| other.attr_ns(one.name(), one.namespace()) == Some(one.value()))
            && self.nodes().eq(other.nodes())
    }
}

impl Eq for ElementRef<'_> {}

/// As for [`Element`].
impl fmt::Debug for ElementRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_element().fmt(f)
    }
}

/// An attribute of an element.
#[derive(Clone, Copy)]
pub struct AttributeRef<'e> {
    of: ElementRef<'e>,
    name: QName,
    namespace: Ns,
    value: Value,
}

impl<'e> AttributeRef<'e> {
    /// Returns the local name.
    pub fn name(&self) -> &'e str {
        self.name.local().of(self.of.element.raw())
    }

    /// Returns the namespace, empty for a name without a prefix.
    pub fn namespace(&self) -> &'e str {
        self.of.uri(self.namespace)
    }

    /// Returns the value, decoded.
    pub fn value(&self) -> &'e str {
        self.of.tree.value(self.of.element.raw(), self.value)
    }
}

impl fmt::Debug for AttributeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeRef({}={:?})", self.name(), self.value())
    }
}

/// The elements directly within an element; made by [`ElementRef::children`].
#[derive(Clone, Debug)]
pub struct Children<'e>(Content<'e>);

impl<'e> Iterator for Children<'e> {
    type Item = ElementRef<'e>;

    fn next(&mut self) -> Option<ElementRef<'e>> {
        self.0.find_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Content<'e> {
    of: ElementRef<'e>,
    at: u32,
    end: u32,
}

impl<'e> Iterator for Content<'e> {
    type Item = Node<'e>;

    fn next(&mut self) -> Option<Node<'e>> {
        if self.at >= self.end {
            return None;
        }
        let here = ElementRef { at: self.at, ..self.of };
        self.at = here.next();
        match here.tree.entry(here.at)? {
            Entry::Element { .. } => Some(Node::Element(here)),
            Entry::Text(text) => Some(Node::Text(here.tree.value(here.element.raw(), *text))),
            Entry::Declaration { .. } | Entry::Attribute { .. } => None,
        }
    }
}
