//! Who is told who is there (RFC 6121 §4).

use std::sync::Arc;

use sestina_core::{PresenceChanged, Refusal, Server, Session, SessionClosed};
use sestina_stanza::{Jid, Kind, PresenceType, Stanza};
use sestina_xml::{Element, Limits};

use crate::{
    directed::Directed,
    keeper::Keeper,
    list::{Item, List},
    subscription::Act,
};

/// What may wait for a session that has just come before it is told of further contacts: far less
/// than its queue holds.
const BURST: usize = 32;

impl Keeper {
    /// A session says that it is there, how it is, or that it is gone; or is gone without a word.
    pub(crate) async fn presence_changed(
        &self,
        changed: &PresenceChanged,
        server: &Server,
    ) -> Result<(), Refusal> {
        let PresenceChanged { session, presence, initial, .. } = changed;
        let account = session.account();
        let available = presence.kind() == Kind::Presence(PresenceType::Available);
        // RFC 6121 §4.2.2, §4.4.2: everybody sees their own presence, the sender included.
        for own in server.sessions(account) {
            if own.is_available() {
                server.deliver(&own, presence.with_to(account.clone()));
            }
        }
        let slot = self.shelf.pin(session);
        let list = match slot.at_hand() {
            Some(list) => list,
            None => self.shelf.turn(&slot).await?.list().clone(),
        };
        for item in list.items().filter(|item| item.standing().state.is_from()) {
            if let Some(to) = reached(&item, server) {
                server.publish(session, presence.with_to(to)).await;
            }
        }
        if !available {
            self.end_directed(session, presence, Some(&list), server).await;
        } else if *initial {
            self.arrive(session, &list, server).await?;
        }
        Ok(())
    }

    /// Those hear of a session's end to whom it has shown itself while it was never available.
    pub(crate) async fn session_closed(
        &self,
        closed: &SessionClosed,
        server: &Server,
    ) -> Result<(), Refusal> {
        self.end_directed(&closed.session, &unavailable(&closed.session), None, server).await;
        Ok(())
    }

    /// Answers a probe (RFC 6121 §4.3.2): of an account, or of one of its resources.
    pub(crate) async fn probed(&self, probe: &Stanza, server: &Server) -> Result<(), Refusal> {
        let (Some(from), Some(to)) = (probe.from(), probe.to()) else { return Ok(()) };
        if !self.show_to_prober(to, from, server).await? {
            let gone = Stanza::presence(PresenceType::Unavailable).from(to.clone());
            server.route(gone.to(from.clone()).build()).await;
        }
        Ok(())
    }

    /// Shows an account's presence to a contact, with whom it was shared just now.
    pub(crate) async fn show(&self, account: &Jid, contact: &Jid, server: &Server) {
        if !server.reaches(contact.domain()) {
            return;
        }
        for session in server.sessions(account) {
            if let Some(presence) = session.presence() {
                server.publish(&session, presence.with_to(contact.clone())).await;
            }
        }
    }

    /// Tells a contact that an account is gone, as far as it may know.
    pub(crate) async fn hide(&self, account: &Jid, contact: &Jid, server: &Server) {
        if !server.reaches(contact.domain()) {
            return;
        }
        for session in server.sessions(account) {
            if session.is_available() {
                let unavailable = unavailable(&session).with_to(contact.clone());
                server.publish(&session, unavailable).await;
            }
        }
    }

    /// Tells a session that has just come who else is there, and what was asked meanwhile.
    async fn arrive(
        &self,
        session: &Arc<Session>,
        list: &List,
        server: &Server,
    ) -> Result<(), Refusal> {
        let account = session.account();
        for own in server.sessions(account) {
            if let Some(presence) = own.presence().filter(|_| own.id() != session.id()) {
                server.deliver(session, presence.with_to(session.jid().clone()));
            }
        }
        for item in list.items().filter(|item| item.standing().state.is_to()) {
            let Some(contact) = reached(&item, server) else { continue };
            if session.queued() >= BURST {
                // Goes on once the peer has taken it.
                tokio::task::yield_now().await;
            }
            if is_account(&contact, server) {
                // What a probe would find out.
                self.show_to_prober(&contact, session.jid(), server).await?;
            } else {
                let probe = Stanza::presence(PresenceType::Probe).from(session.jid().clone());
                server.publish(session, probe.to(contact).build()).await;
            }
        }
        // RFC 6121 §3.1.3: a request comes again until it is answered.
        if list.items().any(|item| item.standing().state.is_asked()) {
            for (contact, request) in self.shelf.requests(account).await? {
                match kept(&request) {
                    Some(request) => {
                        server.deliver(session, request);
                    }
                    None => tracing::warn!(%account, contact, "a kept request cannot be read"),
                }
            }
        }
        Ok(())
    }

    /// Shows the presence of an account, or of one of its resources, to whoever asks for it, if they
    /// may see it, and else tells them that they may not. Says whether there was anything to show or
    /// to say.
    async fn show_to_prober(
        &self,
        of: &Jid,
        prober: &Jid,
        server: &Server,
    ) -> Result<bool, Refusal> {
        let account = of.to_bare();
        let mut sessions = server.sessions(of);
        sessions.retain(|session| of.is_bare() || session.jid() == of);
        if !account.same_bare(prober) {
            let list = self.shelf.list(&account).await?;
            let contact = list.find(prober.bare_str());
            if !contact.is_some_and(|contact| contact.standing().state.is_from()) {
                // RFC 6121 §4.6.6: whoever was shown a resource may ask whether it is still there.
                let mut shown = false;
                for session in sessions.iter().filter(|session| Directed::has(session, prober)) {
                    shown = true;
                    let mere = Stanza::presence(PresenceType::Available).to(prober.clone());
                    server.publish(session, mere.from(session.jid().clone()).build()).await;
                }
                if !shown {
                    // The same whether there is such an account or not.
                    self.tell(Act::Unsubscribed, &account, &prober.to_bare(), server).await;
                }
                return Ok(true);
            }
        }
        let mut shown = false;
        for session in sessions {
            if let Some(presence) = session.presence() {
                shown = true;
                server.publish(&session, presence.with_to(prober.clone())).await;
            }
        }
        Ok(shown)
    }

    /// Tells those to whom a session has shown itself that it is gone, unless they were told as
    /// its contacts.
    pub(crate) async fn end_directed(
        &self,
        session: &Arc<Session>,
        presence: &Stanza,
        told: Option<&List>,
        server: &Server,
    ) {
        for to in Directed::take(session) {
            let contact = told.and_then(|list| list.find(to.bare_str()));
            if !contact.is_some_and(|contact| contact.standing().state.is_from()) {
                server.publish(session, presence.with_to(to)).await;
            }
        }
    }
}

/// The address of a contact, if what is sent there now gets to anybody.
fn reached(item: &Item<'_>, server: &Server) -> Option<Jid> {
    let (local, domain) = match item.jid().split_once('@') {
        Some((local, domain)) => (Some(local), domain),
        None => (None, item.jid()),
    };
    if local.is_some() && server.serves(domain) {
        return server.online(item.jid());
    }
    // What another server cannot be told now, it will ask for when it is back.
    if server.reaches(domain) { Jid::new(item.jid()).ok() } else { None }
}

fn is_account(jid: &Jid, server: &Server) -> bool {
    jid.local().is_some() && server.serves(jid.domain())
}

/// What stands for the words of a session that went without any.
fn unavailable(session: &Session) -> Stanza {
    Stanza::presence(PresenceType::Unavailable).from(session.jid().clone()).build()
}

fn kept(request: &str) -> Option<Stanza> {
    Stanza::read(Element::parse(request, &Limits::default()).ok()?).ok()
}
