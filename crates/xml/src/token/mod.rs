//! The tokenizer: reads one complete element and tells a [`Sink`] what is in it.
//!
//! It runs twice at most. On arrival over untrusted bytes with a sink that only counts; and, when
//! somebody asks for the tree, over the same bytes with a sink that keeps. One code path serves
//! both, so the tree cannot disagree with what was checked.

mod check;
mod name;
mod namespaces;
mod reader;
mod reference;

pub(crate) use check::{check, replay};
pub(crate) use reference::{decode_attribute, decode_text};

use crate::XmlError;

/// A range of the element's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, len: (end - start) as u32 }
    }

    pub(crate) fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    pub(crate) fn of(self, source: &str) -> &str {
        source.get(self.start as usize..self.end()).unwrap_or_default()
    }

    pub(crate) fn of_bytes(self, source: &[u8]) -> &[u8] {
        source.get(self.start as usize..self.end()).unwrap_or_default()
    }
}

/// A name as written, and where its prefix ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QName {
    pub(crate) start: u32,
    /// Bytes of the prefix, its colon left out; zero where there is none.
    pub(crate) prefix: u16,
    /// Bytes of the whole name.
    pub(crate) len: u16,
}

impl QName {
    pub(crate) fn whole(self) -> Span {
        Span { start: self.start, len: self.len.into() }
    }

    pub(crate) fn prefix(self) -> Span {
        Span { start: self.start, len: self.prefix.into() }
    }

    pub(crate) fn local(self) -> Span {
        let skip = if self.prefix == 0 { 0 } else { u32::from(self.prefix) + 1 };
        Span { start: self.start + skip, len: u32::from(self.len) - skip }
    }
}

/// Text as written, and whether it has to be decoded to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) span: Span,
    /// Free of references, CDATA sections and line ends or white space to normalise.
    pub(crate) plain: bool,
}

/// Which declaration a name's namespace comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ns(u32);

/// An [`Ns`] taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No namespace.
    None,
    /// Bound to `xml` by the standard.
    Xml,
    /// The default namespace of the stream.
    Inherited,
    /// A prefix of the stream header.
    InheritedPrefix(usize),
    /// What [`Sink::declaration`] returned.
    Declared(u32),
}

impl Ns {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const XML: Self = Self(1);
    pub(crate) const INHERITED: Self = Self(2);
    const FIRST_PREFIX: u32 = 3;
    const FIRST_DECLARED: u32 = Self::FIRST_PREFIX + crate::scope::MAX_PREFIXES as u32;

    pub(crate) fn inherited_prefix(index: usize) -> Self {
        Self(Self::FIRST_PREFIX + index as u32)
    }

    pub(crate) fn declared(id: u32) -> Self {
        Self(Self::FIRST_DECLARED + id)
    }

    pub(crate) fn origin(self) -> Origin {
        match self.0 {
            0 => Origin::None,
            1 => Origin::Xml,
            2 => Origin::Inherited,
            n if n < Self::FIRST_DECLARED => {
                Origin::InheritedPrefix((n - Self::FIRST_PREFIX) as usize)
            }
            n => Origin::Declared(n - Self::FIRST_DECLARED),
        }
    }
}

/// Hears what is in an element, in document order.
pub(crate) trait Sink {
    /// A start tag; `at` is where its `<` stands.
    fn start(&mut self, at: u32, name: QName);
    /// A namespace declaration of the start tag before; returns the id its users will carry.
    fn declaration(&mut self, prefix: Span, uri: Raw) -> u32;
    /// The namespace of the start tag before, after all of its declarations.
    fn namespace(&mut self, namespace: Ns);
    /// An attribute of the start tag before, after its namespace.
    fn attribute(&mut self, name: QName, namespace: Ns, value: Raw);
    /// Everything between two tags, references and CDATA sections included.
    fn text(&mut self, text: Raw);
    /// The end of the innermost open element; `end` is the first byte after it.
    fn end(&mut self, end: u32);
}

/// Counts the nodes that a tree of the element would have.
#[derive(Debug, Default)]
pub(crate) struct Count(pub(crate) u32);

impl Sink for Count {
    fn start(&mut self, _: u32, _: QName) {
        self.0 += 1;
    }

    fn declaration(&mut self, _: Span, _: Raw) -> u32 {
        self.0 += 1;
        self.0 - 1
    }

    fn namespace(&mut self, _: Ns) {}

    fn attribute(&mut self, _: QName, _: Ns, _: Raw) {
        self.0 += 1;
    }

    fn text(&mut self, _: Raw) {
        self.0 += 1;
    }

    fn end(&mut self, _: u32) {}
}

/// Why reading stopped before the end of the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end first.
    Incomplete,
    /// They are wrong.
    Error(XmlError),
}

impl From<XmlError> for Stop {
    fn from(error: XmlError) -> Self {
        Self::Error(error)
    }
}

/// What is known about an element once it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) name: QName,
    pub(crate) namespace: RootNs,
    /// The whole of the `xmlns` declaration on the root, the white space before it included.
    pub(crate) default_declaration: Option<Span>,
    /// What stands between the root's tags.
    pub(crate) content: Span,
    /// Bytes of the element.
    pub(crate) len: u32,
    /// Which prefixes of the stream header are used, one bit each.
    pub(crate) inherited_prefixes: u64,
    /// Whether the default namespace of the stream is used.
    pub(crate) inherits_default: bool,
}

/// The root's namespace, to be had without a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootNs {
    None,
    Xml,
    Inherited,
    InheritedPrefix(u8),
    Declared(Raw),
}
