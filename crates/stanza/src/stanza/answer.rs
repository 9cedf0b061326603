//! Answers.

use std::sync::Arc;

use sestina_xml::Element;

use super::{IqType, Kind, Rest, Stanza, Text};
use crate::{StanzaError, ns};

/// Whether an error gives back what it refuses (RFC 6120 §8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The content comes back with the error.
    Content,
    /// The error comes alone.
    Nothing,
}

impl Stanza {
    /// The error that answers this stanza, addressed to its sender.
    ///
    /// None answers an error or a result (RFC 6120 §8.3.1). The content comes back with it unless
    /// it may hold a password.
    pub fn error(&self, error: &StanzaError) -> Option<Self> {
        let secret = |namespace: &str| {
            matches!(namespace, ns::AUTH | ns::AUTH_ZEROK | ns::REGISTER | ns::SASL | ns::SASL2)
        };
        let echo = match self.payload() {
            Some(payload) if secret(payload.namespace()) => Echo::Nothing,
            _ => Echo::Content,
        };
        self.error_with(error, echo)
    }

    /// The error that answers this stanza, with or without what it refuses.
    pub fn error_with(&self, error: &StanzaError, echo: Echo) -> Option<Self> {
        let kind = self.kind().error()?;
        let error = error.to_element(self.namespace());
        let mut answer = match echo {
            // An error of its own would be taken for ours.
            Echo::Content => self.without_child("error", self.namespace()).with_child(error),
            Echo::Nothing => self.rebuild(|out, namespace| error.write_to(out, namespace)),
        };
        answer.turn_round();
        answer.set_kind(kind);
        Some(answer)
    }

    /// The result that answers this request, addressed to its sender; none answers another stanza.
    ///
    /// # Examples
    ///
    /// ```
    /// use sestina_stanza::{IqType, Jid, Stanza, ns};
    /// use sestina_xml::Element;
    ///
    /// let ping = Stanza::iq(IqType::Get, "p1")
    ///     .from(Jid::new("juliet@capulet.example/balcony")?)
    ///     .to(Jid::new("capulet.example")?)
    ///     .child(Element::builder("ping", ns::PING))
    ///     .build();
    /// let pong = ping.result(None).expect("a request is answered");
    /// assert_eq!(
    ///     pong.to_string(),
    ///     "<iq xmlns='jabber:client' to='juliet@capulet.example/balcony' \
    ///      from='capulet.example' id='p1' type='result'/>",
    /// );
    /// assert!(pong.result(None).is_none());
    /// # Ok::<(), sestina_stanza::JidError>(())
    /// ```
    pub fn result(&self, payload: Option<Element>) -> Option<Self> {
        let Kind::Iq(IqType::Get | IqType::Set) = self.kind() else { return None };
        let element = Element::builder("iq", self.namespace()).child_opt(payload).build();
        let rest = Rest {
            kind: IqType::Result.into(),
            from: self.to.clone(),
            id: Text::own(self.id()),
            lang: Text::Absent,
            extras: false,
            element,
        };
        Some(Self { to: self.rest.from.clone(), rest: Arc::new(rest) })
    }

    fn turn_round(&mut self) {
        let sender = self.rest.from.clone();
        let addressee = std::mem::replace(&mut self.to, sender);
        self.set_from(addressee);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Condition, Jid, MessageType, PresenceType};

    fn jid(text: &str) -> Jid {
        Jid::new(text).expect(text)
    }

    #[test]
    fn an_error_gives_back_the_content() {
        let message = Stanza::message(MessageType::Chat)
            .to(jid("a@b"))
            .from(jid("c@d/e"))
            .id("1")
            .body("lost")
            .build();
        let error = message.error(&Condition::ServiceUnavailable.into()).expect("answered");
        assert_eq!(
            error.to_string(),
            "<message xmlns='jabber:client' to='c@d/e' from='a@b' id='1' type='error'>\
             <body>lost</body><error code='503' type='cancel'>\
             <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
        );
        assert_eq!(error.error(&Condition::Gone.into()), None);
        let alone = message.error_with(&Condition::Gone.into(), Echo::Nothing).expect("answered");
        assert!(alone.body().is_none());
    }

    #[test]
    fn no_error_gives_back_a_password() {
        for namespace in [ns::AUTH, ns::REGISTER] {
            let request = Stanza::iq(IqType::Set, "1")
                .child(
                    Element::builder("query", namespace)
                        .child_with("password", |to| to.text("secret")),
                )
                .build();
            let error = request.error(&Condition::Conflict.into()).expect("answered");
            assert!(!error.to_string().contains("secret"));
            assert_eq!(error.reported_error(), Some(Condition::Conflict.into()));
        }
    }

    #[test]
    fn only_what_asks_is_answered() {
        let kinds = [
            Kind::from(IqType::Error),
            IqType::Result.into(),
            MessageType::Error.into(),
            PresenceType::Error.into(),
        ];
        for kind in kinds {
            let stanza = Stanza::of(kind).id("1").build();
            assert_eq!(stanza.error(&Condition::BadRequest.into()), None);
            assert_eq!(stanza.result(None), None);
        }
        assert!(Stanza::presence(PresenceType::Probe).build().result(None).is_none());
    }
}
