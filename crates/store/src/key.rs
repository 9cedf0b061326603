//! Keys: how typed keys become bytes whose order is the keys' order.

use bytes::Bytes;

/// The longest stored key, owner and collection name included.
pub const KEY_BYTES: usize = 16 * 1024;

/// Something a record can be looked up by.
///
/// The bytes order records in a scan, so an implementation keeps the order it wants seen.
pub trait Key {
    /// Appends the key's bytes.
    fn write(&self, to: &mut Vec<u8>);
}

/// A [`Key`] that can be read back from a scan.
pub trait OwnedKey: Key + Sized {
    /// Reads what [`Key::write`] wrote; nothing if the bytes are something else.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Key for str {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }
}

impl Key for String {
    fn write(&self, to: &mut Vec<u8>) {
        self.as_str().write(to);
    }
}

impl OwnedKey for String {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

impl Key for [u8] {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }
}

impl Key for Vec<u8> {
    fn write(&self, to: &mut Vec<u8>) {
        self.as_slice().write(to);
    }
}

impl OwnedKey for Vec<u8> {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Key for Bytes {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }
}

impl OwnedKey for Bytes {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::copy_from_slice(bytes))
    }
}

impl<const N: usize> Key for [u8; N] {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }
}

impl<const N: usize> OwnedKey for [u8; N] {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

/// The key of a collection that holds one record per owner.
impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
}

impl OwnedKey for () {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

macro_rules! integer_keys {
    ($($integer:ty),*) => {$(
        impl Key for $integer {
            fn write(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_be_bytes());
            }
        }

        impl OwnedKey for $integer {
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }
        }
    )*};
}

integer_keys!(u8, u16, u32, u64);

/// Ordered by the first part, then by the second.
impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        let mut first = Vec::new();
        self.0.write(&mut first);
        write_part(&first, to);
        self.1.write(to);
    }
}

impl<A: OwnedKey, B: OwnedKey> OwnedKey for (A, B) {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = read_part(bytes)?;
        Some((A::read(&first)?, B::read(rest)?))
    }
}

const NUL: u8 = 0;
const END: u8 = 1;
const ESCAPED: u8 = 0xFF;

/// Writes `part` so that more may follow it: order is kept, and no part is a prefix of another.
pub(crate) fn write_part(part: &[u8], to: &mut Vec<u8>) {
    for &byte in part {
        to.push(byte);
        if byte == NUL {
            to.push(ESCAPED);
        }
    }
    to.extend_from_slice(&[NUL, END]);
}

/// Reads one part off the front; returns it with what follows.
pub(crate) fn read_part(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut part = Vec::new();
    let mut rest = bytes;
    loop {
        match rest {
            [NUL, END, after @ ..] => return Some((part, after)),
            [NUL, ESCAPED, after @ ..] => {
                part.push(NUL);
                rest = after;
            }
            [NUL, ..] | [] => return None,
            [byte, after @ ..] => {
                part.push(*byte);
                rest = after;
            }
        }
    }
}

/// Returns the first key after every key that starts with `prefix`.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Bytes> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_keep_their_order_and_come_back(
            a in any::<(Vec<u8>, Vec<u8>)>(),
            b in any::<(Vec<u8>, Vec<u8>)>(),
        ) {
            let bytes = |pair: &(Vec<u8>, Vec<u8>)| {
                let mut to = Vec::new();
                pair.write(&mut to);
                to
            };
            prop_assert_eq!(a.cmp(&b), bytes(&a).cmp(&bytes(&b)));
            prop_assert_eq!(<(Vec<u8>, Vec<u8>)>::read(&bytes(&a)), Some(a));
        }

        #[test]
        fn a_prefix_ends_where_others_begin(prefix: Vec<u8>, tail: Vec<u8>, other: Vec<u8>) {
            let end = after_prefix(&prefix);
            let inside = |key: &[u8]| {
                key >= &prefix[..] && end.as_ref().is_none_or(|end| key < &end[..])
            };
            prop_assert!(inside(&[&prefix[..], &tail[..]].concat()));
            prop_assert_eq!(inside(&other), other.starts_with(&prefix));
        }
    }

    #[test]
    fn torn_parts_are_refused() {
        for torn in [&b""[..], b"abc", b"abc\0", b"abc\0\x02"] {
            assert_eq!(read_part(torn), None);
        }
    }
}
