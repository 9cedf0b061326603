//! References, and what text and attribute values decode to.

use memchr::{memchr, memchr2};

use super::Stop;
use crate::XmlError;
use crate::chars::{class, class_of, is_char};

/// The most characters between `&` or its number sign and the semicolon.
///
/// `&#x10FFFF;` needs six and `&quot;` four. Leading zeros beyond that are refused as `rxml` refuses
/// them.
const LONGEST_REFERENCE: usize = 8;

/// Reads the reference whose `&` stands at `at`: what it stands for, and where it ends.
pub(super) fn read_reference(input: &[u8], at: usize) -> Result<(char, usize), Stop> {
    let (radix, start) = match (input.get(at + 1), input.get(at + 2)) {
        (Some(b'#'), Some(b'x')) => (16, at + 3),
        (Some(b'#'), Some(_)) => (10, at + 2),
        (Some(b'#') | None, None) => return Err(Stop::Incomplete),
        _ => (0, at + 1),
    };
    let rest = input.get(start..).unwrap_or_default();
    let belongs = |byte: &&u8| match radix {
        10 => byte.is_ascii_digit(),
        16 => byte.is_ascii_hexdigit(),
        _ => class_of(**byte) & class::NAME != 0,
    };
    let len = rest.iter().take(LONGEST_REFERENCE + 1).take_while(belongs).count();
    if len > LONGEST_REFERENCE {
        return Err(XmlError::Restricted.into());
    }
    match rest.get(len) {
        None => return Err(Stop::Incomplete),
        Some(b';') if len > 0 => {}
        Some(_) => return Err(XmlError::NotWellFormed.into()),
    }
    let body = rest.get(..len).unwrap_or_default();
    let c = if radix == 0 { named(body)? } else { numbered(body, radix)? };
    Ok((c, start + len + 1))
}

/// RFC 6120 §11.1 leaves the five entities that XML itself declares.
fn named(name: &[u8]) -> Result<char, XmlError> {
    Ok(match name {
        b"amp" => '&',
        b"apos" => '\'',
        b"gt" => '>',
        b"lt" => '<',
        b"quot" => '"',
        _ => return Err(XmlError::Restricted),
    })
}

fn numbered(digits: &[u8], radix: u32) -> Result<char, XmlError> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| u32::from_str_radix(digits, radix).ok())
        .and_then(char::from_u32)
        .filter(|&c| is_char(c))
        .ok_or(XmlError::NotWellFormed)
}

/// Appends what an attribute value says: references replaced, white space normalised (XML 1.0 §3.3.3).
pub(crate) fn decode_attribute(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        rest = if rest.starts_with('&') {
            push_reference(rest, out)
        } else {
            out.push(' ');
            // XML 1.0 §2.11: a carriage return and a line feed are one line end.
            rest.strip_prefix("\r\n").or_else(|| rest.get(1..)).unwrap_or_default()
        };
    }
    out.push_str(rest);
}

/// Appends what text says: references and CDATA sections replaced, line ends normalised.
pub(crate) fn decode_text(raw: &str, out: &mut String) {
    const CDATA: &str = "<![CDATA[";
    let mut rest = raw;
    while let Some(at) = memchr2(b'&', b'<', rest.as_bytes()) {
        push_lines(rest.get(..at).unwrap_or_default(), out);
        rest = rest.get(at..).unwrap_or_default();
        rest = match rest.strip_prefix(CDATA) {
            Some(section) => {
                let (section, after) = section.split_once("]]>").unwrap_or((section, ""));
                push_lines(section, out);
                after
            }
            None => push_reference(rest, out),
        };
    }
    push_lines(rest, out);
}

/// XML 1.0 §2.11: both `\r\n` and a lone `\r` are read as `\n`.
fn push_lines(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr(b'\r', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push('\n');
        rest = rest.get(at + 1..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
}

/// Appends what the reference at the front stands for, and returns what follows it.
fn push_reference<'r>(raw: &'r str, out: &mut String) -> &'r str {
    match read_reference(raw.as_bytes(), 0) {
        Ok((c, end)) => {
            out.push(c);
            raw.get(end..).unwrap_or_default()
        }
        // Text is decoded after it was checked, so this is not met; left as it is, it does no harm.
        Err(_) => {
            let mut chars = raw.chars();
            out.extend(chars.next());
            chars.as_str()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        let mut out = String::new();
        decode_text(raw, &mut out);
        out
    }

    fn attribute(raw: &str) -> String {
        let mut out = String::new();
        decode_attribute(raw, &mut out);
        out
    }

    #[test]
    fn text_is_decoded() {
        assert_eq!(text("a&lt;b&#x26;&#10;c"), "a<b&\nc");
        assert_eq!(text("<![CDATA[<&amp;]]]]>x<![CDATA[]]>"), "<&amp;]]x");
        assert_eq!(text("1\r\n2\r3\n4\r\r\n5&#13;"), "1\n2\n3\n4\n\n5\r");
    }

    #[test]
    fn attributes_are_normalised() {
        assert_eq!(attribute("a\tb\nc\r\nd\re"), "a b c d e");
        assert_eq!(attribute("&#9;&#xA;&#13;&quot;&apos;&gt;"), "\t\n\r\"'>");
    }

    #[test]
    fn references_are_bounded_and_restricted() {
        let kind = |raw: &str| read_reference(raw.as_bytes(), 0).unwrap_err();
        assert_eq!(kind("&nbsp;"), XmlError::Restricted.into());
        assert_eq!(kind("&#000000065;"), XmlError::Restricted.into());
        assert_eq!(kind("&;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#x;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#X41;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&amp "), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#0;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#xD800;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#xFFFE;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&#x110000;"), XmlError::NotWellFormed.into());
        assert_eq!(kind("&am"), Stop::Incomplete);
        assert_eq!(kind("&#"), Stop::Incomplete);
        assert_eq!(kind("&"), Stop::Incomplete);
    }
}
