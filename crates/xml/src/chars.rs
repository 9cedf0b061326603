//! Which characters XML allows where.

/// What a byte may be, as bits that a loop can gather without branching; see [`CLASS`].
pub(crate) mod class {
    /// May begin a name.
    pub(crate) const START: u8 = 1;
    /// May continue a name but not begin one.
    pub(crate) const CONTINUE: u8 = 2;
    /// Parts a prefix from a local name.
    pub(crate) const COLON: u8 = 4;
    /// Part of a character that has to be looked at whole.
    pub(crate) const WIDE: u8 = 8;
    /// Any of those above.
    pub(crate) const NAME: u8 = START | CONTINUE | COLON | WIDE;
    /// White space.
    pub(crate) const SPACE: u8 = 16;
    /// Ends an attribute value, or makes it differ from what is written.
    pub(crate) const VALUE_STOP: u8 = 32;
}

/// The class of each byte.
pub(crate) static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => class::START,
            b'0'..=b'9' | b'-' | b'.' => class::CONTINUE,
            b':' => class::COLON,
            0x80..=0xff => class::WIDE,
            b' ' => class::SPACE,
            b'\t' | b'\n' | b'\r' => class::SPACE | class::VALUE_STOP,
            b'\'' | b'"' | b'<' | b'&' => class::VALUE_STOP,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// The class of one byte.
pub(crate) fn class_of(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// White space as XML 1.0 §2.3 counts it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Removes white space from both ends; the form feed that Rust counts is none to XML.
pub(crate) fn trim_spaces(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|&&byte| is_space(byte)).count();
    let rest = bytes.get(start..).unwrap_or_default();
    let end = rest.iter().rev().take_while(|&&byte| is_space(byte)).count();
    rest.get(..rest.len() - end).unwrap_or_default()
}

/// Whether a character may stand in a document at all (XML 1.0 §2.2).
pub(crate) const fn is_char(c: char) -> bool {
    matches!(c,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a character may begin a name, the colon left out (XML 1.0 §2.3).
///
/// The compatibility forms from U+FDF0 to U+FFFD are left out, as `rxml` leaves them out: a name
/// that only one of two parsers takes must not pass from one to the other.
pub(crate) const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{10000}'..='\u{effff}')
}

/// Whether a character may continue a name, the colon left out (XML 1.0 §2.3).
pub(crate) const fn is_name_continue(c: char) -> bool {
    is_name_start(c)
        || matches!(c,
            '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Whether `name` is a name without a colon.
pub(crate) fn is_ncname(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference() {
        for c in '\0'..=char::MAX {
            let alone = c.to_string();
            assert_eq!(is_ncname(&alone), rxml::NcNameStr::from_str(&alone).is_ok(), "{c:?}");
            let second = format!("a{c}");
            assert_eq!(is_ncname(&second), rxml::NcNameStr::from_str(&second).is_ok(), "{c:?}");
        }
    }
}
