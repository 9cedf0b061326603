//! What rules say about one stanza.

use sestina_core::Contact;
use sestina_stanza::{Jid, MessageType, StanzaError};

use crate::{Actionless, rule::Rule};

/// What rules may ask of a stanza.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) what: What,
    /// Bare.
    pub(crate) from: Option<Jid>,
    /// In lower case.
    pub(crate) resource: Option<String>,
    /// Whether nobody is there to take a message.
    pub(crate) unavailable: bool,
    /// What those show that would get it.
    pub(crate) shows: Vec<String>,
    /// The sender on the contact list, as far as a rule asks for that.
    pub(crate) contact: Option<Contact>,
}

/// What it is that came.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A message, with its subjects and bodies in lower case.
    Message { kind: MessageType, subjects: Vec<String>, bodies: Vec<String> },
    /// A request, with the namespace of its payload.
    Request { ns: String },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict<'r> {
    pub(crate) reply: Option<&'r str>,
    pub(crate) error: Option<&'r StanzaError>,
    /// To whom, and as a message of which type.
    pub(crate) forwards: Vec<(&'r Jid, MessageType)>,
    /// As a message of which type it is kept for later.
    pub(crate) offline: Option<MessageType>,
    /// The type that the message has in the end.
    pub(crate) kind: Option<MessageType>,
    /// Whether it goes on as if there were no rules.
    pub(crate) goes_on: bool,
}

/// Asks all rules in their order.
pub(crate) fn judge<'r>(
    rules: impl IntoIterator<Item = &'r Rule>,
    facts: &Facts,
    actionless: Actionless,
) -> Verdict<'r> {
    let kind = match &facts.what {
        What::Message { kind, .. } => Some(*kind),
        What::Request { .. } => None,
    };
    let mut verdict = Verdict {
        reply: None,
        error: None,
        forwards: Vec::new(),
        offline: None,
        kind,
        goes_on: true,
    };
    for rule in rules {
        if rule.concerns(verdict.kind) && rule.holds(facts, verdict.kind) {
            verdict.obey(rule);
            if !rule.goes_on {
                verdict.goes_on = rule.lets_pass(actionless);
                break;
            }
            if verdict.kind.is_none() && verdict.error.is_some() {
                // A request is answered once.
                verdict.goes_on = false;
                break;
            }
        }
    }
    verdict
}

impl Rule {
    /// Whether it is for messages of this type, or for requests. Those are only refused or dropped,
    /// and errors, which nobody answers and nobody passes on, are only dropped.
    fn concerns(&self, kind: Option<MessageType>) -> bool {
        match kind {
            None => self.is_bare() || self.error.is_some(),
            Some(MessageType::Error) => self.is_bare(),
            Some(_) => true,
        }
    }

    fn holds(&self, facts: &Facts, kind: Option<MessageType>) -> bool {
        let (subjects, bodies, ns) = match &facts.what {
            What::Message { subjects, bodies, .. } => (&subjects[..], &bodies[..], None),
            What::Request { ns } => (&[][..], &[][..], Some(ns)),
        };
        let groups = facts.contact.iter().flat_map(|contact| contact.groups.iter());
        (!self.unavailable || facts.unavailable)
            && (!self.roster || facts.contact.is_some())
            && meets(&self.from, facts.from.as_ref())
            && meets(&self.resource, facts.resource.as_ref())
            && meets(&self.subject, subjects)
            && meets(&self.body, bodies)
            && meets(&self.show, &facts.shows)
            && meets(&self.kind, kind.as_ref())
            && meets(&self.ns, ns)
            && (self.group.is_empty()
                || groups.into_iter().any(|group| self.group.iter().any(|it| **it == **group)))
    }

    /// Whether a stanza at which it stops is delivered all the same.
    fn lets_pass(&self, actionless: Actionless) -> bool {
        let taken = self.reply.is_some()
            || self.error.is_some()
            || !self.forward.is_empty()
            || self.offline;
        !taken && (self.settype.is_some() || actionless == Actionless::Pass)
    }
}

/// Whether one of those that are asked for is there; nothing may be asked for.
fn meets<'a, T: PartialEq + 'a>(asked: &[T], there: impl IntoIterator<Item = &'a T>) -> bool {
    asked.is_empty() || there.into_iter().any(|one| asked.contains(one))
}

impl<'r> Verdict<'r> {
    /// What the actions of a rule add.
    fn obey(&mut self, rule: &'r Rule) {
        if self.error.is_none() {
            self.error = rule.error.as_ref();
        }
        let Some(kind) = &mut self.kind else { return };
        if self.reply.is_none() {
            self.reply = rule.reply.as_deref();
        }
        if let Some(settype) = rule.settype {
            *kind = settype;
        }
        for to in &rule.forward {
            if self.forwards.iter().all(|(known, _)| *known != to) {
                self.forwards.push((to, *kind));
            }
        }
        if rule.offline {
            self.offline.get_or_insert(*kind);
        }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
