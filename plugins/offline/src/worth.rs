//! What is worth keeping, and how it is kept.

use serde::{Deserialize, Serialize};
use sestina_core::Stamps;
use sestina_stanza::{Delay, Jid, Kind, MessageType, Payload, Stanza, Timestamp};
use sestina_store::{RECORD_BYTES, Record};
use sestina_xml::{Element, Limits};

/// Whether a message waits for its recipient (XEP-0160 §3): it is said to one person, and says
/// something.
pub(crate) fn is_kept(stanza: &Stanza) -> bool {
    matches!(stanza.kind(), Kind::Message(MessageType::Normal | MessageType::Chat))
        && stanza.children().any(|child| {
            child.namespace() != CHAT_STATES && !child.is("thread", stanza.namespace())
        })
        && stanza.child("no-store", HINTS).is_none()
}

/// XEP-0085.
const CHAT_STATES: &str = "http://jabber.org/protocol/chatstates";
/// XEP-0334.
const HINTS: &str = "urn:xmpp:hints";

/// A message as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// When it came.
    pub(crate) at: Timestamp,
    stanza: String,
}

impl Record for Kept {
    const VERSION: u8 = 1;
}

impl Kept {
    /// Keeps a message that has come just now; one that has waited before keeps the time when it
    /// first came.
    pub(crate) fn new(stanza: &Stanza, domain: &str, now: Timestamp) -> Self {
        let at = stamped(stanza, domain).unwrap_or(now);
        let mut out = Vec::new();
        let clean = Delay::strip(stanza, |claimed| claimed == domain);
        clean.as_ref().unwrap_or(stanza).write_standalone(&mut out, stanza.namespace());
        Self { at, stanza: String::from_utf8_lossy(&out).into_owned() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.stanza.len()
    }

    /// The message, saying since when it has waited; nothing if it cannot be read.
    pub(crate) fn read(&self, domain: &Jid, stamps: Option<&dyn Stamps>) -> Option<Stanza> {
        // It was within the bounds of the stream by which it came.
        let limits = Limits { element_bytes: 2 * RECORD_BYTES, ..Limits::trusted() };
        let delay = Delay::at(self.at).by(domain.clone());
        let beside = stamps.map_or_else(String::new, |it| it.beside(&delay).to_string());
        let stamp = delay.write().to_string();
        // Stamped as text, so that it is read once.
        let (head, end) = self.stanza.split_at_checked(self.stanza.rfind("</")?)?;
        let stamped = [head, &stamp, &beside, end].concat();
        Stanza::read(Element::parse(stamped, &limits).ok()?).ok()
    }
}

/// The time that was stamped in the name of `domain`.
pub(crate) fn stamped(stanza: &Stanza, domain: &str) -> Option<Timestamp> {
    let by = |from: &Jid| from.local().is_none() && from.domain() == domain;
    Delay::all(stanza).find(|delay| delay.from.as_ref().is_some_and(by)).map(|delay| delay.stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, content: &str) -> Stanza {
        let xml = format!(
            "<message xmlns='jabber:client' type='{kind}' from='romeo@capulet.example/orchard' \
             to='juliet@capulet.example'>{content}</message>"
        );
        Stanza::read(Element::parse(xml, &Limits::default()).unwrap()).unwrap()
    }

    #[test]
    fn only_what_is_said_to_one_person_is_kept() {
        for (kind, kept) in [
            ("chat", true),
            ("normal", true),
            ("groupchat", false),
            ("headline", false),
            ("error", false),
        ] {
            assert_eq!(is_kept(&message(kind, "<body>Hark</body>")), kept, "{kind}");
        }
        let state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
        for (content, kept) in [
            ("", false),
            (state, false),
            (&*format!("{state}<thread>1</thread>"), false),
            (&*format!("{state}<body>Hark</body>"), true),
            ("<received xmlns='urn:xmpp:receipts' id='1'/>", true),
            ("<body>Hark</body><no-store xmlns='urn:xmpp:hints'/>", false),
        ] {
            assert_eq!(is_kept(&message("chat", content)), kept, "{content}");
        }
    }

    /// Stamps in the older form as well.
    struct Twice;

    impl Stamps for Twice {
        fn beside(&self, delay: &Delay) -> Element {
            delay.write_legacy()
        }
    }

    #[test]
    fn what_waits_again_keeps_its_time() {
        let domain = Jid::new("capulet.example").unwrap();
        let content = "<z xmlns='urn:z'/><body xml:lang='it'>a &lt; b</body><a xmlns='urn:a'/>";
        let (first, later) = (Timestamp::from_unix(1000, 0), Timestamp::from_unix(2000, 0));
        let once = Kept::new(&message("chat", content), "capulet.example", first);
        let sent = once.read(&domain, Some(&Twice)).unwrap();
        assert_eq!(stamped(&sent, "capulet.example"), Some(first));
        assert_eq!(Delay::all(&sent).count(), 2);
        let twice = Kept::new(&sent, "capulet.example", later);
        assert_eq!((twice.at, &twice.stanza), (first, &once.stanza));
        assert!(once.stanza.contains(content), "{}", once.stanza);
    }
}
