//! Reads one element.

use memchr::{memchr2, memmem};
use smallvec::SmallVec;

use super::name::read_name;
use super::namespaces::Binding;
use super::reference::read_reference;
use super::{Ns, QName, Raw, Root, Sink, Span, Stop};
use crate::chars::{class, class_of, is_space};
use crate::scope::Scope;
use crate::{LimitKind, Limits, XmlError};

const CDATA: &[u8] = b"<![CDATA[";

/// Reads the element that begins with the first byte of `input` and may end before its last.
///
/// With `look_for_brackets` it also refuses `]]>` in text, which costs a search through all of it.
pub(super) fn read<S: Sink>(
    input: &[u8],
    scope: Option<&Scope>,
    limits: &Limits,
    sink: &mut S,
    look_for_brackets: bool,
) -> Result<Root, Stop> {
    let mut reader = Reader {
        input,
        at: 0,
        limits,
        scope,
        sink,
        look_for_brackets,
        open: SmallVec::new(),
        bindings: SmallVec::new(),
        attributes: SmallVec::new(),
        inherited_prefixes: 0,
        inherits_default: false,
        root: None,
        content_end: 0,
    };
    if reader.peek(0).is_some_and(|byte| byte != b'<') {
        return Err(XmlError::NotWellFormed.into());
    }
    reader.start_tag()?;
    while !reader.open.is_empty() {
        reader.content()?;
    }
    let mut root = reader.root.ok_or(XmlError::NotWellFormed)?;
    let content_start = root.content.start as usize;
    root.content = Span::new(content_start, reader.content_end.max(content_start));
    root.len = reader.at as u32;
    root.inherited_prefixes = reader.inherited_prefixes;
    root.inherits_default = reader.inherits_default;
    Ok(root)
}

/// An element whose end tag has not come.
struct Open {
    name: QName,
    /// What no prefix stands for within it.
    default: Ns,
    /// Bindings that were in scope before it.
    bindings: u32,
    children: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Attribute {
    /// Where the white space before it begins.
    pub(super) from: u32,
    pub(super) name: QName,
    pub(super) value: Raw,
    pub(super) namespace: Ns,
    pub(super) declares: bool,
}

pub(super) struct Reader<'r, S> {
    pub(super) input: &'r [u8],
    at: usize,
    pub(super) limits: &'r Limits,
    pub(super) scope: Option<&'r Scope>,
    pub(super) sink: &'r mut S,
    look_for_brackets: bool,
    open: SmallVec<[Open; 16]>,
    pub(super) bindings: SmallVec<[Binding; 8]>,
    pub(super) attributes: SmallVec<[Attribute; 12]>,
    pub(super) inherited_prefixes: u64,
    inherits_default: bool,
    root: Option<Root>,
    /// Where the last end tag begins.
    content_end: usize,
}

impl<S: Sink> Reader<'_, S> {
    /// Reads text up to the next tag, and the tag.
    fn content(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut segment = start;
        let mut plain = true;
        loop {
            // One tag right after another is too common to begin a search for.
            if self.peek(0) != Some(b'<') {
                let found = memchr2(b'<', b'&', self.rest());
                self.at += found.ok_or(Stop::Incomplete)?;
            }
            if self.look_for_brackets {
                let text = self.input.get(segment..self.at).unwrap_or_default();
                if memmem::find(text, b"]]>").is_some() {
                    return Err(XmlError::NotWellFormed.into());
                }
            }
            match (self.peek(0), self.peek(1)) {
                (Some(b'&'), _) => self.at = read_reference(self.input, self.at)?.1,
                (_, Some(b'!')) => self.cdata()?,
                (_, Some(b'?')) => return Err(XmlError::Restricted.into()),
                (_, Some(b'/')) => {
                    self.text(start, plain);
                    return self.end_tag();
                }
                (_, Some(_)) => {
                    self.text(start, plain);
                    return self.start_tag();
                }
                (_, None) => return Err(Stop::Incomplete),
            }
            plain = false;
            segment = self.at;
        }
    }

    fn text(&mut self, start: usize, plain: bool) {
        if start < self.at {
            self.sink.text(Raw { span: Span::new(start, self.at), plain });
        }
    }

    /// Skips a CDATA section; anything else behind `<!` is what streams forbid (RFC 6120 §11.1).
    fn cdata(&mut self) -> Result<(), Stop> {
        let rest = self.rest();
        if !rest.starts_with(CDATA) {
            return Err(match rest.get(2) {
                None => Stop::Incomplete,
                Some(b'[') if CDATA.starts_with(rest) => Stop::Incomplete,
                Some(b'[') => XmlError::NotWellFormed.into(),
                Some(_) => XmlError::Restricted.into(),
            });
        }
        let body = rest.get(CDATA.len()..).unwrap_or_default();
        let end = memmem::find(body, b"]]>").ok_or(Stop::Incomplete)?;
        self.at += CDATA.len() + end + 3;
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Stop> {
        let open = self.open.last().ok_or(XmlError::NotWellFormed)?;
        let name = open.name.whole().of_bytes(self.input);
        let rest = self.input.get(self.at + 2..).unwrap_or_default();
        let Some(after) = rest.strip_prefix(name) else {
            let cut_short = name.starts_with(rest);
            return Err(if cut_short { Stop::Incomplete } else { XmlError::NotWellFormed.into() });
        };
        let spaces = after.iter().take_while(|&&byte| is_space(byte)).count();
        match after.get(spaces) {
            Some(b'>') => {}
            Some(_) => return Err(XmlError::NotWellFormed.into()),
            None => return Err(Stop::Incomplete),
        }
        self.content_end = self.at;
        self.at += 2 + name.len() + spaces + 1;
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.bindings.truncate(open.bindings as usize);
        }
        self.sink.end(self.at as u32);
    }

    fn start_tag(&mut self) -> Result<(), Stop> {
        let at = self.at;
        // Before anything is looked up, since looking up costs more the deeper it starts.
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::Limit(LimitKind::Depth).into());
        }
        let mut default = Ns::INHERITED;
        if let Some(parent) = self.open.last_mut() {
            default = parent.default;
            parent.children += 1;
            if parent.children as usize > self.limits.children {
                return Err(XmlError::Limit(LimitKind::Children).into());
            }
        }
        self.at += 1;
        let name = self.name()?;
        let empty = self.read_attributes()?;
        let bindings = self.bindings.len() as u32;
        self.sink.start(at as u32, name);
        let default_declaration = self.declare(&mut default)?;
        let namespace = if name.prefix == 0 {
            self.inherits_default |= default == Ns::INHERITED;
            default
        } else {
            self.resolve(name)?
        };
        self.sink.namespace(namespace);
        self.resolve_attributes()?;
        for attribute in self.attributes.iter().filter(|attribute| !attribute.declares) {
            self.sink.attribute(attribute.name, attribute.namespace, attribute.value);
        }
        if self.open.is_empty() {
            self.root = Some(Root {
                name,
                namespace: self.root_namespace(namespace),
                default_declaration,
                content: Span::new(self.at, self.at),
                len: 0,
                inherited_prefixes: 0,
                inherits_default: false,
            });
        }
        self.attributes.clear();
        self.open.push(Open { name, default, bindings, children: 0 });
        if empty {
            self.close();
        }
        Ok(())
    }

    /// Reads up to the end of the start tag; true if it is the element's end as well.
    fn read_attributes(&mut self) -> Result<bool, Stop> {
        loop {
            let from = self.at;
            self.skip_spaces();
            match self.peek(0) {
                None => return Err(Stop::Incomplete),
                Some(b'>') => {
                    self.at += 1;
                    return Ok(false);
                }
                Some(b'/') => {
                    return match self.peek(1) {
                        None => Err(Stop::Incomplete),
                        Some(b'>') => {
                            self.at += 2;
                            Ok(true)
                        }
                        Some(_) => Err(XmlError::NotWellFormed.into()),
                    };
                }
                // XML 1.0 §3.1: white space parts attributes from the name and from each other.
                Some(_) if self.at == from => return Err(XmlError::NotWellFormed.into()),
                Some(_) => {}
            }
            if self.attributes.len() >= self.limits.attributes {
                return Err(XmlError::Limit(LimitKind::Attributes).into());
            }
            let name = self.name()?;
            self.skip_spaces();
            self.expect(|byte| byte == b'=')?;
            self.skip_spaces();
            let quote = self.expect(|byte| matches!(byte, b'\'' | b'"'))?;
            let value = self.value(quote)?;
            let declares = match name.prefix {
                0 => name.whole().of_bytes(self.input) == b"xmlns",
                5 => name.prefix().of_bytes(self.input) == b"xmlns",
                _ => false,
            };
            let from = from as u32;
            self.attributes.push(Attribute { from, name, value, namespace: Ns::NONE, declares });
        }
    }

    /// Reads an attribute value and its closing quote.
    fn value(&mut self, quote: u8) -> Result<Raw, Stop> {
        let start = self.at;
        let mut plain = true;
        loop {
            let ordinary = |byte: &&u8| class_of(**byte) & class::VALUE_STOP == 0;
            self.at += self.rest().iter().take_while(ordinary).count();
            match self.peek(0) {
                None => return Err(Stop::Incomplete),
                Some(b'<') => return Err(XmlError::NotWellFormed.into()),
                Some(b'&') => {
                    self.at = read_reference(self.input, self.at)?.1;
                    plain = false;
                    continue;
                }
                Some(byte) if byte == quote => break,
                Some(byte) => plain &= !is_space(byte),
            }
            self.at += 1;
        }
        let span = Span::new(start, self.at);
        if span.len as usize > self.limits.attribute_bytes {
            return Err(XmlError::Limit(LimitKind::AttributeBytes).into());
        }
        self.at += 1;
        Ok(Raw { span, plain })
    }

    fn name(&mut self) -> Result<QName, Stop> {
        let name = read_name(self.input, self.at, self.limits.longest_name())?;
        self.at += usize::from(name.len);
        Ok(name)
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.input.get(self.at + ahead).copied()
    }

    fn expect(&mut self, accepts: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        let byte = self.peek(0).ok_or(Stop::Incomplete)?;
        if !accepts(byte) {
            return Err(XmlError::NotWellFormed.into());
        }
        self.at += 1;
        Ok(byte)
    }

    fn skip_spaces(&mut self) {
        while self.peek(0).is_some_and(is_space) {
            self.at += 1;
        }
    }
}
