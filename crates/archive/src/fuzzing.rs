//! Entry points for fuzz targets; not part of the interface.

use crate::{Limits, Part, ReadError, Reader, Writer};

/// Reads a document in pieces, of which the first byte says the size, and all at once; what comes of
/// it is the same, and comes back when it is written and read again.
pub fn archive(data: &[u8]) {
    let [cut, document @ ..] = data else { return };
    let (parts, error) = read(document, usize::from(*cut) + 1);
    let (at_once, the_error) = read(document, document.len().max(1));
    assert_eq!(parts, at_once, "however it is split");
    assert_eq!(error.is_some(), the_error.is_some(), "{error:?} {the_error:?}");
    let mut out = Vec::new();
    let mut writer = Writer::start(&mut out);
    let mut written = Vec::new();
    let complete = parts.iter().rposition(|part| *part == Part::UserEnd).map_or(0, |at| at + 1);
    for part in parts.into_iter().take(complete) {
        match &part {
            Part::User(user) => {
                let password = user.password.as_deref().map(String::as_str);
                writer.user(&mut out, &user.host, &user.name, password);
            }
            Part::Element(element) => writer.element(&mut out, element),
            Part::UserEnd => {}
            Part::Skipped(..) => continue,
        }
        written.push(part);
    }
    writer.end(&mut out);
    let (again, error) = read(&out, out.len());
    assert_eq!(error, None, "what was written can be read");
    assert_eq!(again, written, "and says the same");
}

/// The parts of a document that comes in pieces, and what is wrong with it in the end.
pub fn read(document: &[u8], piece: usize) -> (Vec<Part>, Option<ReadError>) {
    let limits = Limits { element_bytes: 64 << 10, tag_bytes: 16 << 10, ..Limits::default() };
    let mut reader = Reader::new(Limits { attribute_bytes: 4 << 10, ..limits });
    let mut parts = Vec::new();
    for mut piece in document.chunks(piece.max(1)) {
        loop {
            match reader.next(&mut piece) {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => break,
                Err(error) => return (parts, Some(error)),
            }
        }
    }
    (parts, reader.end().err())
}
