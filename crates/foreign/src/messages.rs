//! Messages that wait for an account.

use sestina_stanza::{Jid, Kind, Stanza, ns};
use sestina_xml::{Element, ElementRef};

use crate::{Account, rewrite::Rewrite};

/// Takes messages that were kept, whatever namespace they were kept in; those that are none stay
/// behind.
pub(crate) fn take<'e>(
    to: &Jid,
    kept: impl Iterator<Item = ElementRef<'e>>,
    account: &mut Account,
) {
    let mut messages = Vec::new();
    for message in kept {
        match read(to, message) {
            Some(message) => messages.push(message),
            None => account.leave(format!("<{}/> among the messages that wait", message.name())),
        }
    }
    if !messages.is_empty() {
        let within = Element::builder("offline-messages", ns::PIE).children(&messages);
        account.elements.push(within.build());
    }
}

fn read(to: &Jid, message: ElementRef<'_>) -> Option<Element> {
    let around = message.namespace();
    let ours = [(around, ns::CLIENT), (ns::SERVER, ns::CLIENT)];
    // Where a server has kept it under is said in its `node`.
    let rewrite = Rewrite { namespaces: &ours, without: &["node"], name: None };
    let stanza = Stanza::read(rewrite.of(message).ok()?).ok()?;
    let for_another = stanza.to().is_some_and(|it| !it.same_bare(to));
    if !matches!(stanza.kind(), Kind::Message(_)) || stanza.from().is_none() {
        return None;
    }
    // It was kept for this account: whatever it was sent to led here.
    let without: &[&str] = if for_another { &["node", "to"] } else { &["node"] };
    Rewrite { without, ..rewrite }.of(message).ok()
}
