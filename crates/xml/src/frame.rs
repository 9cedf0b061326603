//! Finds where an element ends while its bytes are still arriving.

use memchr::{memchr, memchr2};

use crate::chars::{class, class_of};
use crate::{LimitKind, XmlError};

const CDATA: &[u8] = b"<![CDATA[";

/// Follows tags and nothing else, one byte after the other, over any number of pieces.
///
/// Of every element that is well-formed it finds the exact end. Of any other it finds some end, or
/// the fault itself where one can be seen without looking back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framer {
    state: State,
    depth: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the first byte.
    Begin,
    Text,
    /// After `<`.
    Less,
    /// Within `<![CDATA[`, after so many bytes of it.
    CdataStart(u8),
    /// Within a CDATA section, after so many closing brackets.
    Cdata(u8),
    StartTag {
        /// The last byte was a slash.
        slash: bool,
    },
    Quoted(u8),
    EndTag,
}

impl Framer {
    pub(crate) fn new() -> Self {
        Self { state: State::Begin, depth: 0 }
    }

    /// Goes on with `input`; returns how much of it belongs to the element once that has ended.
    ///
    /// The end tag of the stream itself counts as an element of its own.
    pub(crate) fn scan(&mut self, input: &[u8], deepest: usize) -> Result<Option<usize>, XmlError> {
        let mut at = 0;
        while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
            at += match self.state {
                State::Text => memchr(b'<', rest).unwrap_or(rest.len()),
                State::Quoted(quote) => memchr2(quote, b'<', rest).unwrap_or(rest.len()),
                State::Cdata(0) => memchr(b']', rest).unwrap_or(rest.len()),
                _ => 0,
            };
            let Some(&byte) = input.get(at) else { break };
            at += 1;
            if self.step(byte, deepest)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Takes one byte; true if the element ends with it.
    fn step(&mut self, byte: u8, deepest: usize) -> Result<bool, XmlError> {
        self.state = match (self.state, byte) {
            (State::Begin | State::Text, b'<') => State::Less,
            (State::Begin, _) => return Err(XmlError::StrayText),
            (State::Text, _) => State::Text,

            (State::Less, b'/') => State::EndTag,
            (State::Less, b'!') if self.depth > 0 => State::CdataStart(2),
            // RFC 6120 §11.1
            (State::Less, b'!' | b'?') => return Err(XmlError::Restricted),
            (State::Less, _) => {
                if class_of(byte) & (class::START | class::WIDE) == 0 {
                    return Err(XmlError::NotWellFormed);
                }
                self.depth += 1;
                if self.depth as usize > deepest {
                    return Err(XmlError::Limit(LimitKind::Depth));
                }
                State::StartTag { slash: false }
            }

            (State::CdataStart(len), _) if CDATA.get(usize::from(len)) == Some(&byte) => {
                if usize::from(len) + 1 == CDATA.len() {
                    State::Cdata(0)
                } else {
                    State::CdataStart(len + 1)
                }
            }
            (State::CdataStart(2), _) => return Err(XmlError::Restricted),
            (State::CdataStart(_), _) => return Err(XmlError::NotWellFormed),
            (State::Cdata(brackets), b']') => State::Cdata((brackets + 1).min(2)),
            (State::Cdata(2), b'>') => State::Text,
            (State::Cdata(_), _) => State::Cdata(0),

            (State::StartTag { .. } | State::Quoted(_) | State::EndTag, b'<') => {
                return Err(XmlError::NotWellFormed);
            }
            (State::StartTag { .. }, b'\'' | b'"') => State::Quoted(byte),
            (State::StartTag { slash }, b'>') => return Ok(self.end(slash)),
            (State::StartTag { .. }, _) => State::StartTag { slash: byte == b'/' },
            (State::Quoted(quote), _) if byte == quote => State::StartTag { slash: false },
            (State::Quoted(quote), _) => State::Quoted(quote),
            (State::EndTag, b'>') => return Ok(self.end(true)),
            (State::EndTag, _) => State::EndTag,
        };
        Ok(false)
    }

    fn end(&mut self, closes: bool) -> bool {
        self.state = State::Text;
        if closes {
            self.depth = self.depth.saturating_sub(1);
        }
        closes && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(input: &str) -> Result<Option<usize>, XmlError> {
        let whole = Framer::new().scan(input.as_bytes(), 8);
        let mut framer = Framer::new();
        let mut bytewise = Ok(None);
        for (at, byte) in input.bytes().enumerate() {
            bytewise = framer.scan(&[byte], 8).map(|end| end.map(|_| at + 1));
            if bytewise != Ok(None) {
                break;
            }
        }
        assert_eq!(whole, bytewise, "{input}");
        whole
    }

    #[test]
    fn finds_the_end_of_an_element() {
        for element in [
            "<a/>",
            "<a></a>",
            "<a b='>' c=\"/>'\"/>",
            "<a><b/><b></b>text</a >",
            "<a><![CDATA[</a>]]]]]><b/></a>",
            "</stream:stream>",
            "<a x='/'>/</a>",
        ] {
            assert_eq!(ends(&format!("{element}<next/>")), Ok(Some(element.len())), "{element}");
            assert_eq!(ends(&element[..element.len() - 1]), Ok(None), "{element}");
        }
    }

    #[test]
    fn sees_faults_as_they_come() {
        assert_eq!(ends("<!"), Err(XmlError::Restricted));
        assert_eq!(ends("<?"), Err(XmlError::Restricted));
        assert_eq!(ends("<a><!-"), Err(XmlError::Restricted));
        assert_eq!(ends("<a><!D"), Err(XmlError::Restricted));
        assert_eq!(ends("<a><?"), Err(XmlError::Restricted));
        assert_eq!(ends("<a><![cdata["), Err(XmlError::NotWellFormed));
        assert_eq!(ends("<a b='<"), Err(XmlError::NotWellFormed));
        assert_eq!(ends("<a <"), Err(XmlError::NotWellFormed));
        assert_eq!(ends("< "), Err(XmlError::NotWellFormed));
        assert_eq!(ends("text"), Err(XmlError::StrayText));
        assert_eq!(ends(&"<a>".repeat(9)), Err(XmlError::Limit(LimitKind::Depth)));
    }
}
