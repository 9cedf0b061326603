//! What prefixes stand for, and which attributes are the same.

use super::reader::{Attribute, Reader};
use super::reference::decode_attribute;
use super::{Ns, Origin, QName, Raw, RootNs, Sink, Span};
use crate::scope::{MAX_PREFIXES, XML_NAMESPACE, XMLNS_NAMESPACE};
use crate::{LimitKind, XmlError};

/// A prefix that is declared within the element.
pub(super) struct Binding {
    prefix: Span,
    uri: Raw,
    namespace: Ns,
}

impl<S: Sink> Reader<'_, S> {
    /// Puts the declarations of a start tag in scope; returns that of the default namespace.
    pub(super) fn declare(&mut self, default: &mut Ns) -> Result<Option<Span>, XmlError> {
        let mut default_declaration = None;
        for index in 0..self.attributes.len() {
            let Some(&Attribute { from, name, value: uri, declares: true, .. }) =
                self.attributes.get(index)
            else {
                continue;
            };
            let reserved = self.reserved(uri);
            if name.prefix == 0 {
                // XML Names §3: neither reserved name can be the default.
                if default_declaration.is_some() || reserved.is_some() {
                    return Err(XmlError::NotWellFormed);
                }
                let end = uri.span.end() + 1;
                default_declaration = Some(Span::new(from as usize, end));
                let id = self.sink.declaration(Span::default(), uri);
                *default = if uri.span.len == 0 { Ns::NONE } else { Ns::declared(id) };
                // Kept among the bindings for its URI; no name has an empty prefix.
                let prefix = Span::default();
                self.bind(Binding { prefix, uri, namespace: *default })?;
                continue;
            }
            let prefix = name.local();
            match (prefix.of_bytes(self.input), reserved) {
                (b"xml", Some(Reserved::Xml)) => {
                    self.sink.declaration(prefix, uri);
                    continue;
                }
                (b"xml" | b"xmlns", _) | (_, Some(_)) => return Err(XmlError::NotWellFormed),
                // XML Names §2.2: a prefix cannot be undeclared.
                _ if uri.span.len == 0 => return Err(XmlError::NotWellFormed),
                _ => {}
            }
            let namespace = Ns::declared(self.sink.declaration(prefix, uri));
            self.bind(Binding { prefix, uri, namespace })?;
        }
        Ok(default_declaration)
    }

    fn bind(&mut self, binding: Binding) -> Result<(), XmlError> {
        if self.bindings.len() >= self.limits.declarations {
            return Err(XmlError::Limit(LimitKind::Declarations));
        }
        self.bindings.push(binding);
        Ok(())
    }

    fn reserved(&self, uri: Raw) -> Option<Reserved> {
        let is = |reserved: &str| {
            let bytes = uri.span.of_bytes(self.input);
            if uri.plain { bytes == reserved.as_bytes() } else { decoded(bytes) == reserved }
        };
        match () {
            () if is(XML_NAMESPACE) => Some(Reserved::Xml),
            () if is(XMLNS_NAMESPACE) => Some(Reserved::Xmlns),
            () => None,
        }
    }

    /// Finds what the prefix of `name` stands for.
    pub(super) fn resolve(&mut self, name: QName) -> Result<Ns, XmlError> {
        let prefix = name.prefix().of_bytes(self.input);
        let bound = |binding: &&Binding| binding.prefix.of_bytes(self.input) == prefix;
        if let Some(binding) = self.bindings.iter().rev().find(bound) {
            return Ok(binding.namespace);
        }
        if prefix == b"xml" {
            return Ok(Ns::XML);
        }
        let prefixes = self.scope.map(|scope| &scope.prefixes).into_iter().flatten();
        let index = prefixes
            .take(MAX_PREFIXES)
            .position(|(inherited, _)| inherited.as_bytes() == prefix)
            .ok_or(XmlError::BadNamespacePrefix)?;
        self.inherited_prefixes |= 1 << index;
        Ok(Ns::inherited_prefix(index))
    }

    /// XML 1.0 §3.1 and XML Names §6.3: no name twice, neither as written nor as meant.
    pub(super) fn resolve_attributes(&mut self) -> Result<(), XmlError> {
        for index in 0..self.attributes.len() {
            let Some(&one) = self.attributes.get(index) else { break };
            let mut one = one;
            if one.name.prefix != 0 && !one.declares {
                one.namespace = self.resolve(one.name)?;
                if let Some(unresolved) = self.attributes.get_mut(index) {
                    unresolved.namespace = one.namespace;
                }
            }
            for other in self.attributes.iter().take(index) {
                let as_written = one.name.len == other.name.len
                    && one.name.whole().of_bytes(self.input)
                        == other.name.whole().of_bytes(self.input);
                if as_written || self.same_meaning(&one, other) {
                    return Err(XmlError::NotWellFormed);
                }
            }
        }
        Ok(())
    }

    fn same_meaning(&self, one: &Attribute, other: &Attribute) -> bool {
        one.name.prefix != 0
            && other.name.prefix != 0
            && !(one.declares || other.declares)
            && one.name.local().of_bytes(self.input) == other.name.local().of_bytes(self.input)
            && self.same_namespace(one.namespace, other.namespace)
    }

    fn same_namespace(&self, one: Ns, other: Ns) -> bool {
        one == other || self.uri(one) == self.uri(other)
    }

    /// The text of a namespace that is in scope; only for the rare comparison of two prefixes.
    fn uri(&self, namespace: Ns) -> String {
        match namespace.origin() {
            Origin::None => String::new(),
            Origin::Xml => XML_NAMESPACE.to_owned(),
            Origin::Inherited => {
                self.scope.map(|scope| (*scope.default).to_owned()).unwrap_or_default()
            }
            Origin::InheritedPrefix(index) => self
                .scope
                .and_then(|scope| scope.prefix(index))
                .map(|(_, uri)| uri.to_owned())
                .unwrap_or_default(),
            Origin::Declared(_) => self
                .bindings
                .iter()
                .find(|binding| binding.namespace == namespace)
                .map(|binding| decoded(binding.uri.span.of_bytes(self.input)))
                .unwrap_or_default(),
        }
    }

    pub(super) fn root_namespace(&self, namespace: Ns) -> RootNs {
        match namespace.origin() {
            Origin::None => RootNs::None,
            Origin::Xml => RootNs::Xml,
            Origin::Inherited => RootNs::Inherited,
            Origin::InheritedPrefix(index) => RootNs::InheritedPrefix(index as u8),
            Origin::Declared(_) => self
                .bindings
                .iter()
                .find(|binding| binding.namespace == namespace)
                .map_or(RootNs::None, |binding| RootNs::Declared(binding.uri)),
        }
    }
}

enum Reserved {
    Xml,
    Xmlns,
}

fn decoded(raw: &[u8]) -> String {
    let mut out = String::new();
    decode_attribute(&String::from_utf8_lossy(raw), &mut out);
    out
}
