//! Writing tags straight into an output buffer.

use crate::StartAttribute;
use crate::escape::escape_attribute;

/// Writes one start tag.
///
/// Names are written as they are given: they come from the program, or from an element that was
/// checked. Values are escaped.
///
/// ```
/// use sestina_xml::{TagWriter, write_end_tag};
///
/// let mut out = Vec::new();
/// let mut tag = TagWriter::open(&mut out, "iq");
/// tag.attr("type", "result").attr_opt("id", Some("<1>")).attr_opt("to", None::<&str>);
/// tag.finish();
/// write_end_tag(&mut out, "iq");
/// assert_eq!(out, b"<iq type='result' id='&lt;1&gt;'></iq>");
/// ```
#[derive(Debug)]
#[must_use = "a tag that is not finished leaves half a tag behind"]
pub struct TagWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> TagWriter<'o> {
    /// Begins a start tag; `name` may have a prefix.
    pub fn open(out: &'o mut Vec<u8>, name: &str) -> Self {
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        Self { out }
    }

    /// Goes on within a start tag whose name has been written.
    pub(crate) fn resume(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Declares what a prefix stands for, or what none does if it is empty.
    pub fn declare(&mut self, prefix: &str, uri: &str) -> &mut Self {
        self.out.extend_from_slice(b" xmlns");
        if !prefix.is_empty() {
            self.out.push(b':');
            self.out.extend_from_slice(prefix.as_bytes());
        }
        self.value(uri)
    }

    /// Writes an attribute; `name` may have a prefix.
    pub fn attr(&mut self, name: &str, value: impl AsRef<str>) -> &mut Self {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.value(value.as_ref())
    }

    /// Writes an attribute if there is a value for it.
    pub fn attr_opt(&mut self, name: &str, value: Option<impl AsRef<str>>) -> &mut Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// Writes an attribute as it is in another start tag.
    pub fn copy(&mut self, attribute: &StartAttribute<'_>) -> &mut Self {
        self.out.push(b' ');
        self.out.extend_from_slice(attribute.source().as_bytes());
        self
    }

    /// Ends the tag; content and an end tag follow.
    pub fn finish(self) {
        self.out.push(b'>');
    }

    /// Ends the tag and the element.
    pub fn finish_empty(self) {
        self.out.extend_from_slice(b"/>");
    }

    fn value(&mut self, value: &str) -> &mut Self {
        self.out.extend_from_slice(b"='");
        escape_attribute(self.out, value);
        self.out.push(b'\'');
        self
    }
}

/// Appends an end tag.
pub fn write_end_tag(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}
