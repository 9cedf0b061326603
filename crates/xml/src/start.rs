//! A root's start tag as it was written, read without a tree.

use std::borrow::Cow;

use crate::Element;
use crate::chars::is_space;
use crate::scope::Scope;
use crate::token::{QName, decode_attribute};

/// The start tag of an element's root; made by [`Element::start`].
///
/// Reading it costs one pass over the tag and allocates nothing, which is what a router needs.
///
/// ```
/// use sestina_xml::{Element, Limits};
///
/// let message = Element::parse("<message to='a&amp;b' type=\"chat\"/>", &Limits::default())?;
/// let start = message.start();
/// assert_eq!(start.name(), "message");
/// let attributes: Vec<_> = start.attributes().map(|a| (a.source_name(), a.value())).collect();
/// assert_eq!(attributes, [("to", "a&b".into()), ("type", "chat".into())]);
/// # Ok::<(), sestina_xml::XmlError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Start<'e> {
    element: &'e Element,
    name: QName,
    end: usize,
}

impl<'e> Start<'e> {
    pub(crate) fn new(element: &'e Element, name: QName, end: usize) -> Self {
        Self { element, name, end }
    }

    /// Returns the local name.
    pub fn name(&self) -> &'e str {
        self.element.name()
    }

    /// Returns the name as written, prefix included.
    pub fn source_name(&self) -> &'e str {
        self.name.whole().of(self.element.raw())
    }

    /// Returns the namespace, empty where there is none.
    pub fn namespace(&self) -> &'e str {
        self.element.namespace()
    }

    /// Iterates over attributes and namespace declarations in the order they were written.
    pub fn attributes(&self) -> StartAttributes<'e> {
        let rest = self.element.raw().get(self.name.whole().end()..self.end);
        StartAttributes { rest: rest.unwrap_or_default() }
    }
}

/// Iterator over the attributes of a start tag; made by [`Start::attributes`].
#[derive(Clone, Debug)]
pub struct StartAttributes<'e> {
    rest: &'e str,
}

impl<'e> Iterator for StartAttributes<'e> {
    type Item = StartAttribute<'e>;

    fn next(&mut self) -> Option<StartAttribute<'e>> {
        let source = self.rest.trim_ascii_start();
        let equals = source.find('=')?;
        let name = source.get(..equals)?.trim_ascii_end();
        let quote = equals + source.get(equals..)?.find(['\'', '"'])?;
        let mark = *source.as_bytes().get(quote)?;
        let value = source.get(quote + 1..)?;
        let len = memchr::memchr(mark, value.as_bytes())?;
        self.rest = value.get(len + 1..)?;
        let value = value.get(..len)?;
        Some(StartAttribute { name, value, source: source.get(..quote + len + 2)? })
    }
}

/// One attribute of a start tag as it was written, or one namespace declaration.
#[derive(Clone, Copy, Debug)]
pub struct StartAttribute<'e> {
    name: &'e str,
    value: &'e str,
    source: &'e str,
}

impl<'e> StartAttribute<'e> {
    /// Returns the name as written, prefix included.
    pub fn source_name(&self) -> &'e str {
        self.name
    }

    /// Whether it declares a namespace.
    pub fn is_declaration(&self) -> bool {
        self.name.strip_prefix("xmlns").is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// Returns the value, decoded.
    pub fn value(&self) -> Cow<'e, str> {
        if let Some(plain) = self.plain_value() {
            return Cow::Borrowed(plain);
        }
        let mut value = String::with_capacity(self.value.len());
        decode_attribute(self.value, &mut value);
        Cow::Owned(value)
    }

    /// Returns the whole of it as written, from the name to the closing quote.
    pub fn source(&self) -> &'e str {
        self.source
    }

    /// Returns the value if it means what it looks like.
    pub(crate) fn plain_value(&self) -> Option<&'e str> {
        let encoded = |byte: &u8| *byte == b'&' || (is_space(*byte) && *byte != b' ');
        (!self.value.as_bytes().iter().any(encoded)).then_some(self.value)
    }
}

/// Iterator over prefixes and namespaces that an element inherits; made by [`Element::foreign`].
#[derive(Clone, Debug)]
pub struct Foreign<'e> {
    scope: Option<&'e Scope>,
    left: u64,
}

impl<'e> Foreign<'e> {
    pub(crate) fn new(scope: Option<&'e Scope>, used: u64) -> Self {
        Self { scope, left: used }
    }
}

impl<'e> Iterator for Foreign<'e> {
    type Item = (&'e str, &'e str);

    fn next(&mut self) -> Option<(&'e str, &'e str)> {
        if self.left == 0 {
            return None;
        }
        let index = self.left.trailing_zeros();
        self.left &= self.left - 1;
        self.scope?.prefix(index as usize)
    }
}
