//! The one decision on what an address part looks like once normalised.
//!
//! Localparts are keys of stored records, so they follow one rule for good: the stringprep profiles
//! of RFC 6122 as the `jid` crate applies them. Those profiles know Unicode 3.2 only, which refuses
//! the emoji and newer letters that ordinary clients put into resources and room nicknames; a
//! resource that stringprep refuses is therefore judged by `OpaqueString` (RFC 7622 §3.4).

use std::borrow::Cow;
use std::net::Ipv6Addr;

use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};

use super::{JidError, Part};

/// The most bytes one part of an address may hold (RFC 7622 §3.1).
pub const MAX_PART_BYTES: usize = 1023;

/// What is looked at before normalising, which can shorten a part but not by more than this.
const MAX_RAW_BYTES: usize = 4 * MAX_PART_BYTES;

/// How often a part is normalised until it no longer changes.
const MAX_ROUNDS: usize = 4;

pub(super) fn local(raw: &str) -> Result<Cow<'_, str>, JidError> {
    if raw.bytes().all(is_plain_local) {
        return bounded(Part::Local, Cow::Borrowed(raw));
    }
    if raw.bytes().all(|byte| is_plain_local(byte.to_ascii_lowercase())) {
        return bounded(Part::Local, Cow::Owned(raw.to_ascii_lowercase()));
    }
    settle(Part::Local, raw, |raw| {
        jid::NodePart::new(raw)
            .map(|part| part.into_owned().into_inner())
            .map_err(|error| fault(Part::Local, &error))
    })
}

pub(super) fn domain(raw: &str) -> Result<Cow<'_, str>, JidError> {
    // The dot of the DNS root says nothing in an address (RFC 7622 §3.2).
    let raw = raw.strip_suffix('.').unwrap_or(raw);
    if is_plain_domain(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let folded = raw.to_ascii_lowercase();
    if is_plain_domain(&folded) {
        return Ok(Cow::Owned(folded));
    }
    if let Some(literal) = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = literal.parse().map_err(|_| JidError::Forbidden(Part::Domain))?;
        return Ok(Cow::Owned(format!("[{address}]")));
    }
    settle(Part::Domain, raw, |raw| {
        // Only the one dot that was stripped may stand at the end.
        if raw.ends_with('.') {
            return Err(JidError::Forbidden(Part::Domain));
        }
        let part = jid::DomainPart::new(raw).map_err(|error| fault(Part::Domain, &error))?;
        // The preparation turns other full stops into dots, and lets through what no host name has.
        let part = part.trim_end_matches('.');
        match part.bytes().all(is_host_byte) {
            true => Ok(part.to_owned()),
            false => Err(JidError::Forbidden(Part::Domain)),
        }
    })
}

/// Whether a byte belongs into a host name, which may hold letters of all scripts (RFC 7622 §3.2)
/// and, for the sake of those who have named their machines so, underscores.
const fn is_host_byte(byte: u8) -> bool {
    !byte.is_ascii() || byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

pub(super) fn resource(raw: &str) -> Result<Cow<'_, str>, JidError> {
    if raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return bounded(Part::Resource, Cow::Borrowed(raw));
    }
    settle(Part::Resource, raw, |raw| match jid::ResourcePart::new(raw) {
        Ok(part) => Ok(part.into_owned().into_inner()),
        Err(jid::Error::ResourcePrep) => OpaqueString::enforce(raw)
            .map(Cow::into_owned)
            .map_err(|_| JidError::Forbidden(Part::Resource)),
        Err(error) => Err(fault(Part::Resource, &error)),
    })
}

const fn fault(part: Part, error: &jid::Error) -> JidError {
    use jid::Error;
    match error {
        Error::NodeEmpty | Error::ResourceEmpty => JidError::Empty(part),
        Error::NodeTooLong | Error::ResourceTooLong => JidError::TooLong(part),
        _ => JidError::Forbidden(part),
    }
}

/// Applies `normalise` until nothing changes, so that a normalised address is always its own
/// normal form, whatever the tables of the profiles disagree about.
fn settle<'a>(
    part: Part,
    raw: &'a str,
    normalise: impl Fn(&str) -> Result<String, JidError>,
) -> Result<Cow<'a, str>, JidError> {
    if raw.is_empty() {
        return Err(JidError::Empty(part));
    }
    if raw.len() > MAX_RAW_BYTES {
        return Err(JidError::TooLong(part));
    }
    let mut current = Cow::Borrowed(raw);
    for _ in 0..MAX_ROUNDS {
        let next = normalise(&current)?;
        if next == *current {
            return bounded(part, current);
        }
        current = Cow::Owned(next);
    }
    Err(JidError::Forbidden(part))
}

fn bounded(part: Part, text: Cow<'_, str>) -> Result<Cow<'_, str>, JidError> {
    match text.len() {
        0 => Err(JidError::Empty(part)),
        1..=MAX_PART_BYTES => Ok(text),
        _ => Err(JidError::TooLong(part)),
    }
}

/// Whether Nodeprep leaves this byte as it is (RFC 6122 Appendix A).
const fn is_plain_local(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~')
        && !byte.is_ascii_uppercase()
        && !matches!(byte, b'"' | b'&' | b'\'' | b'/' | b':' | b'<' | b'>' | b'@')
}

/// Whether `text` is a lower-case host name in letters, digits and hyphens, which no preparation
/// changes. Labels with two hyphens in the third place are left to IDNA.
fn is_plain_domain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut length, mut last) = (0_usize, b'.');
    if bytes.is_empty() || bytes.len() > 253 {
        return false;
    }
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => length += 1,
            b'-' if length == 0 || (length == 3 && last == b'-') => return false,
            b'-' => length += 1,
            b'.' if length == 0 || last == b'-' => return false,
            b'.' => length = 0,
            _ => return false,
        }
        if length > 63 {
            return false;
        }
        last = byte;
    }
    !matches!(last, b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_locals_are_what_nodeprep_leaves_alone(text in "[ -~]{1,12}") {
            let prepared = jid::NodePart::new(&text).ok().map(|part| part.into_owned().into_inner());
            let plain = text.bytes().all(is_plain_local);
            prop_assert_eq!(plain, prepared.as_deref() == Some(text.as_str()));
            prop_assert_eq!(local(&text).ok().map(Cow::into_owned), prepared);
        }

        #[test]
        fn plain_domains_are_left_alone(text in "[a-zA-Z0-9.-]{1,12}") {
            let part = jid::DomainPart::new(&text).ok().map(|part| part.into_owned().into_inner());
            if is_plain_domain(&text) {
                prop_assert_eq!(part.as_ref(), Some(&text));
            }
            prop_assert_eq!(domain(&text).ok().map(Cow::into_owned), part);
        }

        #[test]
        fn printable_ascii_resources_are_left_alone(text in "[ -~]{1,12}") {
            let part = jid::ResourcePart::new(&text).expect("printable").into_owned().into_inner();
            prop_assert_eq!(part, text);
        }
    }

    #[test]
    fn labels_are_checked() {
        let label = "a".repeat(63);
        assert!(is_plain_domain(&label));
        assert!(is_plain_domain(&format!("{label}.{label}.example")));
        assert!(is_plain_domain("xn-.x--y.example") == is_plain_domain("xn-"));
        for other in ["", ".", "a..b", "-a", "a-", "a-.b", "xn--a", "A", "a_b", "a b", ".a"] {
            assert!(!is_plain_domain(other), "{other:?}");
        }
        assert!(!is_plain_domain(&format!("{label}a")));
    }
}
