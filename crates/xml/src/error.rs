//! Why a peer's bytes were refused.

use std::fmt;

/// Why bytes from a peer are not a stream, a frame or an element this crate takes.
///
/// Every one of them is the peer's fault and ends its stream: the parser that returned one returns
/// the same one from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum XmlError {
    /// A prefix is used that nothing in scope declares.
    BadNamespacePrefix,
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// A bound of [`Limits`](crate::Limits) was exceeded.
    Limit(LimitKind),
    /// The bytes break the grammar of XML or of its namespaces.
    NotWellFormed,
    /// A comment, processing instruction, document type or entity reference, which streams forbid.
    Restricted,
    /// Text other than white space stands between two elements of the stream.
    StrayText,
    /// The XML declaration or the first bytes announce another encoding than UTF-8.
    UnsupportedEncoding,
}

impl XmlError {
    /// Returns the name of the stream error that tells the peer (RFC 6120 §4.9.3).
    ///
    /// ```
    /// use sestina_xml::{LimitKind, XmlError};
    ///
    /// assert_eq!(XmlError::Restricted.stream_condition(), "restricted-xml");
    /// assert_eq!(XmlError::Limit(LimitKind::Depth).stream_condition(), "policy-violation");
    /// ```
    pub const fn stream_condition(&self) -> &'static str {
        match self {
            // RFC 6120 §4.9.3.2
            Self::BadNamespacePrefix => "bad-namespace-prefix",
            // RFC 6120 §4.9.3.22 names bytes that violate UTF-8 beside foreign encodings.
            Self::InvalidUtf8 | Self::UnsupportedEncoding => "unsupported-encoding",
            // RFC 6120 §4.9.3.14
            Self::Limit(_) => "policy-violation",
            // RFC 6120 §4.9.3.13
            Self::NotWellFormed => "not-well-formed",
            // RFC 6120 §4.9.3.18
            Self::Restricted => "restricted-xml",
            // RFC 6120 §4.9.3.1: well-formed, but nothing a stream can process.
            Self::StrayText => "bad-format",
        }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadNamespacePrefix => f.write_str("undeclared namespace prefix"),
            Self::InvalidUtf8 => f.write_str("invalid UTF-8"),
            Self::Limit(kind) => write!(f, "over the limit: {kind}"),
            Self::NotWellFormed => f.write_str("not well-formed"),
            Self::Restricted => f.write_str("XML feature that streams forbid"),
            Self::StrayText => f.write_str("text between the elements of the stream"),
            Self::UnsupportedEncoding => f.write_str("encoding other than UTF-8"),
        }
    }
}

impl std::error::Error for XmlError {}

/// Which bound of [`Limits`](crate::Limits) was exceeded; named as its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`Limits::attribute_bytes`](crate::Limits::attribute_bytes)
    AttributeBytes,
    /// [`Limits::attributes`](crate::Limits::attributes)
    Attributes,
    /// [`Limits::children`](crate::Limits::children)
    Children,
    /// [`Limits::declarations`](crate::Limits::declarations)
    Declarations,
    /// [`Limits::depth`](crate::Limits::depth)
    Depth,
    /// [`Limits::element_bytes`](crate::Limits::element_bytes)
    ElementBytes,
    /// [`Limits::header_bytes`](crate::Limits::header_bytes)
    HeaderBytes,
    /// [`Limits::name_bytes`](crate::Limits::name_bytes)
    NameBytes,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AttributeBytes => "bytes in an attribute value",
            Self::Attributes => "attributes of an element",
            Self::Children => "children of an element",
            Self::Declarations => "namespace declarations in scope",
            Self::Depth => "nested elements",
            Self::ElementBytes => "bytes in an element",
            Self::HeaderBytes => "bytes in a stream header",
            Self::NameBytes => "bytes in a name",
        })
    }
}
