//! Who has had a message in their hands: `jabber:x:envelope`.

use sestina_stanza::{Jid, Stanza};
use sestina_xml::{Builder, Element};

pub(crate) const ENVELOPE: &str = "jabber:x:envelope";

/// The bare addresses of those that have answered a message or passed it on by a rule, the first
/// one first.
#[derive(Debug, Default)]
pub(crate) struct Hands(Vec<Jid>);

impl Hands {
    /// Those that a message names, up to one more than `most`.
    pub(crate) fn of(message: &Stanza, most: usize) -> Self {
        let named = message
            .children()
            .filter(|child| child.is("x", ENVELOPE))
            .flat_map(|x| x.children())
            .filter(|child| child.is("forwardedby", ENVELOPE));
        // Who is named by something that is no address has had it, too.
        let named = named.take(most.saturating_add(1)).map(|child| {
            let jid = child.attr("jid").and_then(|jid| Jid::new(jid).ok());
            jid.map_or_else(nobody, |jid| jid.to_bare())
        });
        Self(named.collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn include(&self, who: &Jid) -> bool {
        self.0.iter().any(|held| held.same_bare(who))
    }

    /// The envelope that says so, with `last` added.
    pub(crate) fn and(&self, last: &Jid) -> Builder {
        self.0.iter().chain([last]).fold(Element::builder("x", ENVELOPE), |x, by| {
            x.child_with("forwardedby", |it| it.attr("jid", by))
        })
    }
}

/// Stands for an address that nobody can have.
fn nobody() -> Jid {
    Jid::new("invalid").expect("a domain name of ASCII letters is an address")
}

/// A message as it is passed on: by `account`, to `to`, and so as not to come back.
pub(crate) fn forwarded(message: &Stanza, hands: &Hands, account: &Jid, all: &[&Jid]) -> Stanza {
    let envelope = hands.and(account);
    let envelope = match message.from() {
        Some(from) => envelope.child_with("from", |it| it.attr("jid", from)),
        None => envelope,
    };
    let envelope = all.iter().fold(envelope, |x, to| x.child_with("cc", |it| it.attr("jid", to)));
    let mut forwarded = message.without_child("x", ENVELOPE).with_child(envelope);
    forwarded.set_from(Some(account.clone()));
    forwarded
}
