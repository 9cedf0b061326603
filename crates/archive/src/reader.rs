//! A document of XEP-0227 in parts, however its bytes are split.

use std::fmt;

use rxml::{
    AttrMap, Event, Options, Parse, Parser, WithOptions, error::EndOrError, parser::CommentMode,
};
use sestina_stanza::ns;
use sestina_xml::{Element, TagWriter, XmlError, escape_text, write_end_tag};
use zeroize::Zeroizing;

/// What `xi:include` belongs to.
const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";

/// The most bytes that are looked at before the bounds are.
const STEP: usize = 4 << 10;

/// A part of a document, in its order.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// An account begins.
    User(User),
    /// Something of the account that has begun.
    Element(Element),
    /// The account is complete.
    UserEnd,
    /// Something outside of accounts that says nothing here, by name and namespace.
    Skipped(String, String),
}

/// Whose account begins.
#[derive(PartialEq, Eq)]
pub struct User {
    /// The domain, as its host has it.
    pub host: String,
    /// The localpart, as it stands there.
    pub name: String,
    /// The password, where the other server knew it.
    pub password: Option<Zeroizing<String>>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, name, password } = self;
        let password = password.as_ref().map(|_| "…");
        let mut shown = f.debug_struct("User");
        shown.field("host", host).field("name", name).field("password", &password).finish()
    }
}

/// Bounds on what a document can make its reader hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one element within `<user/>`; 64 MiB unless told, for it may hold all the messages
    /// of an account.
    pub element_bytes: usize,
    /// Bytes of one tag, or comment; 1 MiB unless told.
    pub tag_bytes: usize,
    /// Bytes of one attribute or name; 64 KiB unless told.
    pub attribute_bytes: usize,
    /// Elements within each other, within `<user/>`; 64 unless told.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { element_bytes: 64 << 20, tag_bytes: 1 << 20, attribute_bytes: 64 << 10, depth: 64 }
    }
}

impl Limits {
    fn xml(&self) -> sestina_xml::Limits {
        sestina_xml::Limits {
            attribute_bytes: self.tag_bytes,
            attributes: 256,
            children: 1 << 20,
            declarations: 256,
            depth: self.depth,
            element_bytes: self.element_bytes,
            ..sestina_xml::Limits::default()
        }
    }
}

/// What is wrong with a document, and where. Nothing can be read behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadError {
    /// The line.
    pub line: u64,
    /// What is wrong there.
    pub wrong: Wrong,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wrong {
    /// It is not well-formed.
    Xml(rxml::Error),
    /// An element within `<user/>` is none that can be had here.
    Element(XmlError),
    /// It is beyond one of the [`Limits`], which is named.
    Limit(&'static str),
    /// It begins with another element than `<server-data xmlns='urn:xmpp:pie:0'/>`.
    Root,
    /// Text stands where none belongs.
    Text,
    /// A host or user does not say which.
    Unnamed(&'static str),
    /// It lies in several files, of which this reads one.
    Include,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.wrong)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xml(error) => write!(f, "this is no XML that can be read: {error}"),
            Self::Element(error) => write!(f, "an element cannot be read: {error}"),
            Self::Limit(what) => write!(f, "{what}"),
            Self::Root => write!(f, "this is no <server-data xmlns='{}'/>", ns::PIE),
            Self::Text => f.write_str("there is text between the elements"),
            Self::Unnamed(what) => write!(f, "there is a <{what}/> that does not say which"),
            Self::Include => f.write_str(
                "<xi:include/> is not followed: import each of the files that are included",
            ),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<XmlError> for Wrong {
    fn from(error: XmlError) -> Self {
        Self::Element(error)
    }
}

/// Reads a document part by part. It holds one tag, or one element within a user, at a time.
///
/// The parts do not depend on how the bytes were split.
///
/// ```
/// use sestina_archive::{Limits, Part, Reader};
///
/// let mut reader = Reader::new(Limits::default());
/// let mut input: &[u8] = b"<server-data xmlns='urn:xmpp:pie:0'><host jid='capulet.example'>\
///     <user name='juliet'><vCard xmlns='vcard-temp'/></user></host></server-data>";
/// let mut parts = Vec::new();
/// while let Some(part) = reader.next(&mut input)? {
///     parts.push(part);
/// }
/// reader.end()?;
/// assert!(matches!(&parts[0], Part::User(user) if user.name == "juliet"));
/// assert!(matches!(&parts[1], Part::Element(card) if card.name() == "vCard"));
/// assert_eq!(parts[2..], [Part::UserEnd]);
/// # Ok::<(), sestina_archive::ReadError>(())
/// ```
pub struct Reader {
    limits: Limits,
    parser: Parser,
    /// The line that was come to, and the one on which the part at hand has begun.
    reached: u64,
    began: u64,
    /// Bytes since anything was understood.
    since: usize,
    place: Place,
    host: String,
    written: Written,
    failed: Option<ReadError>,
}

/// What the next tag stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Document,
    Host,
    User,
    /// An element of a user, so deep.
    Element(usize),
    /// What says nothing here, so deep, and what it stands in.
    Skipped(usize, bool),
    Done,
}

/// An element as it comes, written anew.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// The names and namespaces of what is open.
    open: Vec<(String, String)>,
    /// Whether the last start tag has yet to be ended.
    pending: bool,
}

impl Reader {
    /// Reads from the start.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let options = Options {
            max_token_length: limits.attribute_bytes,
            comments: CommentMode::Discard,
            ..Options::default()
        };
        Self {
            limits,
            parser: Parser::with_options(options),
            reached: 1,
            began: 1,
            since: 0,
            place: Place::Outside,
            host: String::new(),
            written: Written::default(),
            failed: None,
        }
    }

    /// The line on which the part that was read last begins.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.began
    }

    /// Takes bytes from the front of `input` up to the end of the next part. None means that all of
    /// them were taken, and more are needed or nothing follows.
    ///
    /// # Errors
    ///
    /// What is wrong with the document; the same error comes again then.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Part>, ReadError> {
        self.step(input, false)
    }

    /// Says that no bytes follow.
    ///
    /// # Errors
    ///
    /// If some should, or what was wrong before.
    pub fn end(&mut self) -> Result<(), ReadError> {
        while self.step(&mut &[][..], true)?.is_some() {}
        Ok(())
    }

    fn step(&mut self, input: &mut &[u8], all: bool) -> Result<Option<Part>, ReadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let part = self.part(input, all);
        part.map_err(|wrong| {
            let error = ReadError { line: self.reached, wrong };
            self.written = Written::default();
            self.failed.insert(error).clone()
        })
    }

    fn part(&mut self, input: &mut &[u8], all: bool) -> Result<Option<Part>, Wrong> {
        loop {
            // Little at a time, so that what is too long is found before it is all there.
            let before = input.get(..STEP).unwrap_or(input);
            let mut rest = before;
            let event = self.parser.parse(&mut rest, all && before.len() == input.len());
            let taken = before.len() - rest.len();
            let lines = before.iter().take(taken).filter(|byte| **byte == b'\n').count();
            *input = input.get(taken..).unwrap_or_default();
            let begins = self.reached;
            self.reached += lines as u64;
            self.since += taken;
            if self.since > self.limits.tag_bytes {
                return Err(Wrong::Limit("a tag or a comment is too long"));
            }
            match event {
                Ok(Some(event)) => {
                    self.since = 0;
                    if let Some(part) = self.event(event, begins)? {
                        return Ok(Some(part));
                    }
                }
                Ok(None) => return Ok(None),
                Err(EndOrError::Error(error)) => return Err(Wrong::Xml(error)),
                Err(EndOrError::NeedMoreData) if input.is_empty() => return Ok(None),
                Err(EndOrError::NeedMoreData) => {}
            }
        }
    }

    fn event(&mut self, event: Event, line: u64) -> Result<Option<Part>, Wrong> {
        match event {
            Event::XmlDeclaration(..) => Ok(None),
            Event::StartElement(_, (namespace, name), attributes) => {
                self.open(namespace.as_str(), name.as_str(), &attributes, line)
            }
            Event::Text(_, text) => {
                match self.place {
                    Place::Element(_) => {
                        self.written.text(&text);
                        self.fits()?;
                    }
                    Place::Skipped(..) => {}
                    _ if text.chars().all(|char| char.is_ascii_whitespace()) => {}
                    _ => return Err(Wrong::Text),
                }
                Ok(None)
            }
            Event::EndElement(_) => self.close(),
        }
    }

    fn open(
        &mut self,
        namespace: &str,
        name: &str,
        attributes: &AttrMap,
        line: u64,
    ) -> Result<Option<Part>, Wrong> {
        let attribute = |name: &str| {
            attributes.iter().find_map(|((namespace, key), value)| {
                (namespace.as_str().is_empty() && key.as_str() == name).then_some(value.as_str())
            })
        };
        let known = namespace == ns::PIE;
        match (self.place, name) {
            (Place::Outside, "server-data") if known => self.place = Place::Document,
            (Place::Outside | Place::Done, _) => return Err(Wrong::Root),
            (Place::Document, "host") if known => {
                self.host = attribute("jid").ok_or(Wrong::Unnamed("host"))?.to_owned();
                self.place = Place::Host;
            }
            (Place::Host, "user") if known => {
                let name = attribute("name").ok_or(Wrong::Unnamed("user"))?.to_owned();
                let password = attribute("password").map(|it| Zeroizing::new(it.to_owned()));
                self.place = Place::User;
                self.began = line;
                let host = self.host.clone();
                return Ok(Some(Part::User(User { host, name, password })));
            }
            (Place::Document | Place::Host | Place::User, "include") if namespace == XINCLUDE => {
                return Err(Wrong::Include);
            }
            (Place::Document | Place::Host, _) => {
                self.place = Place::Skipped(1, self.place == Place::Host);
                self.began = line;
                return Ok(Some(Part::Skipped(name.to_owned(), namespace.to_owned())));
            }
            (Place::User | Place::Element(_), _) => {
                let depth = if let Place::Element(depth) = self.place { depth + 1 } else { 1 };
                if depth == 1 {
                    self.began = line;
                }
                self.deep(depth)?;
                self.place = Place::Element(depth);
                self.written.open(namespace, name, attributes);
                self.fits()?;
            }
            (Place::Skipped(depth, in_host), _) => {
                self.deep(depth + 1)?;
                self.place = Place::Skipped(depth + 1, in_host);
            }
        }
        Ok(None)
    }

    fn close(&mut self) -> Result<Option<Part>, Wrong> {
        self.place = match self.place {
            Place::Skipped(1, false) | Place::Host => Place::Document,
            Place::Skipped(1, true) => Place::Host,
            Place::Skipped(depth, in_host) => Place::Skipped(depth - 1, in_host),
            Place::User => {
                self.place = Place::Host;
                self.began = self.reached;
                return Ok(Some(Part::UserEnd));
            }
            Place::Element(depth) => {
                self.written.close();
                if depth == 1 {
                    self.place = Place::User;
                    let written = std::mem::take(&mut self.written.bytes);
                    return Ok(Some(Part::Element(Element::parse(written, &self.limits.xml())?)));
                }
                Place::Element(depth - 1)
            }
            Place::Document | Place::Outside | Place::Done => Place::Done,
        };
        Ok(None)
    }

    fn deep(&self, depth: usize) -> Result<(), Wrong> {
        if depth > self.limits.depth {
            return Err(Wrong::Limit("elements lie too deep within each other"));
        }
        Ok(())
    }

    fn fits(&self) -> Result<(), Wrong> {
        if self.written.bytes.len() > self.limits.element_bytes {
            return Err(Wrong::Limit("an element is too large"));
        }
        Ok(())
    }
}

impl Written {
    fn open(&mut self, namespace: &str, name: &str, attributes: &AttrMap) {
        self.end_tag();
        let mut tag = TagWriter::open(&mut self.bytes, name);
        if self.open.last().is_none_or(|(_, around)| around != namespace) {
            tag.declare("", namespace);
        }
        for (at, ((namespace, name), value)) in attributes.iter().enumerate() {
            let (namespace, value) = (namespace.as_str(), value.as_str());
            match namespace {
                "" => tag.attr(name, value),
                rxml::XMLNS_XML => tag.attr(&format!("xml:{name}"), value),
                _ => {
                    let prefix = format!("a{at}");
                    tag.declare(&prefix, namespace).attr(&format!("{prefix}:{name}"), value)
                }
            };
        }
        // Whether it is empty is known when the next thing comes.
        let _tag = tag;
        self.pending = true;
        self.open.push((name.to_owned(), namespace.to_owned()));
    }

    fn end_tag(&mut self) {
        if std::mem::take(&mut self.pending) {
            self.bytes.push(b'>');
        }
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.end_tag();
            escape_text(&mut self.bytes, text);
        }
    }

    fn close(&mut self) {
        let Some((name, _)) = self.open.pop() else { return };
        if std::mem::take(&mut self.pending) {
            self.bytes.extend_from_slice(b"/>");
        } else {
            write_end_tag(&mut self.bytes, &name);
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reader");
        shown.field("line", &self.reached).field("place", &self.place).finish_non_exhaustive()
    }
}
