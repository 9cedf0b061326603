//! When something was said that arrives later.

use sestina_xml::{Element, ElementRef};

use crate::{Invalid, Jid, Payload, Stanza, Timestamp, ns};

/// The stamp of a stanza that was kept back (XEP-0203), also in its older form (XEP-0091).
///
/// # Examples
///
/// ```
/// use sestina_stanza::{Delay, Jid, MessageType, Stanza, Timestamp};
///
/// let kept = Stanza::message(MessageType::Chat).body("Still there?").build();
/// let delay = Delay::at(Timestamp::from_unix(982_247_074, 0))
///     .by(Jid::new("capulet.example")?)
///     .because("Offline Storage");
/// let sent = delay.stamp(&kept);
/// assert_eq!(Delay::of(&sent), Some(delay));
/// assert!(sent.to_string().contains("stamp='2001-02-15T14:24:34Z'"));
/// # Ok::<(), sestina_stanza::JidError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay {
    /// When it was said.
    pub stamp: Timestamp,
    /// Who kept it back.
    pub from: Option<Jid>,
    /// Why, for people.
    pub reason: Option<String>,
}

impl Delay {
    /// The stamp of that moment.
    pub const fn at(stamp: Timestamp) -> Self {
        Self { stamp, from: None, reason: None }
    }

    /// Says who kept it back.
    #[must_use]
    pub fn by(mut self, from: Jid) -> Self {
        self.from = Some(from);
        self
    }

    /// Says why, for people.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The stanza's stamp of either form; the newer form wins, and one that is not valid is none.
    pub fn of(stanza: &Stanza) -> Option<Self> {
        Self::all(stanza).next()
    }

    /// The stanza's stamps of either form, those of the newer form first; what is not valid is none.
    pub fn all(stanza: &Stanza) -> impl Iterator<Item = Self> {
        let current = stanza.children().filter(|child| Self::is(*child)).map(Self::read);
        let legacy = stanza.children().filter(|child| is_legacy(*child)).map(Self::read_legacy);
        current.chain(legacy).filter_map(Result::ok)
    }

    /// The stanza with this stamp.
    #[must_use]
    pub fn stamp(&self, stanza: &Stanza) -> Stanza {
        stanza.with_child(self.write())
    }

    /// The stanza without the stamps that claim to come from a domain itself, where `ours` says so of
    /// the domain; nothing if there are none.
    ///
    /// Whoever stamps for a domain takes off first what others have stamped in its name.
    pub fn strip(stanza: &Stanza, ours: impl Fn(&str) -> bool) -> Option<Stanza> {
        let claims = |from: Jid| from.local().is_none() && ours(from.domain());
        let unwanted = |child: ElementRef<'_>| {
            (Self::is(child) || is_legacy(child))
                && child.attr("from").and_then(|from| Jid::new(from).ok()).is_some_and(claims)
        };
        stanza.children().any(unwanted).then(|| stanza.without(unwanted))
    }

    /// Reads the older form, `<x xmlns='jabber:x:delay'/>`.
    ///
    /// # Errors
    ///
    /// There is no stamp in a form of its time, or the sender is no address.
    pub fn read_legacy(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Self::read_with(element, |stamp| Timestamp::parse_legacy(stamp).or_else(|_| stamp.parse()))
    }

    /// Writes the older form, for clients that know no other.
    pub fn write_legacy(&self) -> Element {
        let element = Element::builder("x", ns::LEGACY_DELAY);
        self.fill(element, self.stamp.legacy().to_string())
    }

    fn read_with<E>(
        element: ElementRef<'_>,
        parse: impl FnOnce(&str) -> Result<Timestamp, E>,
    ) -> Result<Self, Invalid> {
        let stamp = element.attr("stamp").and_then(|stamp| parse(stamp).ok());
        let from = element.attr("from").map(Jid::new).transpose();
        let reason = element.text();
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        Ok(Self {
            stamp: stamp.ok_or_else(|| Invalid::attribute("stamp"))?,
            from: from.map_err(|_| Invalid::attribute("from"))?,
            reason: reason.map(ToOwned::to_owned),
        })
    }

    fn fill(&self, element: sestina_xml::Builder, stamp: String) -> Element {
        element
            .attr_opt("from", self.from.as_ref())
            .attr("stamp", stamp)
            .text(self.reason.as_deref().unwrap_or_default())
            .build()
    }
}

impl Payload for Delay {
    const NAME: &'static str = "delay";
    const NAMESPACE: &'static str = ns::DELAY;

    fn read(element: ElementRef<'_>) -> Result<Self, Invalid> {
        Self::read_with(element, str::parse)
    }

    fn write(&self) -> Element {
        self.fill(Self::builder(), self.stamp.to_string())
    }
}

fn is_legacy(element: ElementRef<'_>) -> bool {
    element.is("x", ns::LEGACY_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageType;

    fn delay(from: &str) -> Delay {
        let stamp = Timestamp::from_unix(982_247_074, 0);
        Delay::at(stamp).by(Jid::new(from).expect(from)).because("Offline Storage")
    }

    #[test]
    fn both_forms_read_as_they_were_written() {
        let delay = delay("capulet.example");
        assert_eq!(Delay::read(delay.write().root()), Ok(delay.clone()));
        let legacy = delay.write_legacy();
        assert_eq!(
            legacy.to_string(),
            "<x xmlns='jabber:x:delay' from='capulet.example' stamp='20010215T14:24:34'>\
             Offline Storage</x>",
        );
        assert_eq!(Delay::read_legacy(legacy.root()), Ok(delay));
    }

    #[test]
    fn stamps_in_our_name_are_taken_off() {
        let message = Stanza::message(MessageType::Chat)
            .body("hi")
            .child(delay("capulet.example").write())
            .child(delay("capulet.example/x").write_legacy())
            .child(delay("juliet@capulet.example").write())
            .child(delay("montague.example").write_legacy())
            .build();
        let clean = Delay::strip(&message, |domain| domain == "capulet.example").unwrap();
        assert_eq!(clean.children().count(), 3);
        assert_eq!(Delay::strip(&clean, |domain| domain == "capulet.example"), None);
        assert_eq!(Delay::of(&clean), Some(delay("juliet@capulet.example")));
        assert!(clean.body().is_some());
    }

    #[test]
    fn what_is_not_valid_is_no_stamp() {
        for (name, value) in [("stamp", "yesterday"), ("from", "a@b")] {
            let element = Delay::builder().attr(name, value).build();
            assert_eq!(Delay::read(element.root()), Err(Invalid::attribute("stamp")));
        }
        let element = Delay::builder().attr("stamp", "2001-02-15T14:24:34Z").attr("from", "@");
        assert_eq!(Delay::read(element.build().root()), Err(Invalid::attribute("from")));
    }
}
