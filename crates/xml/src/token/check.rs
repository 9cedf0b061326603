//! The verdict on an element that has just arrived.

use memchr::{memchr, memmem};

use super::reader::read;
use super::{Count, Root, Sink, Stop};
use crate::chars::is_space;
use crate::scope::Scope;
use crate::{Limits, XmlError};

/// Reads the element that begins with the first byte of `input` and may end before its last.
///
/// What it takes is exactly what `rxml` takes with three exceptions: a default namespace declared
/// twice on one element and a prefix bound to the namespace of declarations are refused, as the
/// standard says; and a lone carriage return in an attribute value is white space, as it says too.
pub(crate) fn check(
    input: &[u8],
    scope: Option<&Scope>,
    limits: &Limits,
) -> Result<(Root, u32), Stop> {
    let mut count = Count::default();
    let root = read(input, scope, limits, &mut count, false).map_err(|stop| match stop {
        // Whoever sends no UTF-8 is told that rather than what it looked like.
        Stop::Error(_) if is_not_utf8(input) => XmlError::InvalidUtf8.into(),
        other => other,
    })?;
    let element = input.get(..root.len as usize).unwrap_or_default();
    if check_chars(element)? == Brackets::Paired {
        // Nearly always they end a CDATA section: only a look at each run of text can tell.
        read(element, scope, limits, &mut Count::default(), true)?;
    }
    Ok((root, count.0))
}

/// Reads what [`check`] has let pass.
pub(crate) fn replay<S: Sink>(element: &[u8], scope: Option<&Scope>, sink: &mut S) {
    let done = read(element, scope, &Limits::trusted(), sink, false);
    debug_assert!(done.is_ok(), "an element is checked before it is read again: {done:?}");
}

fn is_not_utf8(input: &[u8]) -> bool {
    std::str::from_utf8(input).is_err_and(|error| error.error_len().is_some())
}

/// Whether `]]>` stands anywhere in an element.
#[derive(PartialEq, Eq)]
enum Brackets {
    None,
    Paired,
}

/// Looks at every byte for what may stand nowhere in an element.
fn check_chars(element: &[u8]) -> Result<Brackets, XmlError> {
    // Smallest and largest byte are found many at a time, and rarely call for another look.
    let smallest = element.iter().fold(u8::MAX, |smallest, &byte| smallest.min(byte));
    let largest = element.iter().fold(0, |largest, &byte| largest.max(byte));
    if smallest < b' ' && element.iter().any(|&byte| byte < b' ' && !is_space(byte)) {
        return Err(XmlError::NotWellFormed);
    }
    if !largest.is_ascii() {
        std::str::from_utf8(element).map_err(|_| XmlError::InvalidUtf8)?;
        // U+FFFE and U+FFFF are the only characters beyond ASCII that are none.
        let nonchar = |at: usize| matches!(element.get(at + 2), Some(0xbe | 0xbf));
        if memmem::find_iter(element, b"\xef\xbf").any(nonchar) {
            return Err(XmlError::NotWellFormed);
        }
    }
    let brackets = memchr(b']', element).is_some() && memmem::find(element, b"]]>").is_some();
    Ok(if brackets { Brackets::Paired } else { Brackets::None })
}
