#![doc = include_str!("../README.md")]

mod memory;
mod query;
mod rules;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use sestina_core::{
    Assembly, AssemblyError, Outcome, Plan, Planned, Plugin, Refusal, Rewritten, Scope, Server,
    Session, Sessions, Set, Spec, answer,
};
use sestina_stanza::{Condition, Kind, MessageType, Stanza, ns};
use sestina_xml::Element;

use self::{
    memory::Memory,
    rules::{Verdict, Way, is_copy, verdict},
};
pub use self::{
    memory::REMEMBERED,
    query::{Disable, Enable},
};

/// Lets every device of an account see both sides of its conversations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carbons;

impl Plugin for Carbons {
    const NAME: &'static str = "carbons";
    const SPECS: &'static [Spec] = &[Spec::xep(280, "1.0.1"), Spec::xep(334, "0.4.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        let copyist = Arc::new(Copyist);
        // XEP-0280 §4.1, §5.1.
        to.iq(Scope::Own, answer(&copyist, Copyist::enable).refusing(Condition::NotAllowed))?;
        to.iq(Scope::Own, answer(&copyist, Copyist::disable).refusing(Condition::NotAllowed))?;
        to.sender().rewrite(&copyist, Copyist::sent).outcome(&copyist, Copyist::failed);
        to.recipient().rewrite(&copyist, Copyist::arriving).plan(&copyist, Copyist::received);
        // Whoever says that a session gets nothing says so of copies, too.
        to.before("lists");
        to.before("offline");
        // XEP-0280 §3, §6.2.
        to.feature(Scope::Server, ns::CARBONS);
        to.feature(Scope::Server, RULES);
        Ok(())
    }
}

/// XEP-0280 §6.2.
const RULES: &str = "urn:xmpp:carbons:rules:0";

struct Copyist;

/// What is kept with a session.
#[derive(Default)]
struct Part {
    enabled: AtomicBool,
    sent: Mutex<Memory>,
}

impl Copyist {
    async fn enable(&self, ask: Set<Enable>, _: &Server) -> Result<(), Refusal> {
        switch(ask.origin.session.as_deref(), true)
    }

    async fn disable(&self, ask: Set<Disable>, _: &Server) -> Result<(), Refusal> {
        switch(ask.origin.session.as_deref(), false)
    }

    /// Nobody but the server makes copies (XEP-0280 §11), and it makes them past this place.
    #[allow(clippy::unused_self, reason = "a hook is a method")]
    fn arriving(&self, stanza: &Stanza, _: &Server) -> Rewritten {
        match matches!(stanza.kind(), Kind::Message(_)) && stanza.children().any(is_copy) {
            true => Rewritten::Replace(Box::new(stanza.without(is_copy))),
            false => Rewritten::Keep,
        }
    }

    /// XEP-0280 §8, wherever it is for.
    #[allow(clippy::unused_self, reason = "a hook is a method")]
    fn sent(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        let others = readers(stanza, Way::Sent, server);
        if others.is_empty()
            || is_to_oneself(stanza)
            || verdict(stanza, Way::Sent) != Verdict::Copied
        {
            return Rewritten::Keep;
        }
        if let Some(session) = stanza.from().and_then(|from| server.session(from)) {
            session.part::<Part>().sent.lock().note(stanza);
        }
        hand(&others, stanza, Way::Sent, server);
        Rewritten::Keep
    }

    /// XEP-0280 §7. What is decided about the message later is decided about its copies.
    #[allow(clippy::unused_self, reason = "a hook is a method")]
    fn received(&self, plan: &mut Plan, server: &Server) -> Planned {
        let mut others = readers(plan.stanza(), Way::Received, server);
        others.retain(|session| !plan.targets().iter().any(|target| target.id() == session.id()));
        if others.is_empty() {
            return Planned::Done;
        }
        let copied = match verdict(plan.stanza(), Way::Received) {
            Verdict::Copied => true,
            Verdict::IfAnswered => {
                let stanza = plan.stanza();
                stanza.to().and_then(|to| server.session(to)).is_some_and(|session| {
                    session.part::<Part>().sent.lock().take(stanza.id(), stanza.from())
                })
            }
            Verdict::Left => false,
        };
        if copied && let Some(copy) = copy(plan.stanza(), Way::Received) {
            for session in others {
                let copy = copy.with_to(session.jid().clone());
                plan.copy(session, copy);
            }
        }
        Planned::Done
    }

    /// The server itself has told the sender no: what is copied is what it says.
    #[allow(clippy::unused_self, reason = "a hook is a method")]
    fn failed(&self, stanza: &Stanza, outcome: &Outcome<'_>, server: &Server) {
        let Outcome::Refused(refusal) = outcome else { return };
        let others = readers(stanza, Way::Sent, server);
        if others.is_empty() || !matches!(stanza.kind(), Kind::Message(_)) {
            return;
        }
        let session = stanza.from().and_then(|from| server.session(from));
        let was_copied =
            session.is_some_and(|it| it.part::<Part>().sent.lock().take(stanza.id(), stanza.to()));
        if was_copied && let Some(error) = stanza.error(refusal.error()) {
            hand(&others, &error, Way::Received, server);
        }
    }
}

fn switch(session: Option<&Session>, on: bool) -> Result<(), Refusal> {
    let session = session.ok_or(Condition::NotAllowed)?;
    session.part::<Part>().enabled.store(on, Ordering::Release);
    Ok(())
}

/// The sessions of whoever it is about that get copies; never the one that has sent it.
fn readers(stanza: &Stanza, way: Way, server: &Server) -> Sessions {
    let whose = match way {
        Way::Sent => stanza.from(),
        Way::Received => stanza.to().or_else(|| stanza.from()),
    };
    if !matches!(stanza.kind(), Kind::Message(kind) if kind != MessageType::Groupchat) {
        return Sessions::new();
    }
    let mut sessions = whose.map(|whose| server.sessions(whose)).unwrap_or_default();
    sessions.retain(|session| {
        Some(session.jid()) != stanza.from()
            && session.part::<Part>().enabled.load(Ordering::Acquire)
    });
    sessions
}

/// What somebody sends to themselves comes to their sessions as what they receive, once.
fn is_to_oneself(stanza: &Stanza) -> bool {
    stanza.to().is_none_or(|to| stanza.from().is_some_and(|from| from.same_bare(to)))
}

fn hand(sessions: &Sessions, stanza: &Stanza, way: Way, server: &Server) {
    let Some(copy) = copy(stanza, way) else { return };
    for session in sessions {
        server.deliver_copy(session, copy.with_to(session.jid().clone()));
    }
}

/// A copy that lacks its address (XEP-0280 §7, §8, XEP-0297 §3); all that are made of it share its
/// content.
fn copy(stanza: &Stanza, way: Way) -> Option<Stanza> {
    let whose = match way {
        Way::Sent => stanza.from(),
        Way::Received => stanza.to().or_else(|| stanza.from()),
    };
    let account = whose?.to_bare();
    let addressed = stanza.to().is_none().then(|| stanza.with_to(account.clone()));
    let original = addressed.as_ref().unwrap_or(stanza).to_element();
    let forwarded = Element::builder("forwarded", ns::FORWARD).child(original);
    let copy = Element::builder(way.name(), ns::CARBONS).child(forwarded);
    Some(Stanza::of(stanza.kind()).from(account).child(copy.build()).build())
}
