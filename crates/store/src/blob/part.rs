//! Parts: bytes stored at once and not one by one.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

use crate::Record;

/// Some of the bytes of a blob.
#[derive(Debug)]
pub(super) struct Part(pub(super) Bytes);

impl Record for Part {
    const VERSION: u8 = 1;
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Copy;

        impl Visitor<'_> for Copy {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Part, E> {
                Ok(Part(Bytes::copy_from_slice(bytes)))
            }
        }

        deserializer.deserialize_bytes(Copy)
    }
}
