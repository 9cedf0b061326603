//! Payload types of others: whatever implements the traits of `xso` is read and written here.
//!
//! No other part of the crate knows `xso`, which changes faster than this crate should. The types of
//! `xmpp-parsers` come by the same two traits; it takes longer to build than all else together, so
//! the tests here derive types of their own.

use std::fmt;

use rxml::parser::EventMetrics;
use rxml::{AttrMap, Event, Namespace, NcName, QName};
use xso::error::{Error, FromEventsError};
use xso::{AsXml, Context, FromEventsBuilder, FromXml};

use crate::{Element, ElementRef, Limits, Node};

impl Element {
    /// Reads the element as a payload type.
    ///
    /// ```
    /// use sestina_xml::{Element, Limits};
    ///
    /// #[derive(xso::FromXml, xso::AsXml)]
    /// #[xml(namespace = "urn:xmpp:delay", name = "delay")]
    /// struct Delay {
    ///     #[xml(attribute)]
    ///     stamp: String,
    ///     #[xml(text)]
    ///     reason: String,
    /// }
    ///
    /// let delay = Element::parse(
    ///     "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'>Offline</delay>",
    ///     &Limits::default(),
    /// )?;
    /// let read: Delay = delay.read_as()?;
    /// assert_eq!(read.reason, "Offline");
    /// assert_eq!(Element::from_xso(&read)?, delay);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PayloadError::Mismatch`] if it is no such element at all, [`PayloadError::Invalid`] if it
    /// is one that breaks the type's rules.
    pub fn read_as<T: FromXml>(&self) -> Result<T, PayloadError> {
        self.root().read_as()
    }

    /// Writes a payload type as an element.
    ///
    /// # Errors
    ///
    /// [`PayloadError::Invalid`] if the value cannot be written as XML.
    pub fn from_xso(payload: &impl AsXml) -> Result<Self, PayloadError> {
        let xml = xso::to_vec(payload).map_err(PayloadError::from_xso)?;
        Self::parse(xml, &Limits::trusted())
            .map_err(|error| PayloadError::Invalid(error.to_string()))
    }
}

impl ElementRef<'_> {
    /// Reads the element as a payload type.
    ///
    /// # Errors
    ///
    /// As [`Element::read_as`].
    pub fn read_as<T: FromXml>(&self) -> Result<T, PayloadError> {
        let mut languages = vec![self.lang_in_force()];
        let (name, attributes) = head(*self)?;
        let context = Context::empty().with_language(self.lang_in_force());
        let mut builder = match T::from_events(name, attributes, &context) {
            Ok(builder) => builder,
            Err(FromEventsError::Mismatch { .. }) => return Err(PayloadError::Mismatch),
            Err(FromEventsError::Invalid(error)) => return Err(PayloadError::from_xso(error)),
        };
        let mut open = vec![self.content()];
        while let Some(content) = open.last_mut() {
            let event = match content.next() {
                Some(Node::Text(text)) => Event::Text(EventMetrics::zero(), text.to_owned()),
                Some(Node::Element(element)) => {
                    let (name, attributes) = head(element)?;
                    let inherited = languages.last().copied().flatten();
                    languages.push(element.lang().or(inherited));
                    open.push(element.content());
                    Event::StartElement(EventMetrics::zero(), name, attributes)
                }
                None => {
                    open.pop();
                    languages.pop();
                    Event::EndElement(EventMetrics::zero())
                }
            };
            let context = Context::empty().with_language(languages.last().copied().flatten());
            if let Some(payload) = builder.feed(event, &context).map_err(PayloadError::from_xso)? {
                return Ok(payload);
            }
        }
        Err(PayloadError::Invalid("more was expected than the element holds".to_owned()))
    }
}

fn head(element: ElementRef<'_>) -> Result<(QName, AttrMap), PayloadError> {
    let name = |name: &str| {
        NcName::try_from(name).map_err(|error| PayloadError::Invalid(error.to_string()))
    };
    let namespace = |uri: &str| Namespace::from(uri.to_owned());
    let mut attributes = AttrMap::new();
    for attribute in element.attrs() {
        attributes.insert(
            namespace(attribute.namespace()),
            name(attribute.name())?,
            attribute.value().to_owned(),
        );
    }
    Ok(((namespace(element.namespace()), name(element.name())?), attributes))
}

/// Why an element and a payload type do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is the right element with the wrong attributes or content, as described for a log.
    Invalid(String),
    /// It is another element.
    Mismatch,
}

impl PayloadError {
    fn from_xso(error: Error) -> Self {
        match error {
            Error::TypeMismatch => Self::Mismatch,
            error => Self::Invalid(error.to_string()),
        }
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason) => write!(f, "invalid payload: {reason}"),
            Self::Mismatch => f.write_str("payload of another type"),
        }
    }
}

impl std::error::Error for PayloadError {}
