//! Writes elements for people: indented, attributes sorted.

use sestina_stanza::ns;
use sestina_xml::{Element, ElementRef, Node};

use crate::escape;

/// An element over as many lines as it has elements.
pub(super) fn pretty(element: &Element) -> String {
    let mut out = String::new();
    write(element.root(), ns::CLIENT, 1, &mut out);
    out
}

fn write(element: ElementRef<'_>, namespace: &str, depth: usize, out: &mut String) {
    out.push_str(&"    ".repeat(depth));
    out.push('<');
    out.push_str(element.name());
    if element.namespace() != namespace {
        out.extend([" xmlns='", &escape::attribute(element.namespace()), "'"]);
    }
    let mut attributes: Vec<_> = element
        .attrs()
        .map(|attribute| {
            let prefix = if attribute.namespace() == ns::XML { "xml:" } else { "" };
            format!(" {prefix}{}='{}'", attribute.name(), escape::attribute(attribute.value()))
        })
        .collect();
    attributes.sort_unstable();
    out.extend(attributes);
    if element.nodes().next().is_none() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    let of_elements = element.children().next().is_some();
    for node in element.nodes() {
        match node {
            Node::Element(child) => {
                out.push('\n');
                write(child, element.namespace(), depth + 1, out);
            }
            Node::Text(text) if of_elements && text.trim().is_empty() => {}
            Node::Text(text) => out.push_str(&escape::text(text)),
        }
    }
    if of_elements {
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
    }
    out.extend(["</", element.name(), ">"]);
}
