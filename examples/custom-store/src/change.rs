//! The bytes of a change: a kind, and parts after their lengths.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// One thing that happens to what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A space is there, if only empty.
    Begin { space: Bytes },
    /// A space goes, with everything in it.
    Drop { space: Bytes },
    /// A key has a value.
    Put { space: Bytes, key: Bytes, value: Bytes },
    /// A key goes.
    Remove { space: Bytes, key: Bytes },
}

const BEGIN: u8 = 1;
const DROP: u8 = 2;
const PUT: u8 = 3;
const REMOVE: u8 = 4;

impl Change {
    pub(crate) fn write(&self, out: &mut BytesMut) {
        let (kind, parts): (u8, &[&Bytes]) = match self {
            Self::Begin { space } => (BEGIN, &[space]),
            Self::Drop { space } => (DROP, &[space]),
            Self::Put { space, key, value } => (PUT, &[space, key, value]),
            Self::Remove { space, key } => (REMOVE, &[space, key]),
        };
        out.put_u8(kind);
        for part in parts {
            out.put_u64_le(part.len() as u64);
            out.put_slice(part);
        }
    }

    /// Reads the next change; none if these bytes are no change.
    pub(crate) fn read(from: &mut Bytes) -> Option<Self> {
        let kind = from.try_get_u8().ok()?;
        let mut part = || {
            let length = usize::try_from(from.try_get_u64_le().ok()?).ok()?;
            (length <= from.len()).then(|| from.split_to(length))
        };
        Some(match kind {
            BEGIN => Self::Begin { space: part()? },
            DROP => Self::Drop { space: part()? },
            PUT => Self::Put { space: part()?, key: part()?, value: part()? },
            REMOVE => Self::Remove { space: part()?, key: part()? },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_off_is_not() {
        let part = |text: &'static str| Bytes::from_static(text.as_bytes());
        let changes = [
            Change::Begin { space: part("roster") },
            Change::Put { space: part("roster"), key: part("a"), value: part("") },
            Change::Remove { space: part(""), key: part("a") },
            Change::Drop { space: part("roster") },
        ];
        for change in changes {
            let mut out = BytesMut::new();
            change.write(&mut out);
            let whole = out.freeze();
            for end in 0..whole.len() {
                assert_eq!(Change::read(&mut whole.slice(..end)), None);
            }
            assert_eq!(Change::read(&mut whole.clone()), Some(change));
        }
        assert_eq!(Change::read(&mut Bytes::from_static(b"\x09")), None);
    }
}
