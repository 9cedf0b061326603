//! Changing what is within a stanza, in a copy.

use std::sync::Arc;

use sestina_xml::{Element, ElementRef, Limits, Node, escape_text, write_end_tag};

use super::write::Tag;
use super::{Rest, Stanza};

impl Stanza {
    /// The same stanza with one element more, after the others.
    #[must_use]
    pub fn with_child(&self, child: impl Into<Element>) -> Self {
        let child = child.into();
        self.rebuild(|out, namespace| {
            out.extend_from_slice(self.rest.element.content());
            child.write_to(out, namespace);
        })
    }

    /// The same stanza without the elements of this name and namespace; a clone where there are none.
    #[must_use]
    pub fn without_child(&self, name: &str, namespace: &str) -> Self {
        self.without(|child| child.is(name, namespace))
    }

    /// The same stanza without the elements that `unwanted` picks; a clone where it picks none.
    #[must_use]
    pub fn without(&self, unwanted: impl Fn(ElementRef<'_>) -> bool) -> Self {
        if !self.children().any(&unwanted) {
            return self.clone();
        }
        self.rebuild(|out, namespace| {
            write_nodes(out, self.element(), namespace, |child| !unwanted(child));
        })
    }

    /// The same head around content that `write` appends, in the namespace it is told.
    pub(super) fn rebuild(&self, write: impl FnOnce(&mut Vec<u8>, &str)) -> Self {
        let rest = &*self.rest;
        let name = rest.element.name();
        let mut out = Vec::with_capacity(rest.element.as_bytes().len() + 256);
        let mut tag = Tag::open(&mut out, name);
        tag.attribute(" xmlns='", Some(self.namespace()), false);
        rest.write_extras(&mut tag);
        out.push(b'>');
        write(&mut out, self.namespace());
        write_end_tag(&mut out, name);
        let element = Element::parse(out, &Limits::trusted())
            .expect("checked content in a start tag of our own is XML");
        let (id, lang) = (super::Text::own(self.id()), super::Text::own(self.lang()));
        let extras = rest.extras || rest.element.foreign().next().is_some();
        let from = rest.from.clone();
        let rest = Rest { kind: rest.kind, from, id, lang, extras, element };
        Self { to: self.to.clone(), rest: Arc::new(rest) }
    }
}

/// Appends text and elements of `element`, where `namespace` is what no prefix stands for.
fn write_nodes(
    out: &mut Vec<u8>,
    element: &Element,
    namespace: &str,
    keep: impl Fn(ElementRef<'_>) -> bool,
) {
    for node in element.nodes() {
        match node {
            Node::Text(text) => escape_text(out, text),
            Node::Element(child) if keep(child) => child.to_element().write_to(out, namespace),
            Node::Element(_) => {}
        }
    }
}

/// Takes the prefix off the root of a stanza, where a peer has written one.
///
/// Everything else relies on the root's end tag being its local name.
pub(super) fn plain_root(element: Element) -> Element {
    if !element.start().source_name().contains(':') {
        return element;
    }
    let builder = Element::builder(element.name(), element.namespace());
    let builder = element.attrs().fold(builder, |builder, attribute| {
        match (attribute.name(), attribute.namespace()) {
            (name, "") => builder.attr(name, attribute.value()),
            ("lang", crate::ns::XML) => builder.lang(attribute.value()),
            // Nobody has a use for the others.
            _ => builder,
        }
    });
    let builder = element.nodes().fold(builder, |builder, node| match node {
        Node::Text(text) => builder.text(text),
        Node::Element(child) => builder.child(child),
    });
    builder.build()
}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;
    use crate::ns;

    fn stanza(xml: &str) -> Stanza {
        Stanza::read(Element::parse(xml, &Limits::default()).expect(xml)).expect(xml)
    }

    #[test]
    fn children_come_and_go() {
        let message = stanza(
            "<message xmlns='jabber:client' xmlns:p='urn:p' id='1&amp;' xml:lang='en' p:a='1' b='2'>\
             <body>a &lt; b</body><p:x/> tail</message>",
        );
        let more = message.with_child(Element::builder("y", "urn:y").text("&"));
        assert_eq!(
            more.to_string(),
            "<message xmlns='jabber:client' id='1&amp;' xml:lang='en' xmlns:p='urn:p' p:a='1' b='2'>\
             <body>a &lt; b</body><p:x/> tail<y xmlns='urn:y'>&amp;</y></message>",
        );
        assert_eq!(more.without_child("y", "urn:y"), message);
        let less = more.without_child("body", ns::CLIENT);
        assert!(less.body().is_none() && less.child("x", "urn:p").is_some());
        assert_eq!((less.id(), less.lang()), (Some("1&"), Some("en")));
        assert!(std::ptr::eq(less.without_child("body", ns::CLIENT).element(), less.element()));
    }

    #[test]
    fn a_prefix_on_the_root_is_taken_off() {
        let message = stanza(
            "<c:message xmlns:c='jabber:client' xmlns='urn:other' to='b' xml:lang='en'>\
             <c:body>hi</c:body><x/></c:message>",
        );
        assert_eq!(message.body().as_deref(), Some("hi"));
        let mut out = b"<s xmlns='jabber:server'>".to_vec();
        message.write(&mut out);
        out.extend_from_slice(b"</s>");
        let read = Element::parse(&out, &Limits::default()).expect("well-formed");
        let read = read.first_child().expect("message");
        assert_eq!((read.name(), read.namespace()), ("message", ns::SERVER));
        assert!(read.child("x", "urn:other").is_some());
    }
}
