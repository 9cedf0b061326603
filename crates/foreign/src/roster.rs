//! Lists of contacts.

use std::collections::{BTreeMap, BTreeSet};

use sestina_stanza::{Jid, ns};
use sestina_xml::{Element, ElementRef};

use crate::Account;

/// Takes a list as another server has it: what is not for clients is left out, and so is, with a
/// word, who cannot be a contact.
pub(crate) fn take(of: &Jid, query: ElementRef<'_>, account: &mut Account) {
    let mut listed = BTreeMap::new();
    let mut requests = Vec::new();
    for item in query.children().filter(|child| child.name() == "item") {
        let named = item.attr("jid").unwrap_or_default();
        let Ok(jid) = Jid::new(named) else {
            account.leave(format!("the contact {named:?}, which is no address"));
            continue;
        };
        let contact = jid.to_bare();
        if contact == of.to_bare() {
            account.leave("the account as a contact of its own");
            continue;
        }
        // Who asks is marked in the list, and is there only for that if it says `hidden`.
        if let Some(status) = item.attr("subscribe") {
            requests.push(request(&contact, status));
        }
        if item.attr("hidden").is_some() || item.attr("subscription") == Some("remove") {
            continue;
        }
        if listed.contains_key(contact.as_str()) {
            account.leave(format!("the contact {contact} for another time"));
            continue;
        }
        listed.insert(contact.as_str().to_owned(), written(contact.as_str(), item));
    }
    if !listed.is_empty() {
        let list = Element::builder("query", ns::ROSTER).children(listed.into_values());
        account.elements.push(list.build());
    }
    account.elements.append(&mut requests);
}

fn written(contact: &str, item: ElementRef<'_>) -> sestina_xml::Builder {
    let subscription = item.attr("subscription");
    let subscription = subscription.filter(|it| ["none", "to", "from", "both"].contains(it));
    // Old lists have `<grp/>`, and some of their servers a group twice.
    let groups = item.children().filter(|child| ["group", "grp"].contains(&child.name()));
    let groups: BTreeSet<String> = groups.map(|group| group.text().into_owned()).collect();
    let groups = groups.into_iter().filter(|group| !group.is_empty());
    Element::builder("item", ns::ROSTER)
        .attr("jid", contact)
        .attr_opt("name", item.attr("name").filter(|name| !name.is_empty()))
        .attr("subscription", subscription.unwrap_or("none"))
        .attr_opt("ask", item.attr("ask").filter(|ask| *ask == "subscribe"))
        .attr_opt("approved", item.attr("approved"))
        .children(groups.map(|group| Element::builder("group", ns::ROSTER).text(group)))
}

/// Somebody asks to see the account.
pub(crate) fn request(contact: &Jid, status: &str) -> Element {
    let status = Some(status).filter(|status| !status.is_empty());
    Element::builder("presence", ns::CLIENT)
        .attr("type", "subscribe")
        .attr("from", contact.as_str())
        .child_opt(status.map(|status| Element::builder("status", ns::CLIENT).text(status)))
        .build()
}
