//! Names and their prefixes.

use super::{QName, Stop};
use crate::chars::{class, class_of, is_ncname};
use crate::{LimitKind, XmlError};

/// Reads the name that begins at `at`; `Incomplete` where the input ends within it.
#[inline]
pub(super) fn read_name(input: &[u8], at: usize, longest: usize) -> Result<QName, Stop> {
    let rest = input.get(at..).unwrap_or_default();
    let (mut len, mut seen) = (0, 0);
    let first = rest.first().map_or(0, |&byte| class_of(byte));
    loop {
        let Some(&byte) = rest.get(len) else {
            return Err(if len > longest { too_long() } else { Stop::Incomplete });
        };
        let class = class_of(byte);
        if class & class::NAME == 0 {
            break;
        }
        seen |= class;
        len += 1;
    }
    if first & (class::START | class::WIDE) == 0 {
        return Err(XmlError::NotWellFormed.into());
    }
    if len > longest {
        return Err(too_long());
    }
    let mut prefix = 0;
    if seen & (class::COLON | class::WIDE) != 0 {
        prefix = check_parts(rest.get(..len).unwrap_or_default(), seen)?;
    }
    Ok(QName { start: at as u32, prefix: prefix as u16, len: len as u16 })
}

/// Looks closer at a name with a colon or with characters beyond ASCII; returns its prefix' length.
fn check_parts(name: &[u8], seen: u8) -> Result<usize, XmlError> {
    if seen & class::WIDE != 0 {
        check_wide(name)?;
    }
    let Some(colon) = name.iter().position(|&byte| byte == b':') else { return Ok(0) };
    let local = name.get(colon + 1..).unwrap_or_default();
    // XML Names §4: one colon, and a name on both sides of it.
    let begins =
        local.first().is_some_and(|&byte| class_of(byte) & (class::START | class::WIDE) != 0);
    if begins && !local.contains(&b':') { Ok(colon) } else { Err(XmlError::NotWellFormed) }
}

fn too_long() -> Stop {
    XmlError::Limit(LimitKind::NameBytes).into()
}

#[cold]
fn check_wide(name: &[u8]) -> Result<(), XmlError> {
    let name = std::str::from_utf8(name).map_err(|_| XmlError::InvalidUtf8)?;
    if name.split(':').all(is_ncname) { Ok(()) } else { Err(XmlError::NotWellFormed) }
}
