//! Elements in another namespace than they were kept in.

use sestina_stanza::ns;
use sestina_xml::{
    Element, ElementRef, Limits, Node, TagWriter, XmlError, escape_text, write_end_tag,
};

/// The bounds of what is read; no element within an account has more.
pub(crate) const LIMITS: Limits = Limits {
    attribute_bytes: 64 << 10,
    attributes: 256,
    children: 1 << 20,
    declarations: 256,
    depth: 64,
    element_bytes: 64 << 20,
    header_bytes: 4_096,
    name_bytes: 1_024,
};

/// How an element is to be written anew.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rewrite<'a> {
    /// Namespaces, and what stands for them.
    pub(crate) namespaces: &'a [(&'a str, &'a str)],
    /// Attributes of the root that are left out.
    pub(crate) without: &'a [&'a str],
    /// The root's name, if it is another.
    pub(crate) name: Option<&'a str>,
}

impl Rewrite<'_> {
    pub(crate) fn of(&self, element: ElementRef<'_>) -> Result<Element, XmlError> {
        let mut out = Vec::new();
        self.write(&mut out, element, "", self.name, self.without);
        Element::parse(out, &LIMITS)
    }

    /// It goes as deep as what was read within [`LIMITS`].
    fn write(
        &self,
        out: &mut Vec<u8>,
        element: ElementRef<'_>,
        around: &str,
        name: Option<&str>,
        without: &[&str],
    ) {
        let namespace = element.namespace();
        let replaced = self.namespaces.iter().find(|(from, _)| *from == namespace);
        let namespace = replaced.map_or(namespace, |(_, to)| to);
        let name = name.unwrap_or_else(|| element.name());
        let mut tag = TagWriter::open(out, name);
        if namespace != around {
            tag.declare("", namespace);
        }
        for (at, attribute) in element.attrs().enumerate() {
            let (name, value) = (attribute.name(), attribute.value());
            match attribute.namespace() {
                "" if without.contains(&name) => {}
                "" => _ = tag.attr(name, value),
                ns::XML => _ = tag.attr(&format!("xml:{name}"), value),
                of if without.contains(&of) => {}
                of => {
                    let prefix = format!("a{at}");
                    tag.declare(&prefix, of).attr(&format!("{prefix}:{name}"), value);
                }
            }
        }
        tag.finish();
        for node in element.nodes() {
            match node {
                Node::Text(text) => escape_text(out, text),
                Node::Element(child) => self.write(out, child, namespace, None, &[]),
            }
        }
        write_end_tag(out, name);
    }
}
