//! Bytes that may be older than their encoding.

use std::borrow::Cow;

use crate::Unreadable;

/// What bytes are taken for that are no UTF-8 and do not say what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// A mistake.
    #[default]
    Utf8,
    /// ISO 8859-1, which every sequence of bytes is: only whoever has the files knows.
    Latin1,
}

/// The text of a file, without its XML declaration.
pub(crate) fn text(file: &[u8], otherwise: Encoding) -> Result<Cow<'_, str>, Unreadable> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).trim_ascii_start();
    let (declared, file) = declaration(file);
    let latin1 = || Cow::Owned(file.iter().map(|byte| char::from(*byte)).collect::<String>());
    match declared.as_deref() {
        Some("iso-8859-1" | "latin1") => return Ok(latin1()),
        None | Some("utf-8" | "utf8" | "us-ascii") => {}
        Some(other) => return Err(Unreadable::Encoding(other.to_owned())),
    }
    match (std::str::from_utf8(file), otherwise) {
        (Ok(text), _) => Ok(Cow::Borrowed(text)),
        (Err(_), Encoding::Latin1) => Ok(latin1()),
        (Err(_), Encoding::Utf8) => Err(Unreadable::NoUtf8),
    }
}

/// The encoding that a declaration names, in lower case, and what follows it.
fn declaration(file: &[u8]) -> (Option<String>, &[u8]) {
    let Some(rest) = file.strip_prefix(b"<?xml") else { return (None, file) };
    let Some(end) = rest.windows(2).take(256).position(|at| at == b"?>") else {
        return (None, file);
    };
    let (declared, rest) = rest.split_at(end);
    let rest = rest.get(2..).unwrap_or_default();
    let declared = String::from_utf8_lossy(declared);
    let named = declared.split_once("encoding").map(|(_, value)| {
        let value = value.trim_start().trim_start_matches('=').trim_start();
        let quoted = value.strip_prefix(['"', '\'']).unwrap_or(value);
        quoted.split(['"', '\'']).next().unwrap_or_default().to_ascii_lowercase()
    });
    (named, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_says_it_is() {
        let plain = "<a>Hôtel</a>".as_bytes();
        assert_eq!(text(plain, Encoding::Utf8).unwrap(), "<a>Hôtel</a>");
        let said = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>H\xf4tel</a>";
        assert_eq!(text(said, Encoding::Utf8).unwrap(), "<a>Hôtel</a>");
        let with_mark = b"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>";
        assert_eq!(text(with_mark, Encoding::Utf8).unwrap(), "\n<a/>");
    }

    #[test]
    fn what_says_nothing_is_latin_1_only_where_somebody_knows_it() {
        let file = b"<a>H\xf4tel</a>";
        assert_eq!(text(file, Encoding::Utf8), Err(Unreadable::NoUtf8));
        assert_eq!(text(file, Encoding::Latin1).unwrap(), "<a>Hôtel</a>");
        let utf8 = "<a>Hôtel</a>".as_bytes();
        assert_eq!(text(utf8, Encoding::Latin1).unwrap(), "<a>Hôtel</a>");
    }

    #[test]
    fn an_encoding_that_nobody_knows_is_named() {
        let file = b"<?xml version='1.0' encoding='KOI8-R'?><a/>";
        assert_eq!(text(file, Encoding::Latin1), Err(Unreadable::Encoding("koi8-r".to_owned())));
    }
}
