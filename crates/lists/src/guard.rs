//! Nothing passes that a list denies (XEP-0016 §2.2, §2.13; XEP-0191 §3.3).

use std::sync::Arc;

use sestina_core::{
    Amendment, Contact, Foundation, Guarded, Lookup, Plan, Planned, Refusal, Server, Session,
};
use sestina_stanza::{
    Condition, ErrorType, Jid, Kind, MessageType, PresenceType, Stanza, StanzaError, ns,
};
use sestina_xml::Element;
use smallvec::SmallVec;

use crate::{Known, Lists, Matcher, Verdict, Way, shelf::Force};

/// Something between an account and somebody else.
#[derive(Clone)]
struct Case {
    /// The account, at the address from or to which it goes.
    account: Jid,
    other: Jid,
    kind: Kind,
    leaving: bool,
}

/// The rules that have a say.
type Say<'a> = SmallVec<[Option<&'a Arc<Matcher>>; 1]>;

impl Lists {
    /// An account sends something.
    pub(crate) fn leaving(&self, stanza: &Stanza, server: &Server) -> Guarded {
        match (stanza.from(), stanza.to()) {
            (Some(from), Some(to)) => self.guard(from, to, stanza.kind(), true, server),
            _ => Guarded::Pass,
        }
    }

    /// Something comes to an account.
    pub(crate) fn arriving(&self, stanza: &Stanza, server: &Server) -> Guarded {
        match (stanza.from(), stanza.to()) {
            (Some(from), Some(to)) => self.guard(to, from, stanza.kind(), false, server),
            _ => Guarded::Pass,
        }
    }

    fn guard(
        &self,
        account: &Jid,
        other: &Jid,
        kind: Kind,
        leaving: bool,
        server: &Server,
    ) -> Guarded {
        if is_always_heard(account, other) {
            return Guarded::Pass;
        }
        let case = || Case { account: account.clone(), other: other.clone(), kind, leaving };
        if let Some(force) = self.0.shelf.at_hand(account.bare_str()) {
            return match force.is_empty() {
                true => Guarded::Pass,
                false => self.judge(&force, case(), server),
            };
        }
        let (lists, case, server) = (self.clone(), case(), server.clone());
        Guarded::Wait(Box::pin(async move {
            match lists.0.shelf.force(&case.account).await {
                Ok(force) => match lists.judge(&force, case, &server) {
                    Guarded::Wait(later) => later.await,
                    guarded => guarded,
                },
                // Whoever cannot tell lets nothing pass.
                Err(error) => Guarded::Refuse(error.into()),
            }
        }))
    }

    fn judge(&self, force: &Force, case: Case, server: &Server) -> Guarded {
        let say = case.say(force, server);
        match case.verdict(&say) {
            Verdict::Pass => Guarded::Pass,
            Verdict::Deny => self.refuse(&case),
            Verdict::Ask => match self.contact(&case.account, &case.other) {
                Lookup::Known(known) => self.settle(&case, &say, known.as_ref()),
                Lookup::Wait(known) => {
                    let (lists, say) = (self.clone(), owned(&say));
                    Guarded::Wait(Box::pin(async move {
                        match known.await {
                            Ok(known) => lists.settle(&case, &lent(&say), known.as_ref()),
                            Err(refusal) => Guarded::Refuse(refusal),
                        }
                    }))
                }
            },
        }
    }

    fn settle(&self, case: &Case, say: &Say<'_>, known: Option<&Known>) -> Guarded {
        match case.denied(say, known) {
            true => self.refuse(case),
            false => Guarded::Pass,
        }
    }

    fn refuse(&self, case: &Case) -> Guarded {
        match case.leaving {
            true => refused(case.kind, self.marks_blocked()),
            false => hidden(case.kind),
        }
    }

    /// What an account's contact list knows of somebody; nothing where none is kept.
    pub(crate) fn contact(&self, account: &Jid, other: &Jid) -> Lookup<Option<Known>> {
        let Some(contacts) = self.0.contacts.provider() else { return Lookup::Known(None) };
        let known = |contact: Option<Contact>| Some(Known::from(contact));
        match contacts.contact(&account.to_bare(), &other.to_bare()) {
            Lookup::Known(contact) => Lookup::Known(known(contact)),
            Lookup::Wait(later) => Lookup::Wait(Box::pin(async move { later.await.map(known) })),
        }
    }

    /// Only those sessions get something whose own list lets it pass.
    pub(crate) fn plan(&self, plan: &mut Plan, _: &Server) -> Planned {
        let (Some(from), Some(to)) = (plan.stanza().from(), plan.stanza().to()) else {
            return Planned::Done;
        };
        if !self.0.shelf.has_actives() || is_always_heard(to, from) {
            return Planned::Done;
        }
        let (to, from) = (to.clone(), from.clone());
        if let Some(force) = self.0.shelf.at_hand(to.bare_str()) {
            if !force.has_actives() {
                return Planned::Done;
            }
            let way = Way::incoming(plan.stanza().kind());
            let asks = force.matchers().any(|rules| rules.verdict(way, &from) == Verdict::Ask);
            let known = if asks { self.contact(&to, &from) } else { Lookup::Known(None) };
            if let Lookup::Known(known) = known {
                sift(plan, &force, known.as_ref());
                return Planned::Done;
            }
        }
        let lists = self.clone();
        Planned::Wait(Box::pin(async move {
            let found = async {
                let force = lists.0.shelf.force(&to).await?;
                Ok::<_, Refusal>((force, lists.contact(&to, &from).wait().await?))
            };
            let amendment: Amendment = match found.await {
                Ok((force, known)) => Box::new(move |plan| sift(plan, &force, known.as_ref())),
                Err(refusal) => Box::new(move |plan| {
                    plan.retain_targets(|_| false);
                    plan.claim(Self::NAME, |_, _| async { Err(refusal) });
                }),
            };
            amendment
        }))
    }
}

impl Case {
    fn way(&self) -> Way {
        match self.leaving {
            true => Way::outgoing(self.kind),
            false => Way::incoming(self.kind),
        }
    }

    /// Whose rules have a say: those of the session, or where it is between accounts, of all that are
    /// there (XEP-0016 §2.2).
    fn say<'a>(&self, force: &'a Force, server: &Server) -> Say<'a> {
        let resource = self.account.resource();
        let of_all = match self.kind {
            Kind::Iq(_) => false,
            // RFC 6121 §3.1.3, §4.3.2: these are between accounts, whatever the address says.
            Kind::Presence(kind) if kind.is_subscription() || kind == PresenceType::Probe => {
                resource.is_none() || !self.leaving
            }
            _ => resource.is_none(),
        };
        if of_all && force.has_actives() {
            let sessions = server.sessions(&self.account);
            if !sessions.is_empty() {
                return sessions.iter().map(|session| force.at(session.jid().resource())).collect();
            }
        }
        Say::from_iter([force.at(resource)])
    }

    fn verdict(&self, say: &Say<'_>) -> Verdict {
        let of = |rules: &Option<&Arc<Matcher>>| {
            rules.map_or(Verdict::Pass, |rules| rules.verdict(self.way(), &self.other))
        };
        // What is said for several sessions passes if it may for all of them; what is said to several
        // passes if it may for one, and is sifted later.
        let (one, all) = match self.leaving {
            true => (Verdict::Deny, Verdict::Pass),
            false => (Verdict::Pass, Verdict::Deny),
        };
        if say.iter().any(|rules| of(rules) == one) {
            one
        } else if say.iter().all(|rules| of(rules) == all) {
            all
        } else {
            Verdict::Ask
        }
    }

    fn denied(&self, say: &Say<'_>, known: Option<&Known>) -> bool {
        let mut denied = say
            .iter()
            .map(|rules| rules.is_some_and(|rules| rules.denies(self.way(), &self.other, known)));
        match self.leaving {
            true => denied.any(|denied| denied),
            false => denied.all(|denied| denied),
        }
    }
}

fn owned(say: &Say<'_>) -> Vec<Option<Arc<Matcher>>> {
    say.iter().map(|rules| rules.cloned()).collect()
}

fn lent(say: &[Option<Arc<Matcher>>]) -> Say<'_> {
    say.iter().map(Option::as_ref).collect()
}

/// One's own resources are always heard, and the server when it speaks for itself.
pub(crate) fn is_always_heard(account: &Jid, other: &Jid) -> bool {
    account.same_bare(other) || (other.is_domain() && other.domain() == account.domain())
}

fn sift(plan: &mut Plan, force: &Force, known: Option<&Known>) {
    let kind = plan.stanza().kind();
    let Some(from) = plan.stanza().from().cloned() else { return };
    let denied = |rules: Option<&Arc<Matcher>>| {
        rules.is_some_and(|rules| rules.denies(Way::incoming(kind), &from, known))
    };
    let planned = !plan.targets().is_empty();
    plan.retain_targets(|session: &Session| !denied(force.at(session.jid().resource())));
    if plan.targets().is_empty() && (planned || denied(force.default())) {
        plan.claim(Lists::NAME, move |_, _| async move {
            match hidden(kind) {
                Guarded::Refuse(refusal) => Err(refusal),
                _ => Ok(()),
            }
        });
    }
}

/// The account itself is told why.
fn refused(kind: Kind, mark: bool) -> Guarded {
    if kind.is_error() {
        return Guarded::Discard;
    }
    let mut error = StanzaError::new(Condition::NotAcceptable).with_type(ErrorType::Cancel);
    if mark {
        error = error.with_application(Element::builder("blocked", ns::BLOCKING_ERRORS).build());
    }
    Guarded::Refuse(Refusal::new(error))
}

/// To whom it denies, an account looks like none at all.
fn hidden(kind: Kind) -> Guarded {
    match kind {
        Kind::Message(MessageType::Error | MessageType::Headline) | Kind::Presence(_) => {
            Guarded::Discard
        }
        Kind::Iq(kind) if !kind.is_request() => Guarded::Discard,
        Kind::Message(_) | Kind::Iq(_) => Guarded::Refuse(Condition::ServiceUnavailable.into()),
    }
}
