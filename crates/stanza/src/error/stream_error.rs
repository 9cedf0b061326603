//! Stream errors.

use std::fmt;

use sestina_xml::{Element, XmlError};

use crate::ns;

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident = $wire:literal;)*) => {
        /// Why a stream ends (RFC 6120 §4.9.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum StreamCondition {
            $($(#[$doc])* $name,)*
        }

        impl StreamCondition {
            /// Every condition, in the order of the RFC.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name of the element that says it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The condition of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$name),)* _ => None }
            }
        }
    };
}

conditions! {
    /// Well-formed, but nothing that belongs into a stream.
    BadFormat = "bad-format";
    /// A prefix that is not declared, or not the right one.
    BadNamespacePrefix = "bad-namespace-prefix";
    /// A newer stream takes this one's place.
    Conflict = "conflict";
    /// The peer has been silent for too long.
    ConnectionTimeout = "connection-timeout";
    /// This server no longer serves the host.
    HostGone = "host-gone";
    /// This server does not serve the host.
    HostUnknown = "host-unknown";
    /// An address is missing on a stanza between servers.
    ImproperAddressing = "improper-addressing";
    /// The server failed.
    InternalServerError = "internal-server-error";
    /// The sender writes in another's name.
    InvalidFrom = "invalid-from";
    /// The namespace of the stream or its content is not one that is served.
    InvalidNamespace = "invalid-namespace";
    /// The XML is invalid, where the server validates.
    InvalidXml = "invalid-xml";
    /// The peer has to authenticate first.
    NotAuthorized = "not-authorized";
    /// The bytes are not well-formed XML.
    NotWellFormed = "not-well-formed";
    /// A rule of the service was broken.
    PolicyViolation = "policy-violation";
    /// A server or service needed on the way cannot be reached.
    RemoteConnectionFailed = "remote-connection-failed";
    /// The stream has to be begun anew, its security has aged.
    Reset = "reset";
    /// The server lacks the means.
    ResourceConstraint = "resource-constraint";
    /// The XML uses what streams forbid.
    RestrictedXml = "restricted-xml";
    /// Another address serves this peer.
    SeeOtherHost = "see-other-host";
    /// The server stops.
    SystemShutdown = "system-shutdown";
    /// None of the others; the application's own condition says what.
    UndefinedCondition = "undefined-condition";
    /// The encoding is not UTF-8.
    UnsupportedEncoding = "unsupported-encoding";
    /// A feature the peer insists on is not served.
    UnsupportedFeature = "unsupported-feature";
    /// The element is no stanza.
    UnsupportedStanzaType = "unsupported-stanza-type";
    /// The version of the stream is not served.
    UnsupportedVersion = "unsupported-version";
}

impl fmt::Display for StreamCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a stream ends, as its last element says it (RFC 6120 §4.9).
///
/// # Examples
///
/// ```
/// use sestina_stanza::{StreamCondition, StreamError};
///
/// let mut out = Vec::new();
/// StreamError::new(StreamCondition::SystemShutdown).write(&mut out);
/// assert_eq!(
///     String::from_utf8(out)?,
///     "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
/// );
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    condition: StreamCondition,
    details: Option<Box<Details>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    text: Option<Box<str>>,
    host: Option<Box<str>>,
    application: Option<Element>,
}

impl StreamError {
    /// The error that says `condition`.
    pub const fn new(condition: StreamCondition) -> Self {
        Self { condition, details: None }
    }

    /// Sends the peer to another host and port (RFC 6120 §4.9.3.19).
    pub fn see_other_host(host: impl Into<Box<str>>) -> Self {
        let mut error = Self::new(StreamCondition::SeeOtherHost);
        error.details_mut().host = Some(host.into());
        error
    }

    /// Adds words for people, in English.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Box<str>>) -> Self {
        self.details_mut().text = Some(text.into());
        self
    }

    /// Adds the condition of the application's own namespace (RFC 6120 §4.9.4).
    #[must_use]
    pub fn with_application(mut self, condition: impl Into<Element>) -> Self {
        self.details_mut().application = Some(condition.into());
        self
    }

    /// Why the stream ends.
    pub const fn condition(&self) -> StreamCondition {
        self.condition
    }

    /// The words for people.
    pub fn text(&self) -> Option<&str> {
        self.details.as_ref()?.text.as_deref()
    }

    /// The other host, for [`StreamCondition::SeeOtherHost`].
    pub fn host(&self) -> Option<&str> {
        self.details.as_ref()?.host.as_deref()
    }

    /// The application's own condition.
    pub fn application(&self) -> Option<&Element> {
        self.details.as_ref()?.application.as_ref()
    }

    /// Reads a peer's `<stream:error/>`; a condition that is not known counts as undefined.
    pub fn read(error: &Element) -> Self {
        let said = error.children().filter(|child| child.namespace() == ns::STREAMS);
        let said = said
            .filter_map(|child| Some((StreamCondition::from_name(child.name())?, child.text())))
            .next();
        let condition =
            said.as_ref().map_or(StreamCondition::UndefinedCondition, |(condition, _)| *condition);
        let details = Details {
            text: error.child("text", ns::STREAMS).map(|text| text.text().into()),
            host: said.map(|(_, host)| host).filter(|host| !host.is_empty()).map(Into::into),
            application: error
                .children()
                .find(|child| child.namespace() != ns::STREAMS)
                .map(|child| child.to_element()),
        };
        let details = (details != Details::default()).then(|| Box::new(details));
        Self { condition, details }
    }

    /// Appends the error for a stream whose header has bound the prefix `stream`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<stream:error>");
        self.write_content(out);
        out.extend_from_slice(b"</stream:error>");
    }

    /// Appends the error as a document of its own, with the prefix that clients look for
    /// (RFC 7395 §3.4).
    pub fn write_standalone(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<stream:error xmlns:stream='");
        out.extend_from_slice(ns::STREAM.as_bytes());
        out.extend_from_slice(b"'>");
        self.write_content(out);
        out.extend_from_slice(b"</stream:error>");
    }

    /// The error as an element of its own.
    pub fn to_element(&self) -> Element {
        let error = Element::builder("error", ns::STREAM).child(self.condition_element());
        let error = error.child_opt(self.text_element());
        error.child_opt(self.application()).build()
    }

    fn write_content(&self, out: &mut Vec<u8>) {
        // No default namespace is taken for granted, so that each part declares its own.
        self.condition_element().write_to(out, "");
        if let Some(text) = self.text_element() {
            text.write_to(out, "");
        }
        if let Some(application) = self.application() {
            application.write_to(out, "");
        }
    }

    fn condition_element(&self) -> Element {
        let condition = Element::builder(self.condition.name(), ns::STREAMS);
        condition.text(self.host().unwrap_or_default()).build()
    }

    fn text_element(&self) -> Option<Element> {
        let text = self.text()?;
        Some(Element::builder("text", ns::STREAMS).lang("en").text(text).build())
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl From<StreamCondition> for StreamError {
    fn from(condition: StreamCondition) -> Self {
        Self::new(condition)
    }
}

/// The names are decided where the faults are; the fault itself becomes the words.
impl From<XmlError> for StreamError {
    fn from(error: XmlError) -> Self {
        let condition = StreamCondition::from_name(error.stream_condition());
        let condition = condition.unwrap_or(StreamCondition::NotWellFormed);
        Self::new(condition).with_text(error.to_string())
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.condition)?;
        match self.text() {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StreamError {}

#[cfg(test)]
mod tests {
    use sestina_xml::{LimitKind, Limits};

    use super::*;

    #[test]
    fn every_condition_reads_as_it_was_written() {
        assert_eq!(StreamCondition::ALL.len(), 25);
        for &condition in StreamCondition::ALL {
            let error = StreamError::new(condition)
                .with_text("a < b")
                .with_application(Element::builder("more", "urn:example:app"));
            assert_eq!(StreamError::read(&error.to_element()), error);
            let mut out =
                b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>".to_vec();
            error.write(&mut out);
            out.extend_from_slice(b"</stream:stream>");
            let stream = Element::parse(&out, &Limits::default()).expect("well-formed");
            let read = stream.first_child().expect("error").to_element();
            assert!(read.is("error", ns::STREAM));
            assert_eq!(StreamError::read(&read), error);
        }
    }

    #[test]
    fn another_host_is_named() {
        let error = StreamError::see_other_host("[2001:db8::1]:5222");
        let read = StreamError::read(&error.to_element());
        assert_eq!(read.host(), Some("[2001:db8::1]:5222"));
    }

    #[test]
    fn every_fault_of_the_parser_has_its_condition() {
        let cases = [
            (XmlError::BadNamespacePrefix, StreamCondition::BadNamespacePrefix),
            (XmlError::InvalidUtf8, StreamCondition::UnsupportedEncoding),
            (XmlError::Limit(LimitKind::Depth), StreamCondition::PolicyViolation),
            (XmlError::NotWellFormed, StreamCondition::NotWellFormed),
            (XmlError::Restricted, StreamCondition::RestrictedXml),
            (XmlError::StrayText, StreamCondition::BadFormat),
            (XmlError::UnsupportedEncoding, StreamCondition::UnsupportedEncoding),
        ];
        for (fault, condition) in cases {
            assert_eq!(StreamError::from(fault).condition(), condition);
        }
    }
}
