//! The client's stream header: what it asks for and what is wrong with it.

use std::sync::Arc;

use sestina_stanza::{Jid, StreamCondition, StreamError, ns};
use sestina_xml::StreamHeader;

use crate::{Domain, Form, Host};

/// The longest `xml:lang` that is taken up; registered tags are far shorter (RFC 5646 §4.4.1).
const LANG_BYTES: usize = 64;

/// A stream header that has been checked.
pub(crate) struct Opening {
    pub(crate) domain: Arc<Domain>,
    /// Who the client says it is: not to be believed before it has authenticated.
    pub(crate) from: Option<Jid>,
    pub(crate) lang: Option<String>,
    /// Whether the stream is older than XMPP 1.0.
    pub(crate) legacy: bool,
}

/// A header the stream cannot go on from.
pub(crate) struct Refused {
    /// The domain that was asked for, if there is such a domain, to answer in its name.
    pub(crate) domain: Option<Arc<Domain>>,
    pub(crate) error: StreamError,
}

/// Checks a header. `account` is who the client has authenticated as, and where.
pub(crate) fn read(
    header: &StreamHeader,
    host: &dyn Host,
    account: Option<&Jid>,
    form: Form,
) -> Result<Opening, Refused> {
    let domain = match header.to().map(Jid::new) {
        None => host.domain(None),
        Some(Ok(to)) if to.is_domain() => host.domain(Some(to.as_str())),
        Some(_) => None,
    };
    let refuse = |condition, text: &str| {
        Err(Refused { domain: domain.clone(), error: StreamError::new(condition).with_text(text) })
    };
    // RFC 6120 §4.8.1, RFC 7395 §3.4
    let (name, namespace) = match form {
        Form::Document => ("stream", ns::STREAM),
        Form::Messages => ("open", ns::FRAMING),
    };
    if header.namespace() != namespace {
        return refuse(StreamCondition::InvalidNamespace, "not the namespace of streams");
    }
    if header.name() != name {
        return refuse(StreamCondition::BadFormat, "not a stream header");
    }
    // RFC 6120 §4.8.2; every message declares its own.
    if form == Form::Document && header.content_namespace() != ns::CLIENT {
        return refuse(StreamCondition::InvalidNamespace, "not the namespace of clients");
    }
    let Some(domain) = &domain else {
        return refuse(StreamCondition::HostUnknown, "not a domain of this server");
    };
    // Who has authenticated at one domain is nobody at another.
    if account.is_some_and(|account| account.domain() != domain.name.domain()) {
        return refuse(StreamCondition::HostUnknown, "not the domain you have authenticated at");
    }
    let legacy = match Version::read(header.version()) {
        Version::Legacy if domain.legacy_streams && form == Form::Document => true,
        Version::Legacy => {
            return refuse(StreamCondition::UnsupportedVersion, "XMPP 1.0 is spoken here");
        }
        Version::Current => false,
        Version::Unreadable => {
            return refuse(StreamCondition::UnsupportedVersion, "not a version number");
        }
    };
    let from = match header.from().map(Jid::new) {
        // XML::Stream for Perl names the machine it runs on, which is nobody.
        Some(Ok(from)) => Some(from).filter(|from| from.local().is_some()),
        Some(Err(_)) => return refuse(StreamCondition::InvalidFrom, "not an address"),
        None => None,
    };
    if let Some(from) = &from {
        // RFC 6120 §4.9.3.9
        if account.is_some_and(|account| !from.same_bare(account)) {
            return refuse(StreamCondition::InvalidFrom, "not whom you have authenticated as");
        }
        // XEP-0388 §2.1
        if from.domain() != domain.name.domain() {
            return refuse(StreamCondition::InvalidFrom, "not an address at this domain");
        }
    }
    let lang = header.lang().filter(|lang| is_language_tag(lang)).map(str::to_owned);
    Ok(Opening { domain: domain.clone(), from, lang, legacy })
}

enum Version {
    Current,
    Legacy,
    Unreadable,
}

impl Version {
    /// A later version, be it a minor or a major one, is answered with ours (RFC 6120 §4.7.5).
    fn read(version: Option<&str>) -> Self {
        let Some(version) = version else { return Self::Legacy };
        let Some((major, minor)) = version.trim().split_once('.') else { return Self::Unreadable };
        let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !numeric(major) || !numeric(minor) {
            return Self::Unreadable;
        }
        if major.bytes().all(|b| b == b'0') { Self::Legacy } else { Self::Current }
    }
}

/// Whether the text could be a language tag (RFC 5646 §2.1). It is written into other people's
/// stanzas, so nothing else is taken up.
fn is_language_tag(text: &str) -> bool {
    text.len() <= LANG_BYTES
        && text.split('-').all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, current) in [("1.0", true), ("1.5", true), ("2.0", true), ("010.00", true)] {
            assert_eq!(matches!(Version::read(Some(text)), Version::Current), current, "{text}");
        }
        assert!(matches!(Version::read(Some("99999999999999999999.0")), Version::Current));
        assert!(matches!(Version::read(Some("0.9")), Version::Legacy));
        assert!(matches!(Version::read(None), Version::Legacy));
        for text in ["", "1", "1.", ".0", "one", "1.0.0", "-1.0", "+1.0"] {
            assert!(matches!(Version::read(Some(text)), Version::Unreadable), "{text}");
        }
    }

    #[test]
    fn language_tags() {
        for text in ["en", "pt-BR", "zh-Hant-HK", "i-klingon"] {
            assert!(is_language_tag(text), "{text}");
        }
        for text in ["", "en-", "e n", "'/>", "abcdefghi", &"a-".repeat(40)] {
            assert!(!is_language_tag(text), "{text}");
        }
    }
}
