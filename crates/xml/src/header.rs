//! The header of a stream: an XML declaration, perhaps, and the root's start tag.

use std::fmt;
use std::sync::Arc;

use rxml::error::EndOrError;
use rxml::{Event, Options, Parse, Parser, WithOptions};

use crate::chars::{is_space, trim_spaces};
use crate::element_ref::ElementRef;
use crate::scope::{MAX_PREFIXES, Scope, XML_NAMESPACE};
use crate::{Element, LimitKind, Limits, XmlError};

/// The root's start tag of a stream, which stays open as long as the stream does.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamHeader {
    /// The start tag with an end tag put behind it.
    element: Element,
    scope: Arc<Scope>,
}

impl StreamHeader {
    /// Takes an element for a header, as where a stream is made of messages and each stands alone.
    pub fn of_message(element: Element) -> Self {
        let root = element.start().source_name().into();
        let scope = Scope { root, default: "".into(), prefixes: Box::default() }.share();
        Self { element, scope }
    }

    /// Returns the root's local name; `stream` if the peer speaks XMPP.
    pub fn name(&self) -> &str {
        self.element.name()
    }

    /// Returns the root's namespace.
    pub fn namespace(&self) -> &str {
        self.element.namespace()
    }

    /// Returns what no prefix stands for within the stream, such as `jabber:client`.
    pub fn content_namespace(&self) -> &str {
        &self.scope.default
    }

    /// Returns who is addressed.
    pub fn to(&self) -> Option<&str> {
        self.element.attr("to")
    }

    /// Returns who the peer says it is.
    pub fn from(&self) -> Option<&str> {
        self.element.attr("from")
    }

    /// Returns the stream's id.
    pub fn id(&self) -> Option<&str> {
        self.element.attr("id")
    }

    /// Returns the version as written; who speaks the protocol before XMPP 1.0 writes none.
    pub fn version(&self) -> Option<&str> {
        self.element.attr("version")
    }

    /// Returns `xml:lang`.
    pub fn lang(&self) -> Option<&str> {
        self.element.attr_ns("lang", XML_NAMESPACE)
    }

    /// Returns the value of an attribute in no namespace.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.element.attr(name)
    }

    /// Returns the whole start tag as an element without content.
    pub fn as_element(&self) -> ElementRef<'_> {
        self.element.root()
    }

    /// Iterates over the prefixes that the header declares, and their namespaces.
    pub fn prefixes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.scope.prefixes.iter().map(|(prefix, uri)| (&**prefix, &**uri))
    }

    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// Reads a complete header; true if the root ends with it.
    pub(crate) fn read(header: &[u8], limits: &Limits) -> Result<(Self, bool), XmlError> {
        check_by_reference(header)?;
        let tag = memchr::memmem::find(header, b"?>").map_or(0, |end| end + 2);
        let tag = trim_spaces(header.get(tag..).unwrap_or_default());
        let empty = tag.ends_with(b"/>");
        let mut closed = tag.to_vec();
        if !empty {
            let ends = |byte: &u8| is_space(*byte) || *byte == b'>';
            let name = tag.get(1..).unwrap_or_default();
            let len = name.iter().position(ends).unwrap_or(name.len());
            closed.extend_from_slice(b"</");
            closed.extend_from_slice(name.get(..len).unwrap_or_default());
            closed.push(b'>');
        }
        let limits = Limits { element_bytes: closed.len(), ..*limits };
        let element = Element::parse(&closed, &limits)?;
        let (mut default, mut prefixes) = ("".into(), Vec::new());
        for declaration in element.start().attributes().filter(|one| one.is_declaration()) {
            match declaration.source_name().split_once(':') {
                None => default = declaration.value().into(),
                Some((_, "xml")) => {}
                Some((_, prefix)) => prefixes.push((prefix.into(), declaration.value().into())),
            }
        }
        if prefixes.len() > MAX_PREFIXES {
            return Err(XmlError::Limit(LimitKind::Declarations));
        }
        let root = element.start().source_name().into();
        let scope = Scope { root, default, prefixes: prefixes.into() }.share();
        Ok((Self { element, scope }, empty))
    }
}

impl fmt::Debug for StreamHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamHeader({})", String::from_utf8_lossy(self.element.as_bytes()))
    }
}

/// Has `rxml` read a header, or the XML declaration that begins one.
fn check_by_reference(header: &[u8]) -> Result<(), XmlError> {
    let options = Options { max_token_length: header.len() + 1, ..Options::default() };
    let mut parser = Parser::with_options(options);
    let mut rest = header;
    loop {
        match parser.parse(&mut rest, false) {
            Ok(Some(
                Event::StartElement(..) | Event::XmlDeclaration(..) | Event::EndElement(_),
            )) => {}
            // A header holds no text, and its root stays open.
            Ok(_) => return Err(XmlError::NotWellFormed),
            Err(EndOrError::NeedMoreData) => return Ok(()),
            Err(EndOrError::Error(error)) => return Err(translate(error, header)),
        }
    }
}

/// Which of our errors one of `rxml` is; its strings are not for programs, so the bytes are looked at.
fn translate(error: rxml::Error, header: &[u8]) -> XmlError {
    use rxml::Error;
    match error {
        Error::UndeclaredNamespacePrefix(_) => XmlError::BadNamespacePrefix,
        Error::InvalidUtf8Byte(_) => XmlError::InvalidUtf8,
        Error::UndeclaredEntity => XmlError::Restricted,
        Error::RestrictedXml(_) if names_encoding(header) => XmlError::UnsupportedEncoding,
        Error::RestrictedXml(_) => XmlError::Restricted,
        _ => XmlError::NotWellFormed,
    }
}

/// Whether the XML declaration names an encoding that is not UTF-8.
fn names_encoding(header: &[u8]) -> bool {
    let declaration = memchr::memmem::find(header, b"?>").and_then(|end| header.get(..end));
    let declaration = declaration.unwrap_or_default().to_ascii_lowercase();
    memchr::memmem::find(&declaration, b"encoding").is_some_and(|at| {
        memchr::memmem::find(declaration.get(at..).unwrap_or_default(), b"utf-8").is_none()
    })
}

/// Finds the end of a header while its bytes are still arriving.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderFramer {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before `<`; true if the XML declaration has been.
    Prolog(bool),
    Less(bool),
    /// Within `<?xml `, after so many bytes of it.
    DeclarationStart(u8),
    /// Within the declaration; true after a question mark.
    Declaration(bool),
    Tag,
    Quoted(u8),
}

const DECLARATION: &[u8] = b"<?xml";

/// What one more byte of a header brought.
pub(crate) enum Step {
    /// White space that is no part of it.
    Skip,
    More,
    /// The XML declaration is complete.
    Declared,
    /// The header is complete.
    Complete,
}

impl HeaderFramer {
    pub(crate) fn new() -> Self {
        Self { state: State::Prolog(false) }
    }

    pub(crate) fn step(&mut self, byte: u8) -> Result<Step, XmlError> {
        self.state = match (self.state, byte) {
            (State::Prolog(declared), b'<') => State::Less(declared),
            (State::Prolog(_), byte) if is_space(byte) => return Ok(Step::Skip),
            // What UTF-16 and UTF-32 begin with; the mark of UTF-8 itself is forbidden as well, but
            // it is at least a character (RFC 6120 §11.6).
            (State::Prolog(false), 0 | 0xfe | 0xff) => return Err(XmlError::UnsupportedEncoding),
            (State::Prolog(_), _) => return Err(XmlError::NotWellFormed),

            (State::Less(false), b'?') => State::DeclarationStart(2),
            (State::Less(_), b'?' | b'!') => return Err(XmlError::Restricted),
            (State::Less(false), 0) => return Err(XmlError::UnsupportedEncoding),
            (State::Less(_), b'/' | b'>') => return Err(XmlError::NotWellFormed),
            (State::Less(_), _) => State::Tag,

            (State::DeclarationStart(5), byte) if is_space(byte) => State::Declaration(false),
            (State::DeclarationStart(len), byte)
                if DECLARATION.get(usize::from(len)) == Some(&byte) =>
            {
                State::DeclarationStart(len + 1)
            }
            (State::DeclarationStart(_), _) => return Err(XmlError::Restricted),
            (State::Declaration(true), b'>') => {
                self.state = State::Prolog(true);
                return Ok(Step::Declared);
            }
            (State::Declaration(_), b'<' | b'>') => return Err(XmlError::NotWellFormed),
            (State::Declaration(_), byte) => State::Declaration(byte == b'?'),

            (State::Tag | State::Quoted(_), b'<') => return Err(XmlError::NotWellFormed),
            (State::Tag, b'>') => return Ok(Step::Complete),
            (State::Tag, b'\'' | b'"') => State::Quoted(byte),
            (State::Quoted(quote), _) if byte == quote => State::Tag,
            (state @ (State::Tag | State::Quoted(_)), _) => state,
        };
        Ok(Step::More)
    }
}

pub(crate) fn check_declaration(declaration: &[u8]) -> Result<(), XmlError> {
    check_by_reference(declaration)
}
