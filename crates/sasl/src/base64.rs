//! Base64 as XMPP carries SASL data.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use crate::Failure;

/// Decodes the text of `<challenge/>`, `<response/>` or `<success/>`.
///
/// Strict: padding is required, and neither white space nor stray bits are let through (RFC 4648
/// §3.5). A single `=` stands for data of length zero (RFC 6120 §6.4.2), and so does no text.
///
/// # Errors
///
/// [`Failure::IncorrectEncoding`] if the text is not Base64.
///
/// # Examples
///
/// ```
/// use sestina_sasl::{Failure, decode_base64};
///
/// assert_eq!(decode_base64("AG1lZAA="), Ok(b"\0med\0".to_vec()));
/// assert_eq!(decode_base64("="), Ok(Vec::new()));
/// assert_eq!(decode_base64("AG1lZAA"), Err(Failure::IncorrectEncoding));
/// ```
pub fn decode_base64(text: &str) -> Result<Vec<u8>, Failure> {
    if text == "=" {
        return Ok(Vec::new());
    }
    STANDARD.decode(text).map_err(|_| Failure::IncorrectEncoding)
}

/// Decodes the text of `<auth/>` or `<initial-response/>`, where no text means that there is no
/// initial response, which is not the same as an empty one (RFC 6120 §6.4.2).
///
/// # Errors
///
/// [`Failure::IncorrectEncoding`] if the text is not Base64.
pub fn decode_initial_response(text: &str) -> Result<Option<Vec<u8>>, Failure> {
    if text.is_empty() { Ok(None) } else { decode_base64(text).map(Some) }
}

/// Encodes data for the wire; data of length zero becomes `=`.
pub fn encode_base64(data: &[u8]) -> String {
    if data.is_empty() { "=".to_owned() } else { STANDARD.encode(data) }
}

/// Encodes a value inside a SCRAM message, where nothing stands for nothing.
pub(crate) fn encode_value(data: &[u8], into: &mut String) {
    STANDARD.encode_string(data, into);
}

/// Decodes a value inside a SCRAM message.
pub(crate) fn decode_value(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict() {
        for bad in
            ["AG1lZAA", "AG1lZAA==", "AG1l ZAA=", "AG1lZAA=\n", "AG1lZAB=", "==", "-_-_", "é"]
        {
            assert_eq!(decode_base64(bad), Err(Failure::IncorrectEncoding), "{bad:?}");
        }
    }

    #[test]
    fn empty_and_absent_differ_only_at_the_start() {
        assert_eq!(decode_initial_response(""), Ok(None));
        assert_eq!(decode_initial_response("="), Ok(Some(Vec::new())));
        assert_eq!(decode_base64(""), Ok(Vec::new()));
        assert_eq!(encode_base64(b""), "=");
    }

    #[test]
    fn round_trip() {
        for data in [&b"a"[..], b"ab", b"abc", b"\0med\0mirror", &[0xff; 33]] {
            assert_eq!(decode_base64(&encode_base64(data)).as_deref(), Ok(data));
        }
    }
}
