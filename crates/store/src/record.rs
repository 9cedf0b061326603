//! Records: how typed values become stored bytes that a later version still reads.

use serde::{Serialize, de::DeserializeOwned};

use crate::ErrorKind;

/// The longest stored value.
pub const RECORD_BYTES: usize = 1024 * 1024;

/// A value as it is stored: a version byte, then the fields in postcard's form.
///
/// Raise [`VERSION`](Self::VERSION) when the fields change and teach
/// [`upgrade`](Self::upgrade) to read the earlier ones; a record is rewritten in the new form when
/// it is next put.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sestina_store::Record;
///
/// #[derive(Serialize, Deserialize)]
/// struct LastSeen {
///     at: u64,
///     status: Option<String>,
/// }
///
/// impl Record for LastSeen {
///     const VERSION: u8 = 2;
///
///     fn upgrade(version: u8, fields: &[u8]) -> Option<Self> {
///         // Version 1 had no status.
///         let at = (version == 1).then(|| u64::read(fields))??;
///         Some(Self { at, status: None })
///     }
/// }
/// ```
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The version of the form [`Serialize`] writes.
    const VERSION: u8;

    /// Reads the fields of an earlier (or later) version; nothing if that is not possible.
    #[must_use]
    fn upgrade(version: u8, fields: &[u8]) -> Option<Self> {
        let _ = (version, fields);
        None
    }

    /// Reads fields in the current form: for [`upgrade`](Self::upgrade), to read earlier shapes.
    #[must_use]
    fn read(fields: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(fields) {
            Ok((record, [])) => Some(record),
            _ => None,
        }
    }
}

macro_rules! plain_records {
    ($($plain:ty),*) => {$(
        impl Record for $plain {
            const VERSION: u8 = 1;
        }
    )*};
}

plain_records!((), bool, u8, u16, u32, u64, i32, i64, String, Vec<u8>, Vec<String>);

pub(crate) fn encode<V: Record>(record: &V) -> Result<bytes::Bytes, ErrorKind> {
    let bytes =
        postcard::to_extend(record, vec![V::VERSION]).map_err(|_| ErrorKind::Unencodable)?;
    match bytes.len() {
        0..=RECORD_BYTES => Ok(bytes.into()),
        _ => Err(ErrorKind::Bound(crate::Limit::RecordBytes)),
    }
}

pub(crate) fn decode<V: Record>(stored: &[u8]) -> Result<V, ErrorKind> {
    let (&version, fields) = stored.split_first().ok_or(ErrorKind::Corrupt)?;
    let record = if version == V::VERSION { V::read(fields) } else { V::upgrade(version, fields) };
    record.ok_or(ErrorKind::Corrupt)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Contact {
        name: String,
        groups: Vec<String>,
    }

    impl Record for Contact {
        const VERSION: u8 = 2;

        fn upgrade(version: u8, fields: &[u8]) -> Option<Self> {
            let name = (version == 1).then(|| String::read(fields))??;
            Some(Self { name, groups: Vec::new() })
        }
    }

    #[test]
    fn an_older_form_is_still_read() {
        let old = encode(&String::from("Juliet")).unwrap();
        assert_eq!(old[0], 1);
        let contact = decode::<Contact>(&old).unwrap();
        assert_eq!(contact, Contact { name: "Juliet".into(), groups: vec![] });
        assert_eq!(decode::<Contact>(&encode(&contact).unwrap()).unwrap(), contact);
    }

    #[test]
    fn damage_is_told_from_data() {
        let good =
            encode(&Contact { name: "Juliet".into(), groups: vec!["Friends".into()] }).unwrap();
        for cut in 0..good.len() {
            assert_eq!(decode::<Contact>(&good[..cut]).unwrap_err(), ErrorKind::Corrupt);
        }
        let longer = [&good[..], b"x"].concat();
        assert_eq!(decode::<Contact>(&longer).unwrap_err(), ErrorKind::Corrupt);
        assert_eq!(decode::<Contact>(&[9, 1, 65]).unwrap_err(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_record_has_a_bound() {
        let over = encode(&vec![0u8; RECORD_BYTES]).unwrap_err();
        assert_eq!(over, ErrorKind::Bound(crate::Limit::RecordBytes));
    }
}
