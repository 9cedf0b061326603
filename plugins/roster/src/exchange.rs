//! What people say to each other about seeing presence (RFC 6121 §3).

use sestina_core::{AccountImported, AccountRemoved, Refusal, Rewritten, Server};
use sestina_stanza::{Jid, Kind, PresenceType, Stanza};

use crate::{
    keeper::{Change, Keeper},
    list::List,
    shelf::Pending,
    subscription::{Act, Heard, State},
};

impl Keeper {
    /// A stanza leaves one of our accounts.
    pub(crate) fn leaving(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        let Kind::Presence(kind) = stanza.kind() else { return Rewritten::Keep };
        if let Some(act) = Act::of(kind) {
            let (keeper, stanza, server) = (self.clone(), stanza.clone(), server.clone());
            return Rewritten::Wait(Box::pin(async move {
                keeper.say(act, stanza, &server).await.unwrap_or_else(Rewritten::Refuse)
            }));
        }
        match (kind, stanza.to(), stanza.from()) {
            (PresenceType::Available | PresenceType::Unavailable, Some(to), Some(from)) => {
                self.direct(kind, to, from, server)
            }
            (PresenceType::Unavailable, None, Some(from)) => self.leave(stanza, from, server),
            _ => Rewritten::Keep,
        }
    }

    /// A stanza arrives at one of our accounts, or at what would be one.
    pub(crate) fn arriving(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        let Kind::Presence(kind) = stanza.kind() else { return Rewritten::Keep };
        let act = Act::of(kind);
        if act.is_none() && kind != PresenceType::Probe {
            return Rewritten::Keep;
        }
        let (keeper, stanza, server) = (self.clone(), stanza.clone(), server.clone());
        Rewritten::Wait(Box::pin(async move {
            let done = match act {
                Some(act) => keeper.hear(act, stanza, &server).await,
                None => keeper.probed(&stanza, &server).await,
            };
            match done {
                Ok(()) => Rewritten::Taken,
                Err(refusal) => Rewritten::Refuse(refusal),
            }
        }))
    }

    /// An account of ours says something to a contact.
    async fn say(
        &self,
        act: Act,
        mut stanza: Stanza,
        server: &Server,
    ) -> Result<Rewritten, Refusal> {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else {
            return Ok(Rewritten::Keep);
        };
        // RFC 6121 §3.1.2: between accounts, whatever resource was named.
        let (account, contact) = (from.to_bare(), to.to_bare());
        if account == contact {
            return Ok(Rewritten::Taken);
        }
        let (before, route) = {
            let slot = self.shelf.slot(&account);
            let mut turn = self.shelf.turn(&slot).await?;
            let mut entry = turn.list().entry(contact.as_str());
            let before = entry.standing.state;
            let route = entry.standing.say(act);
            let pending = settled(before, entry.standing.state);
            let change = Change { account: &account, contact: &contact, entry, pending };
            self.write(&mut turn, change, server).await?;
            (before, route)
        };
        if !route {
            return Ok(Rewritten::Taken);
        }
        stanza.set_from(Some(account.clone()));
        stanza.set_to(Some(contact.clone()));
        match act {
            Act::Subscribe | Act::Unsubscribe => return Ok(Rewritten::Replace(Box::new(stanza))),
            // RFC 6121 §3.1.5: the answer first, and then what it grants.
            Act::Subscribed => {
                server.route(stanza).await;
                self.show(&account, &contact, server).await;
            }
            // RFC 6121 §3.2.2.
            Act::Unsubscribed => {
                server.route(stanza).await;
                if before.is_from() {
                    self.hide(&account, &contact, server).await;
                }
            }
        }
        Ok(Rewritten::Taken)
    }

    /// A contact says something to an account of ours.
    async fn hear(&self, act: Act, mut stanza: Stanza, server: &Server) -> Result<(), Refusal> {
        let (Some(from), Some(to)) = (stanza.from(), stanza.to()) else { return Ok(()) };
        let (contact, account) = (from.to_bare(), to.to_bare());
        if account == contact {
            return Ok(());
        }
        // RFC 6121 §8.5.1: nobody learns that there is no such account.
        let has_list = self.shelf.at_hand(account.as_str()).is_some_and(|list| list.is_begun());
        if !has_list && !server.accounts().exists(&account).await {
            return Ok(());
        }
        stanza.set_from(Some(contact.clone()));
        stanza.set_to(Some(account.clone()));
        let (before, after, heard) = {
            let slot = self.shelf.slot(&account);
            let mut turn = self.shelf.turn(&slot).await?;
            let mut entry = turn.list().entry(contact.as_str());
            let before = entry.standing.state;
            let heard = entry.standing.hear(act);
            let after = entry.standing.state;
            let pending = match (before.is_asked(), after.is_asked()) {
                (false, true) => {
                    if !entry.listed && self.is_crowded(turn.list()) {
                        tracing::debug!(%account, %contact, "too many requests are not answered");
                        return Ok(());
                    }
                    Pending::Asked(self.worth_keeping(&stanza))
                }
                _ => settled(before, after),
            };
            // What was said comes before the push that it leads to (RFC 6121 §3.1.6), and after it
            // is written down: nobody is told of what may not have happened.
            let tell = || {
                if heard == Heard::Deliver {
                    deliver(act, &account, &stanza, server);
                }
            };
            let change = Change { account: &account, contact: &contact, entry, pending };
            self.write_and(&mut turn, change, tell, server).await?;
            (before, after, heard)
        };
        if heard == Heard::Approve {
            self.tell(Act::Subscribed, &account, &contact, server).await;
            self.show(&account, &contact, server).await;
        }
        // RFC 6121 §3.3.3.
        if before.is_from() && !after.is_from() {
            self.hide(&account, &contact, server).await;
        }
        Ok(())
    }

    /// Says something in an account's name.
    pub(crate) async fn tell(&self, act: Act, account: &Jid, contact: &Jid, server: &Server) {
        let stanza = Stanza::presence(act.kind()).from(account.clone()).to(contact.clone());
        server.route(stanza.build()).await;
    }

    /// The account goes, and so does all that it had with others. What is stored of it goes after
    /// this.
    pub(crate) async fn account_removed(
        &self,
        gone: &AccountRemoved,
        server: &Server,
    ) -> Result<(), Refusal> {
        let list = self.shelf.list(&gone.account).await?;
        for item in list.items() {
            if let Ok(contact) = Jid::new(item.jid()) {
                self.part(&gone.account, &contact, item.standing().state, server).await;
            }
        }
        self.shelf.slot(&gone.account).forget();
        Ok(())
    }

    /// What was known of an account that was replaced is known no more.
    pub(crate) async fn account_imported(
        &self,
        here: &AccountImported,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.shelf.slot(&here.account).forget();
        Ok(())
    }

    pub(crate) fn is_crowded(&self, list: &List) -> bool {
        list.items().filter(|item| !item.is_listed()).count() >= self.bounds.requests
    }

    /// A request as it is kept until it is answered.
    pub(crate) fn worth_keeping(&self, request: &Stanza) -> String {
        let text = request.to_string();
        if text.len() <= self.bounds.request {
            return text;
        }
        let mut bare = Stanza::presence(PresenceType::Subscribe).build();
        bare.set_from(request.from().cloned());
        bare.set_to(request.to().cloned());
        bare.to_string()
    }
}

/// Tells the clients of an account what a contact has said.
fn deliver(act: Act, account: &Jid, stanza: &Stanza, server: &Server) {
    for session in server.sessions(account) {
        // RFC 6121 §3.1.3, against §3.1.6, §3.2.3 and §3.3.3.
        let concerned = match act {
            Act::Subscribe => session.is_available(),
            _ => session.is_interested(),
        };
        if concerned {
            server.deliver(&session, stanza.clone());
        }
    }
}

/// What becomes of a kept request where no new one has come.
fn settled(before: State, after: State) -> Pending {
    if before.is_asked() && !after.is_asked() { Pending::Answered } else { Pending::AsItWas }
}
