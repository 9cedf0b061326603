//! Which messages are copied (XEP-0280 §6).

use sestina_stanza::{Jid, Kind, MessageType, Stanza, ns};
use sestina_xml::ElementRef;

/// For whose sessions a copy would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its recipient's.
    Received,
    /// Its sender's.
    Sent,
}

impl Way {
    /// The element that says so.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Sent => "sent",
        }
    }
}

/// Whether a message is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is.
    Copied,
    /// It is, if the message was that it tells the failure of.
    IfAnswered,
    /// It is not.
    Left,
}

/// What the rules say about a message.
pub(crate) fn verdict(stanza: &Stanza, way: Way) -> Verdict {
    let Kind::Message(kind) = stanza.kind() else { return Verdict::Left };
    if kind == MessageType::Groupchat {
        return Verdict::Left;
    }
    let (mut talks, mut says, mut room, mut invites) = (false, false, false, false);
    for child in stanza.children() {
        if is_private(child) || is_copy(child) {
            return Verdict::Left;
        }
        match (child.name(), child.namespace()) {
            ("body", namespace) => says |= namespace == stanza.namespace(),
            ("x", ns::CONFERENCE) => invites = true,
            ("x", ns::MUC_USER) if child.child("invite", ns::MUC_USER).is_some() => invites = true,
            ("x", ns::MUC_USER) => room = true,
            (_, ns::CHAT_STATES | ns::CHAT_MARKERS | ns::RECEIPTS) => talks = true,
            _ => {}
        }
    }
    if kind == MessageType::Error {
        return Verdict::IfAnswered;
    }
    // Whoever is in the room has it from the room.
    if way == Way::Received && room && !invites && stanza.from().is_some_and(Jid::is_full) {
        return Verdict::Left;
    }
    match kind == MessageType::Chat || talks || invites || (kind == MessageType::Normal && says) {
        true => Verdict::Copied,
        false => Verdict::Left,
    }
}

/// XEP-0280 §9, XEP-0334 §3.1.
fn is_private(child: ElementRef<'_>) -> bool {
    child.is("private", ns::CARBONS) || child.is("no-copy", ns::HINTS)
}

/// Whether this is what a copy consists of.
pub(crate) fn is_copy(child: ElementRef<'_>) -> bool {
    child.is("received", ns::CARBONS) || child.is("sent", ns::CARBONS)
}

#[cfg(test)]
mod tests {
    use sestina_xml::{Element, Limits};

    use super::*;

    fn said(way: Way, kind: &str, content: &str) -> Verdict {
        let xml = format!(
            "<message xmlns='jabber:client' type='{kind}' from='romeo@capulet.example/orchard' \
             to='juliet@capulet.example/balcony'>{content}</message>"
        );
        verdict(&Stanza::read(Element::parse(xml, &Limits::default()).unwrap()).unwrap(), way)
    }

    #[test]
    fn what_is_said_from_person_to_person_is_copied() {
        let state = "<active xmlns='http://jabber.org/protocol/chatstates'/>";
        let receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";
        let marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>";
        let direct = "<x xmlns='jabber:x:conference' jid='hall@rooms.capulet.example'/>";
        let mediated = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>";
        let body = "<body>Hark</body>";
        let strange = "<body xmlns='urn:example:b'>Hark</body>";
        for (kind, content, verdict) in [
            ("chat", "", Verdict::Copied),
            ("chat", strange, Verdict::Copied),
            ("normal", body, Verdict::Copied),
            ("normal", "", Verdict::Left),
            ("normal", strange, Verdict::Left),
            ("normal", state, Verdict::Copied),
            ("normal", receipt, Verdict::Copied),
            ("normal", marker, Verdict::Copied),
            ("normal", direct, Verdict::Copied),
            ("normal", mediated, Verdict::Copied),
            ("headline", body, Verdict::Left),
            ("headline", marker, Verdict::Copied),
            ("groupchat", body, Verdict::Left),
            ("groupchat", state, Verdict::Left),
            ("error", body, Verdict::IfAnswered),
        ] {
            for way in [Way::Received, Way::Sent] {
                assert_eq!(said(way, kind, content), verdict, "{kind} {content}");
            }
        }
    }

    #[test]
    fn what_is_private_or_a_copy_itself_is_not() {
        for private in [
            "<private xmlns='urn:xmpp:carbons:2'/>",
            "<no-copy xmlns='urn:xmpp:hints'/>",
            "<sent xmlns='urn:xmpp:carbons:2'/>",
            "<received xmlns='urn:xmpp:carbons:2'/>",
        ] {
            for kind in ["chat", "normal", "error"] {
                let content = format!("<body>Hark</body>{private}");
                assert_eq!(said(Way::Sent, kind, &content), Verdict::Left, "{kind} {private}");
            }
        }
    }

    #[test]
    fn a_room_itself_sees_to_what_is_said_aside_in_it() {
        let aside = "<body>Hark</body><x xmlns='http://jabber.org/protocol/muc#user'/>";
        assert_eq!(said(Way::Received, "chat", aside), Verdict::Left);
        assert_eq!(said(Way::Sent, "chat", aside), Verdict::Copied);
    }
}
