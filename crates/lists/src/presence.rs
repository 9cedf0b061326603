//! Who newly may not see whom is told that they are gone, and that they are there once they may
//! (XEP-0016 §2.9, §2.10; XEP-0191 §3.3, §3.4).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sestina_core::{Contact, Refusal, Server, Session};
use sestina_stanza::{Jid, PresenceType, Stanza};

use crate::{Known, Lists, Matcher, Way, guard::is_always_heard, shelf::Force};

/// What may wait for a session before it is told more: far less than its queue holds.
const BURST: usize = 32;

/// The rules for a session before and after a change.
struct Change<'a> {
    before: Option<&'a Arc<Matcher>>,
    after: Option<&'a Arc<Matcher>>,
    /// The full addresses that the rules name, by their bare ones.
    full: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Change<'a> {
    /// The rules for a session, unless it has none at all.
    fn new(session: &Session, before: &'a Force, after: &'a Force) -> Option<Self> {
        let resource = session.jid().resource();
        let (before, after) = (before.at(resource), after.at(resource));
        before.or(after)?;
        let mut full: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for named in before.into_iter().chain(after).flat_map(|rules| rules.full()) {
            if let Some((bare, _)) = named.split_once('/') {
                full.entry(bare).or_default().insert(named);
            }
        }
        Some(Self { before, after, full })
    }

    /// Whether something is denied that was not, or the other way round; nothing if all is as it was.
    fn of(&self, way: Way, other: &Jid, known: &Known) -> Option<bool> {
        let denies = |rules: Option<&Arc<Matcher>>| {
            rules.is_some_and(|rules| rules.denies(way, other, Some(known)))
        };
        let (before, after) = (denies(self.before), denies(self.after));
        (before != after).then_some(after)
    }
}

impl Lists {
    /// Tells what a change of an account's lists means for who sees whom.
    pub(crate) async fn show(
        &self,
        account: &Jid,
        before: &Force,
        after: &Force,
        server: &Server,
    ) -> Result<(), Refusal> {
        let Some(contacts) = self.0.contacts.provider() else { return Ok(()) };
        let sessions = server.sessions(account);
        if sessions.is_empty() {
            return Ok(());
        }
        let known = contacts.contacts(account).wait().await?;
        for session in sessions {
            let Some(change) = Change::new(&session, before, after) else { continue };
            let Some(presence) = session.presence() else { continue };
            for (jid, contact) in &known {
                if !is_always_heard(account, jid) && server.reaches(jid.domain()) {
                    self.between(&session, &presence, jid, contact, &change, server).await;
                }
            }
            // Those to whom it has shown itself in particular are not told again that it is there.
            for jid in contacts.shown(&session) {
                let known = known.iter().find(|(known, _)| known.same_bare(&jid));
                let known = Known::from(known.map(|(_, contact)| contact.clone()));
                if change.of(Way::PresenceOut, &jid, &known) == Some(true) {
                    hide(&session, &jid, server).await;
                }
            }
        }
        Ok(())
    }

    /// A session and a contact.
    async fn between(
        &self,
        session: &Arc<Session>,
        presence: &Stanza,
        jid: &Jid,
        contact: &Contact,
        change: &Change<'_>,
        server: &Server,
    ) {
        let known = Known::Contact(contact.clone());
        if contact.subscription.from() {
            let all = change.of(Way::PresenceOut, jid, &known);
            let full = change.full.get(jid.as_str()).into_iter().flatten();
            let some = full.filter_map(|full| Jid::new(full).ok()).filter_map(|full| {
                let hidden = change.of(Way::PresenceOut, &full, &known);
                Some((full, hidden.filter(|_| hidden != all)?))
            });
            for (to, hidden) in all.map(|hidden| (jid.clone(), hidden)).into_iter().chain(some) {
                match hidden {
                    true => hide(session, &to, server).await,
                    false => server.publish(session, presence.with_to(to)).await,
                }
            }
        }
        if contact.subscription.to() {
            if session.queued() >= BURST {
                // Goes on once the peer has taken it.
                tokio::task::yield_now().await;
            }
            match change.of(Way::PresenceIn, jid, &known) {
                // From the bare address: which resources there are is not told anew.
                Some(true) => {
                    let gone = Stanza::presence(PresenceType::Unavailable).from(jid.clone());
                    server.deliver(session, gone.to(session.jid().clone()).build());
                }
                Some(false) => {
                    let probe = Stanza::presence(PresenceType::Probe).from(session.jid().clone());
                    server.publish(session, probe.to(jid.clone()).build()).await;
                }
                None => {}
            }
        }
    }
}

/// By now the guard of this side lets nothing pass.
async fn hide(session: &Session, to: &Jid, server: &Server) {
    let gone = Stanza::presence(PresenceType::Unavailable).from(session.jid().clone());
    server.route(gone.to(to.clone()).build()).await;
}
