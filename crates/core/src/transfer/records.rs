//! Records of plugins that do not write them down themselves, as they are stored.

use sestina_sasl::{decode_base64, encode_base64};
use sestina_stanza::Invalid;
use sestina_store::StoredRecord;
use sestina_xml::{Builder, Element};

use super::RECORDS;

/// The most bytes of records in one element, unless one alone is larger.
const BYTES: usize = 64 << 10;

/// Writes records down, in elements of some size; those of one space are together.
pub(super) fn write(records: &[StoredRecord]) -> Vec<Element> {
    let mut elements: Vec<(&str, usize, Builder)> = Vec::new();
    for record in records {
        let bytes = record.key.len() + record.value.len();
        let begun = elements.pop_if(|(space, held, _)| *space == record.space && *held < BYTES);
        let (_, held, element) = begun.unwrap_or_else(|| {
            let element = Element::builder("records", RECORDS).attr("space", &record.space);
            (&record.space, 0, element)
        });
        let key = encode_base64(&record.key);
        let child = Element::builder("record", RECORDS).attr("key", key);
        let child = child.text(encode_base64(&record.value));
        elements.push((&record.space, held + bytes, element.child(child)));
    }
    elements.into_iter().map(|(_, _, element)| element.build()).collect()
}

/// Reads `<records/>`.
pub(super) fn read(element: &Element) -> Result<Vec<StoredRecord>, Invalid> {
    let space = element.attr("space").filter(|space| is_name(space));
    let space = space.ok_or_else(|| Invalid::attribute("space"))?;
    let records = element.children().filter(|child| child.is("record", RECORDS));
    records
        .map(|record| {
            let key = record.attr("key").and_then(|key| decode_base64(key).ok());
            let key = key.ok_or_else(|| Invalid::attribute("key"))?;
            let value = decode_base64(record.text().trim());
            let value = value.map_err(|_| Invalid::child("record"))?;
            if value.len() > sestina_store::RECORD_BYTES {
                return Err(Invalid::child("record"));
            }
            Ok(StoredRecord::new(space, key, value))
        })
        .collect()
}

/// Whether a space may have this name: those of plugins are such, and no backend minds them.
fn is_name(space: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&space.len()) && space.bytes().all(plain)
}
