//! Writing text so that it reads back as it is.

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
    escape(out, text, needs_care(text.as_bytes(), IN_TEXT), |c| match c {
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
    escape(out, value, needs_care(value.as_bytes(), IN_ATTRIBUTE), |c| match c {
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

const IN_TEXT: u8 = 1;
const IN_ATTRIBUTE: u8 = 2;

/// Where a byte may begin something that is not written as it is.
const CARE: [u8; 256] = {
    let mut care = [0; 256];
    let mut byte = 0;
    while byte < care.len() {
        care[byte] = match byte as u8 {
            b'\t' | b'\n' | b'\'' | b'"' => IN_ATTRIBUTE,
            // U+FFFE and U+FFFF begin with 0xEF, and little else does.
            0..b' ' | b'<' | b'>' | b'&' | 0xef => IN_TEXT | IN_ATTRIBUTE,
            _ => 0,
        };
        byte += 1;
    }
    care
};

/// Whether there may be something that is not written as it is. Most texts are short, and nothing
/// in them is: one look at each byte without a question in between is the fastest.
fn needs_care(bytes: &[u8], place: u8) -> bool {
    bytes.iter().fold(0, |seen, &byte| seen | CARE[usize::from(byte)]) & place != 0
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
