//! The arithmetic of RFC 2831 §2.1.2.1.

use md5::{Digest, Md5};
use sestina_sasl::Secret;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::directives::Response;

/// The length of a digest.
const LEN: usize = 16;

/// What is kept of a password: `H(username:realm:password)`.
///
/// RFC 2831 wants names and passwords hashed in ISO 8859-1 where that can write them, and many
/// clients hash them in UTF-8 all the same. Where that makes a difference both digests are kept.
pub(crate) fn secret(username: &str, realm: &str, password: &str) -> Secret {
    let of = |username: &[u8], password: &[u8]| {
        Md5::new()
            .chain_update(username)
            .chain_update(b":")
            .chain_update(realm)
            .chain_update(b":")
            .chain_update(password)
            .finalize()
    };
    let old = of(&latin1(username), &latin1(password));
    let new = of(username.as_bytes(), password.as_bytes());
    let mut secret = Zeroizing::new(Vec::with_capacity(2 * LEN));
    secret.extend_from_slice(&old);
    if old != new {
        secret.extend_from_slice(&new);
    }
    secret.into()
}

/// In ISO 8859-1 if all of it can be written so.
fn latin1(text: &str) -> Zeroizing<Vec<u8>> {
    let old: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Zeroizing::new(old.unwrap_or_else(|| text.as_bytes().to_vec()))
}

/// The name that a client has sent in one of the two character sets.
pub(crate) fn text(bytes: &[u8], utf8: bool) -> Option<String> {
    if utf8 {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    Some(bytes.iter().copied().map(char::from).collect())
}

/// Of somebody who is not there: it takes as long to look at, and says nothing.
pub(crate) const NOBODY: [u8; LEN] = [0; LEN];

/// Whether a response shows that the client knows the password; if it does, the proof that the
/// server knows it too.
pub(crate) fn verify(secret: &[u8], response: &Response) -> Option<Vec<u8>> {
    let mut right = None;
    let (first, rest) = secret.split_at(LEN.min(secret.len()));
    for kept in [first, if rest.is_empty() { first } else { rest }] {
        let is: Choice = answer(kept, response, b"AUTHENTICATE:").ct_eq(&response.response);
        // RFC 2831 §2.1.3: the same, but for what it is said to be done.
        let proof = answer(kept, response, b":");
        if bool::from(is) {
            right = Some(proof);
        }
    }
    right.map(|proof| {
        let mut text = b"rspauth=".to_vec();
        text.extend_from_slice(&hex(&proof));
        text
    })
}

fn answer(kept: &[u8], response: &Response, done: &[u8]) -> [u8; LEN] {
    let mut session = Md5::new()
        .chain_update(kept)
        .chain_update(b":")
        .chain_update(&response.nonce)
        .chain_update(b":")
        .chain_update(&response.cnonce);
    if let Some(authzid) = &response.authzid {
        session.update(b":");
        session.update(authzid);
    }
    let session = hex(&session.finalize().into());
    let done = hex(&Md5::new().chain_update(done).chain_update(&response.uri).finalize().into());
    Md5::new()
        .chain_update(session)
        .chain_update(b":")
        .chain_update(&response.nonce)
        .chain_update(b":")
        .chain_update(&response.nc.0)
        .chain_update(b":")
        .chain_update(&response.cnonce)
        .chain_update(b":auth:")
        .chain_update(done)
        .finalize()
        .into()
}

/// The bytes in hexadecimal digits.
fn hex(bytes: &[u8; LEN]) -> [u8; 2 * LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 2 * LEN];
    for (pair, byte) in text.chunks_mut(2).zip(bytes) {
        for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = DIGITS[usize::from(value)];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2831 §4.
    #[test]
    fn the_example_of_the_specification() {
        let response = Response::read(
            b"charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",\
              nonce=\"OA6MG9tEQGm2hh\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",\
              digest-uri=\"imap/elwood.innosoft.com\",\
              response=d388dad90d4bbd760a152321f2143af7,qop=auth",
        )
        .unwrap();
        let kept = secret("chris", "elwood.innosoft.com", "secret");
        assert_eq!(kept.as_bytes().len(), LEN);
        let proof = verify(kept.as_bytes(), &response);
        assert_eq!(proof.as_deref(), Some(&b"rspauth=ea40f60335c427b5527b84dbabcdfffd"[..]));
        let other = secret("chris", "elwood.innosoft.com", "Secret");
        assert_eq!(verify(other.as_bytes(), &response), None);
        assert_eq!(verify(&NOBODY, &response), None);
        assert_eq!(verify(&[], &response), None);
    }

    #[test]
    fn both_ways_to_write_a_name_are_kept_where_they_differ() {
        let lengths =
            [("juliet", "pencil", 16), ("ren\u{e9}e", "pencil", 32), ("juliet", "\u{20ac}", 16)];
        for (username, password, bytes) in lengths {
            let kept = secret(username, "capulet.example", password);
            assert_eq!(kept.as_bytes().len(), bytes, "{username}");
        }
        assert_eq!(text(b"ren\xe9e", false).as_deref(), Some("ren\u{e9}e"));
        assert_eq!(text(b"ren\xe9e", true), None);
        assert_eq!(text("ren\u{e9}e".as_bytes(), true).as_deref(), Some("ren\u{e9}e"));
    }
}
