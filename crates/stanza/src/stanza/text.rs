//! Short text of a start tag, shared with the bytes it arrived in where it can be.

use std::borrow::Cow;
use std::sync::Arc;

use crate::jid::is_plain;

/// An attribute's value: a range of the element's bytes, or text of its own.
#[derive(Clone, Debug, Default)]
pub(super) enum Text {
    #[default]
    Absent,
    /// Needs no escaping.
    Within {
        start: u32,
        len: u32,
    },
    Own(Arc<str>),
}

impl Text {
    /// Keeps `value`, which was read from `raw` unless it had to be decoded.
    pub(super) fn of(raw: &[u8], value: Cow<'_, str>) -> Self {
        if let Cow::Borrowed(value) = value
            && is_plain(value)
        {
            let start = (value.as_ptr() as usize).wrapping_sub(raw.as_ptr() as usize);
            let found = raw.get(start..).and_then(|rest| rest.get(..value.len()));
            if let (Some(found), Ok(start), Ok(len)) =
                (found, u32::try_from(start), u32::try_from(value.len()))
                && found == value.as_bytes()
            {
                return Self::Within { start, len };
            }
        }
        Self::Own(Arc::from(value.as_ref()))
    }

    pub(super) fn own(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, |value| Self::Own(Arc::from(value)))
    }

    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Within { .. })
    }

    pub(super) fn read<'t>(&'t self, raw: &'t [u8]) -> Option<&'t str> {
        match self {
            Self::Absent => None,
            Self::Within { start, len } => {
                let bytes = raw.get(*start as usize..)?.get(..*len as usize)?;
                str::from_utf8(bytes).ok()
            }
            Self::Own(text) => Some(text),
        }
    }
}
