//! Writing text so that it reads back as it is.

use memchr::{memchr2, memchr3};

use crate::chars::is_char;

/// Appends text for a place between tags.
///
/// Characters that no document may hold, such as NUL, are replaced by U+FFFD.
///
/// ```
/// let mut out = Vec::new();
/// sestina_xml::escape_text(&mut out, "1 < 2 & 3");
/// assert_eq!(out, b"1 &lt; 2 &amp; 3");
/// ```
pub fn escape_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let special = memchr3(b'<', b'>', b'&', bytes).is_some() || needs_care(bytes);
    escape(out, text, special, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        // Only `]]>` is forbidden, but nobody should have to look back.
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

/// Appends text for an attribute value in either kind of quotes.
///
/// Characters that no document may hold, such as NUL, are replaced by U+FFFD.
///
/// ```
/// let mut out = Vec::new();
/// sestina_xml::escape_attribute(&mut out, "'tis");
/// assert_eq!(out, b"&apos;tis");
/// ```
pub fn escape_attribute(out: &mut Vec<u8>, value: &str) {
    let bytes = value.as_bytes();
    let special = memchr2(b'\'', b'"', bytes).is_some()
        || memchr3(b'<', b'>', b'&', bytes).is_some()
        || bytes.iter().any(|byte| matches!(byte, b'\t' | b'\n'))
        || needs_care(bytes);
    escape(out, value, special, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\'' => Some("&apos;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

/// Whether there may be a carriage return or a character that is forbidden.
fn needs_care(bytes: &[u8]) -> bool {
    // U+FFFE and U+FFFF begin with 0xEF, and little else does.
    bytes.iter().any(|&byte| (byte < b' ' && byte != b'\t' && byte != b'\n') || byte == 0xef)
}

fn escape(out: &mut Vec<u8>, text: &str, special: bool, entity: fn(char) -> Option<&'static str>) {
    if !special {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut written = 0;
    for (at, c) in text.char_indices() {
        let replacement = match entity(c) {
            Some(replacement) => replacement,
            None if is_char(c) => continue,
            None => "\u{fffd}",
        };
        out.extend_from_slice(text.get(written..at).unwrap_or_default().as_bytes());
        out.extend_from_slice(replacement.as_bytes());
        written = at + c.len_utf8();
    }
    out.extend_from_slice(text.get(written..).unwrap_or_default().as_bytes());
}
