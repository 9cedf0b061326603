//! Stanza errors.

use std::fmt;

use sestina_xml::{Element, ElementRef};

use super::Condition;
use crate::{Invalid, Jid, JidError, ns};

/// What the sender of a refused stanza may do about it (RFC 6120 §8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// Try again with credentials.
    Auth,
    /// Do not try again.
    Cancel,
    /// Go on, it was only a warning.
    Continue,
    /// Try again with other data.
    Modify,
    /// Try again later.
    Wait,
}

impl ErrorType {
    /// The type as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Cancel => "cancel",
            Self::Continue => "continue",
            Self::Modify => "modify",
            Self::Wait => "wait",
        }
    }

    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auth" => Some(Self::Auth),
            "cancel" => Some(Self::Cancel),
            "continue" => Some(Self::Continue),
            "modify" => Some(Self::Modify),
            "wait" => Some(Self::Wait),
            _ => None,
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a stanza was refused, as the `<error/>` element says it (RFC 6120 §8.3).
///
/// It is written with the number that clients older than XMPP look for, and read with or without.
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Condition, StanzaError, ns};
///
/// let error = StanzaError::new(Condition::ItemNotFound).with_text("No such node.");
/// assert_eq!(
///     error.to_element(ns::CLIENT).to_string(),
///     "<error xmlns='jabber:client' code='404' type='cancel'>\
///      <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
///      <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>No such node.</text></error>",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StanzaError {
    condition: Condition,
    kind: ErrorType,
    details: Option<Box<Details>>,
}

/// What most errors go without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Details {
    text: Option<Box<str>>,
    lang: Option<Box<str>>,
    by: Option<Jid>,
    address: Option<Box<str>>,
    application: Option<Element>,
}

impl StanzaError {
    /// The error that says `condition`, with the type it usually goes with.
    pub const fn new(condition: Condition) -> Self {
        Self { condition, kind: condition.usual_type(), details: None }
    }

    /// Changes the type.
    #[must_use]
    pub fn with_type(mut self, kind: ErrorType) -> Self {
        self.kind = kind;
        self
    }

    /// Adds words for people.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Box<str>>) -> Self {
        self.details_mut().text = Some(text.into());
        self
    }

    /// Says in which language the words are.
    #[must_use]
    pub fn with_lang(mut self, lang: impl Into<Box<str>>) -> Self {
        self.details_mut().lang = Some(lang.into());
        self
    }

    /// Says who refused, where that is not who was addressed.
    #[must_use]
    pub fn with_by(mut self, by: Jid) -> Self {
        self.details_mut().by = Some(by);
        self
    }

    /// Says, as a URI, where to turn instead: with [`Condition::Gone`] and [`Condition::Redirect`].
    #[must_use]
    pub fn with_address(mut self, uri: impl Into<Box<str>>) -> Self {
        self.details_mut().address = Some(uri.into());
        self
    }

    /// Adds the condition of the application's own namespace (RFC 6120 §8.3.4).
    #[must_use]
    pub fn with_application(mut self, condition: impl Into<Element>) -> Self {
        self.details_mut().application = Some(condition.into());
        self
    }

    /// What was wrong.
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// What the sender may do about it.
    pub const fn kind(&self) -> ErrorType {
        self.kind
    }

    /// The words for people.
    pub fn text(&self) -> Option<&str> {
        self.details.as_ref()?.text.as_deref()
    }

    /// In which language the words are.
    pub fn lang(&self) -> Option<&str> {
        self.details.as_ref()?.lang.as_deref()
    }

    /// Who refused, where it is said.
    pub fn by(&self) -> Option<&Jid> {
        self.details.as_ref()?.by.as_ref()
    }

    /// Where to turn instead.
    pub fn address(&self) -> Option<&str> {
        self.details.as_ref()?.address.as_deref()
    }

    /// The application's own condition.
    pub fn application(&self) -> Option<&Element> {
        self.details.as_ref()?.application.as_ref()
    }

    /// Reads an `<error/>` of either age; whatever it lacks is concluded from the rest.
    ///
    /// An error that names no known condition is told by its number, or else undefined.
    pub fn read(error: ElementRef<'_>) -> Self {
        let code = error.attr("code").and_then(|code| code.trim().parse().ok());
        let said = error.children().filter(|child| child.namespace() == ns::STANZAS);
        let said = said
            .filter_map(|child| Some((Condition::from_name(child.name())?, child.text())))
            .next();
        let (condition, usual) = match (&said, code) {
            (Some((condition, _)), _) => (*condition, condition.usual_type()),
            (None, Some(code)) => Condition::from_code(code),
            (None, None) => (Condition::UndefinedCondition, ErrorType::Cancel),
        };
        let kind = error.attr("type").and_then(ErrorType::from_name).unwrap_or(usual);
        let text = error.child("text", ns::STANZAS);
        // Before XMPP the words stood directly within (XEP-0086 §2).
        let words = text.map(|text| text.text()).unwrap_or_else(|| error.text());
        let details = Details {
            text: Some(words.trim()).filter(|words| !words.is_empty()).map(Into::into),
            lang: text.and_then(|text| text.lang()).map(Into::into),
            by: error.attr("by").and_then(|by| Jid::new(by).ok()),
            address: said.map(|(_, address)| address).filter(|it| !it.is_empty()).map(Into::into),
            application: error
                .children()
                .find(|child| child.namespace() != ns::STANZAS)
                .map(|child| child.to_element()),
        };
        let details = (details != Details::default()).then(|| Box::new(details));
        Self { condition, kind, details }
    }

    /// Writes the `<error/>` for a stanza of this namespace.
    pub fn to_element(&self, namespace: &str) -> Element {
        let condition = Element::builder(self.condition.name(), ns::STANZAS);
        let condition = match self.address() {
            Some(uri) => condition.text(uri),
            None => condition,
        };
        let text = self.text().map(|text| {
            let element = Element::builder("text", ns::STANZAS);
            match self.lang() {
                Some(lang) => element.lang(lang),
                None => element,
            }
            .text(text)
        });
        Element::builder("error", namespace)
            .attr("code", self.condition.code().to_string())
            .attr("type", self.kind.name())
            .attr_opt("by", self.by())
            .child(condition)
            .child_opt(text)
            .child_opt(self.application())
            .build()
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl From<Condition> for StanzaError {
    fn from(condition: Condition) -> Self {
        Self::new(condition)
    }
}

impl From<JidError> for StanzaError {
    fn from(error: JidError) -> Self {
        Self::new(Condition::JidMalformed).with_text(error.to_string())
    }
}

impl From<Invalid> for StanzaError {
    fn from(invalid: Invalid) -> Self {
        Self::new(Condition::BadRequest).with_text(invalid.to_string())
    }
}

impl fmt::Display for StanzaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.condition)?;
        match self.text() {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StanzaError {}

#[cfg(test)]
mod tests {
    use sestina_xml::Limits;

    use super::*;

    fn read(xml: &str) -> StanzaError {
        StanzaError::read(Element::parse(xml, &Limits::default()).expect(xml).root())
    }

    #[test]
    fn every_condition_reads_as_it_was_written() {
        for &condition in Condition::ALL {
            let error = StanzaError::new(condition);
            let element = error.to_element(ns::SERVER);
            assert_eq!(element.attr("code"), Some(condition.code().to_string().as_str()));
            assert_eq!(element.attr("type"), Some(condition.usual_type().name()));
            assert!(element.child(condition.name(), ns::STANZAS).is_some());
            assert_eq!(StanzaError::read(element.root()), error);
        }
    }

    #[test]
    fn everything_reads_as_it_was_written() {
        let error = StanzaError::new(Condition::Gone)
            .with_type(ErrorType::Modify)
            .with_text("moved & <gone>")
            .with_lang("en")
            .with_by(Jid::new("b").expect("domain"))
            .with_address("xmpp:a@c")
            .with_application(Element::builder("moved", "urn:example:app"));
        assert_eq!(StanzaError::read(error.to_element(ns::CLIENT).root()), error);
        assert_eq!(error.to_string(), "gone: moved & <gone>");
    }

    #[test]
    fn older_errors_are_understood() {
        let error = read("<error code='502'>Unable to resolve hostname.</error>");
        assert_eq!(error.condition(), Condition::ServiceUnavailable);
        assert_eq!(error.kind(), ErrorType::Wait);
        assert_eq!(error.text(), Some("Unable to resolve hostname."));
        assert_eq!(read("<error code='404'/>").condition(), Condition::ItemNotFound);
        assert_eq!(read("<error code='no'/>").condition(), Condition::UndefinedCondition);
        assert_eq!(read("<error/>"), StanzaError::new(Condition::UndefinedCondition));
    }

    #[test]
    fn the_condition_outweighs_the_number() {
        let error = read(
            "<error code='500' type='wait' by='@'>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='de'>voll</text>\
             <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        );
        assert_eq!(error.condition(), Condition::ResourceConstraint);
        assert_eq!((error.text(), error.lang(), error.by()), (Some("voll"), Some("de"), None));
    }

    #[test]
    fn an_error_is_small() {
        assert!(size_of::<StanzaError>() <= 16);
    }
}
