//! What is read out of certificates.

use rustls::{crypto::ring::cipher_suite, pki_types::CertificateDer};
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer, X509Certificate},
};

/// The hash of a server's certificate (RFC 5929 §4.1): with the hash function that it is signed
/// with, or SHA-256 where that is MD5 or SHA-1; none where no hash function is known.
pub(super) fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let suite = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        // ecdsa-with-SHA256, sha256WithRSA; MD5 and SHA-1 with RSA, ECDSA with SHA-1.
        "1.2.840.10045.4.3.2"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1" => cipher_suite::TLS13_AES_128_GCM_SHA256,
        // ecdsa-with-SHA384, sha384WithRSA.
        "1.2.840.10045.4.3.3" | "1.2.840.113549.1.1.12" => cipher_suite::TLS13_AES_256_GCM_SHA384,
        _ => return None,
    };
    let hash = suite.tls13()?.common.hash_provider;
    Some(hash.hash(certificate).as_ref().to_vec())
}

/// id-on-xmppAddr (RFC 6120 §13.7.1.4).
const XMPP_ADDR: &str = "1.3.6.1.5.5.7.8.5";

/// The addresses that a client's certificate names (XEP-0178 §2).
pub(super) fn bare_jids(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let names =
        parsed.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        });
    names
        .flatten()
        .filter_map(|name| match name {
            GeneralName::OtherName(oid, value) if oid.to_id_string() == XMPP_ADDR => utf8(value),
            _ => None,
        })
        .collect()
}

/// The text of an explicitly tagged UTF8String: `[0] { 0x0c, length, text }`.
fn utf8(mut value: &[u8]) -> Option<String> {
    for tag in [0xa0, 0x0c] {
        let (&first, rest) = value.split_first()?;
        let (&length, rest) = rest.split_first()?;
        // An address with its domain is shorter than the long form of lengths begins, or is
        // written in its two-byte form.
        let (length, rest) = match length {
            0..=0x7f => (usize::from(length), rest),
            0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
            0x82 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        if first != tag || rest.len() != length {
            return None;
        }
        value = rest;
    }
    String::from_utf8(value.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_both_forms_of_length() {
        assert_eq!(utf8(b"\xa0\x05\x0c\x03a@b").as_deref(), Some("a@b"));
        let long = [&b"\xa0\x81\x83\x0c\x81\x80"[..], &[b'x'; 128]].concat();
        assert_eq!(utf8(&long), Some("x".repeat(128)));
    }

    #[test]
    fn broken_addresses_are_none() {
        for broken in [
            &b""[..],
            b"\xa0",
            b"\xa0\x05\x0c\x03a@",
            b"\xa0\x03\x0d\x01a",
            b"\xa0\x03\x0c\x01\xff",
        ] {
            assert_eq!(utf8(broken), None, "{broken:?}");
        }
    }
}
