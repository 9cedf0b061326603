//! Writing a document.

use sestina_stanza::ns;
use sestina_xml::{Element, TagWriter, write_end_tag};

/// Writes a document, account by account; what is written is appended to a buffer, which whoever
/// calls empties as it likes.
///
/// Accounts of one host are best written one after the other: a `<host/>` is begun whenever it is
/// another.
///
/// ```
/// use sestina_archive::Writer;
/// use sestina_xml::Element;
///
/// let mut out = Vec::new();
/// let mut writer = Writer::start(&mut out);
/// writer.user(&mut out, "capulet.example", "juliet", None);
/// writer.element(&mut out, &Element::builder("vCard", "vcard-temp").build());
/// writer.end(&mut out);
/// let document = String::from_utf8(out)?;
/// assert!(document.contains("<user name='juliet'>\n<vCard xmlns='vcard-temp'/>\n</user>"));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a document that is not ended is none"]
pub struct Writer {
    host: Option<String>,
    in_user: bool,
}

impl Writer {
    /// Begins a document.
    pub fn start(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"<?xml version='1.0' encoding='UTF-8'?>\n");
        let mut tag = TagWriter::open(out, "server-data");
        tag.declare("", ns::PIE);
        tag.finish();
        out.push(b'\n');
        Self { host: None, in_user: false }
    }

    /// Begins an account, and ends the one before. A password is for documents made of what another
    /// server had: none is ever known here.
    pub fn user(&mut self, out: &mut Vec<u8>, host: &str, name: &str, password: Option<&str>) {
        self.end_user(out);
        if self.host.as_deref() != Some(host) {
            self.end_host(out);
            let mut tag = TagWriter::open(out, "host");
            tag.attr("jid", host);
            tag.finish();
            out.push(b'\n');
            self.host = Some(host.to_owned());
        }
        let mut tag = TagWriter::open(out, "user");
        tag.attr("name", name).attr_opt("password", password);
        tag.finish();
        out.push(b'\n');
        self.in_user = true;
    }

    /// Writes an element of the account that was begun.
    pub fn element(&mut self, out: &mut Vec<u8>, element: &Element) {
        element.write_to(out, ns::PIE);
        out.push(b'\n');
    }

    /// Ends the document.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.end_user(out);
        self.end_host(out);
        end(out, "server-data");
    }

    fn end_user(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.in_user) {
            end(out, "user");
        }
    }

    fn end_host(&mut self, out: &mut Vec<u8>) {
        if self.host.take().is_some() {
            end(out, "host");
        }
    }
}

fn end(out: &mut Vec<u8>, name: &str) {
    write_end_tag(out, name);
    out.push(b'\n');
}
