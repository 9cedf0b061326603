//! Typed payloads.

use std::borrow::Cow;
use std::fmt;

use sestina_xml::{Element, ElementRef, PayloadError};

/// A type that is one element on the wire: the payload of an IQ, or a part of a message or presence.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Invalid, Payload};
/// use sestina_xml::{Element, ElementRef};
///
/// struct Last {
///     seconds: Option<u64>,
/// }
///
/// impl Payload for Last {
///     const NAME: &'static str = "query";
///     const NAMESPACE: &'static str = "jabber:iq:last";
///
///     fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
///         let seconds = element.attr("seconds").map(str::parse).transpose();
///         Ok(Self { seconds: seconds.map_err(|_| Invalid::attribute("seconds"))? })
///     }
///
///     fn write(&self) -> Element {
///         let seconds = self.seconds.map(|seconds| seconds.to_string());
///         Self::builder().attr_opt("seconds", seconds).build()
///     }
/// }
///
/// let last = Last { seconds: Some(903) }.write();
/// assert_eq!(Last::read(last.root())?.seconds, Some(903));
/// # Ok::<(), Invalid>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload",
    note = "implement `Payload` by hand, or derive `xso::FromXml` and `xso::AsXml` and name it in `xso_payload!`"
)]
pub trait Payload: Sized {
    /// The element's name.
    const NAME: &'static str;
    /// The element's namespace.
    const NAMESPACE: &'static str;

    /// Reads the element, which has this name and namespace.
    ///
    /// # Errors
    ///
    /// The element lacks something or holds something it must not: the peer's fault.
    fn read(element: ElementRef<'_>) -> Result<Self, Invalid>;

    /// Writes the element.
    fn write(&self) -> Element;

    /// Begins the element, for [`write`](Self::write).
    fn builder() -> sestina_xml::Builder {
        Element::builder(Self::NAME, Self::NAMESPACE)
    }

    /// Whether an element is this one.
    fn is(element: ElementRef<'_>) -> bool {
        element.is(Self::NAME, Self::NAMESPACE)
    }
}

/// What a handler may answer: a payload, an element as it stands, or nothing.
pub trait IntoPayload {
    /// The element that goes into the iq of type `result`.
    fn into_payload(self) -> Option<Element>;
}

impl<P: Payload> IntoPayload for P {
    fn into_payload(self) -> Option<Element> {
        Some(self.write())
    }
}

impl IntoPayload for Element {
    fn into_payload(self) -> Option<Element> {
        Some(self)
    }
}

impl IntoPayload for () {
    fn into_payload(self) -> Option<Element> {
        None
    }
}

impl<T: IntoPayload> IntoPayload for Option<T> {
    fn into_payload(self) -> Option<Element> {
        self.and_then(T::into_payload)
    }
}

/// What is wrong with a payload a peer has sent; the peer hears `bad-request` and these words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    reason: Cow<'static, str>,
}

impl Invalid {
    /// Says what is wrong in words the peer may read.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into() }
    }

    /// An attribute is missing or holds nonsense.
    pub fn attribute(name: &str) -> Self {
        Self::new(format!("the attribute '{name}' is missing or not valid"))
    }

    /// A child element is missing or holds nonsense.
    pub fn child(name: &str) -> Self {
        Self::new(format!("the element <{name}/> is missing or not valid"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Invalid {}

impl From<PayloadError> for Invalid {
    /// The description is for the log, so the peer hears only that it was not valid.
    fn from(_: PayloadError) -> Self {
        Self::new("the payload is not valid")
    }
}

/// Makes payloads of types that implement `xso::FromXml` and `xso::AsXml`, derived or by hand.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Payload, xso_payload};
/// use xso::{AsXml, FromXml};
///
/// #[derive(FromXml, AsXml)]
/// #[xml(namespace = "jabber:iq:version", name = "query")]
/// struct Version {
///     #[xml(extract(name = "name", fields(text(type_ = String))))]
///     name: String,
/// }
///
/// xso_payload! {
///     Version = "query", "jabber:iq:version";
/// }
///
/// let version = Version { name: "sestina".into() }.write();
/// assert_eq!(Version::read(version.root())?.name, "sestina");
/// # Ok::<(), sestina_stanza::Invalid>(())
/// ```
///
/// A value that cannot be written as XML, such as a text that holds NUL, is written as the empty
/// element.
#[macro_export]
macro_rules! xso_payload {
    ($($payload:ty = $name:expr, $namespace:expr;)+) => {$(
        impl $crate::Payload for $payload {
            const NAME: &'static str = $name;
            const NAMESPACE: &'static str = $namespace;

            fn read(
                element: $crate::__xml::ElementRef<'_>,
            ) -> ::core::result::Result<Self, $crate::Invalid> {
                Ok(element.read_as()?)
            }

            fn write(&self) -> $crate::__xml::Element {
                $crate::__xml::Element::from_xso(self)
                    .unwrap_or_else(|_| <Self as $crate::Payload>::builder().build())
            }
        }
    )+};
}
