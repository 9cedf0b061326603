//! The bounds of what a peer may send.

/// Bounds on what one peer can make the parser hold and do.
///
/// All of them are met before the memory or the time they guard is spent. A bound that is exceeded
/// ends the stream with [`XmlError::Limit`](crate::XmlError::Limit), which names it. Each is given here as it is by default, and as
/// [`Limits::unauthenticated`] has it.
///
/// ```
/// use sestina_xml::{Element, LimitKind, Limits, XmlError};
///
/// let limits = Limits { depth: 2, ..Limits::default() };
/// assert!(Element::parse("<a><b/></a>", &limits).is_ok());
/// assert_eq!(
///     Element::parse("<a><b><c/></b></a>", &limits).unwrap_err(),
///     XmlError::Limit(LimitKind::Depth),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one attribute value as written.
    ///
    /// 16,384; 4,096 before authentication.
    pub attribute_bytes: usize,
    /// Attributes of one element, namespace declarations included.
    ///
    /// 64; 32 before authentication.
    pub attributes: usize,
    /// Elements directly within one element.
    ///
    /// 8,192; 256 before authentication.
    pub children: usize,
    /// Namespace declarations in scope at once, those of the stream header not counted.
    ///
    /// 64; 32 before authentication.
    pub declarations: usize,
    /// Elements within each other; an element without children has a depth of one.
    ///
    /// 64; 16 before authentication.
    pub depth: usize,
    /// Bytes of one complete element, and so the most a half-received one can hold.
    ///
    /// At most [`Limits::LARGEST_ELEMENT`], whatever is set.
    ///
    /// 262,144; 10,000 before authentication.
    pub element_bytes: usize,
    /// Bytes of a stream header, its XML declaration included.
    ///
    /// 4,096; 4,096 before authentication.
    pub header_bytes: usize,
    /// Bytes of one element or attribute name with its prefix; at most 65,535, whatever is set.
    ///
    /// 1,024; 256 before authentication.
    pub name_bytes: usize,
}

impl Limits {
    /// The largest element that can be held, whatever [`element_bytes`](Self::element_bytes) says.
    pub const LARGEST_ELEMENT: usize = 1 << 30;

    /// The bounds for a peer that has not yet said who it is.
    ///
    /// RFC 6120 §13.12 lets no server refuse an element of 10,000 bytes or less, so that is what a
    /// stranger may send; everything that is negotiated before authentication is far smaller.
    pub const fn unauthenticated() -> Self {
        Self {
            attribute_bytes: 4_096,
            attributes: 32,
            children: 256,
            declarations: 32,
            depth: 16,
            element_bytes: 10_000,
            header_bytes: 4_096,
            name_bytes: 256,
        }
    }

    /// No bounds but those of the format, for what the program wrote itself.
    ///
    /// Comparing elements and showing them goes as deep as they do: nothing that came from a peer
    /// may be read with these.
    pub const fn trusted() -> Self {
        Self {
            attribute_bytes: usize::MAX,
            attributes: usize::MAX,
            children: usize::MAX,
            declarations: usize::MAX,
            depth: usize::MAX,
            element_bytes: Self::LARGEST_ELEMENT,
            header_bytes: usize::MAX,
            name_bytes: usize::MAX,
        }
    }

    pub(crate) fn largest_element(&self) -> usize {
        self.element_bytes.min(Self::LARGEST_ELEMENT)
    }

    pub(crate) fn longest_name(&self) -> usize {
        self.name_bytes.min(usize::from(u16::MAX))
    }
}

/// The bounds for an authenticated client.
impl Default for Limits {
    fn default() -> Self {
        Self {
            attribute_bytes: 16_384,
            attributes: 64,
            children: 8_192,
            declarations: 64,
            depth: 64,
            element_bytes: 262_144,
            header_bytes: 4_096,
            name_bytes: 1_024,
        }
    }
}
