//! What comes to an account is held against its rules.

use std::{fmt, ops::Deref, sync::Arc};

use sestina_core::{Contacts, Mailbox, Optional, Refusal, Rewritten, Server};
use sestina_stanza::{Condition as Cause, Jid, Kind, MessageType, Stanza};

use crate::{
    Actionless,
    answered::Answered,
    envelope::{Hands, forwarded},
    rule::{Action, Allowed, Condition, Rule},
    shelf::{Rules, Shelf},
    verdict::{Facts, Verdict, What, judge},
};

/// A handle to the rules; a clone is another.
#[derive(Clone)]
pub(crate) struct Sieve(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) shelf: Shelf,
    /// What the operator lets rules do.
    pub(crate) allows: Allowed,
    /// Rules of the server, behind those of each account.
    pub(crate) defaults: Vec<Rule>,
    pub(crate) actionless: Actionless,
    pub(crate) most: usize,
    pub(crate) bytes: usize,
    pub(crate) forwards: usize,
    pub(crate) hops: usize,
    pub(crate) answered: Answered,
    pub(crate) contacts: Optional<dyn Contacts>,
    pub(crate) mailbox: Optional<dyn Mailbox>,
}

impl Sieve {
    /// What rules may do on this server, as it was assembled.
    pub(crate) fn allowed(&self) -> Allowed {
        let mut allowed = self.allows.clone();
        if self.contacts.provider().is_none() {
            allowed
                .conditions
                .retain(|condition| !matches!(condition, Condition::Roster | Condition::Group));
        }
        if self.mailbox.provider().is_none() {
            allowed.actions.retain(|action| *action != Action::Offline);
        }
        allowed
    }

    pub(crate) fn arriving(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        match stanza.kind() {
            Kind::Message(_) => {}
            Kind::Iq(kind) if kind.is_request() => {}
            Kind::Presence(_) | Kind::Iq(_) => return Rewritten::Keep,
        }
        // What has no address is for the sender's own account, whose sessions are always heard.
        let Some(to) = stanza.to() else { return Rewritten::Keep };
        if stanza.from().is_some_and(|from| from.same_bare(to)) {
            return Rewritten::Keep;
        }
        let rules = self.shelf.at_hand(to.bare_str());
        if self.defaults.is_empty() && rules.as_ref().is_some_and(|rules| rules.0.is_empty()) {
            return Rewritten::Keep;
        }
        let (sieve, stanza, server) = (self.clone(), stanza.clone(), server.clone());
        let account = to.to_bare();
        Rewritten::Wait(Box::pin(async move {
            match sieve.sift(rules, &stanza, &account, &server).await {
                Ok(rewritten) => rewritten,
                // News are not answered, not even by being given back (RFC 6121 §8.5).
                Err(refusal) if stanza.kind() == MessageType::Headline.into() => {
                    tracing::debug!(%account, %refusal, "a headline was dropped");
                    Rewritten::Taken
                }
                // Whoever cannot tell what becomes of it lets nothing pass.
                Err(refusal) => Rewritten::Refuse(refusal),
            }
        }))
    }

    async fn sift(
        &self,
        rules: Option<Arc<Rules>>,
        stanza: &Stanza,
        account: &Jid,
        server: &Server,
    ) -> Result<Rewritten, Refusal> {
        let rules = match rules {
            Some(rules) => rules,
            None => self.shelf.rules(account, &self.allowed()).await?,
        };
        if rules.0.is_empty() && self.defaults.is_empty() {
            return Ok(Rewritten::Keep);
        }
        // Nobody is spoken for who is not there, or is there no more.
        if server.sessions(account).is_empty() && !server.accounts().exists(account).await {
            return Ok(Rewritten::Keep);
        }
        let all = || rules.0.iter().chain(&self.defaults);
        let facts = self.facts(all().any(Rule::needs_contacts), stanza, account, server).await?;
        let verdict = judge(all(), &facts, self.actionless);
        self.execute(verdict, stanza, account, server).await
    }

    async fn facts(
        &self,
        contacts: bool,
        stanza: &Stanza,
        account: &Jid,
        server: &Server,
    ) -> Result<Facts, Refusal> {
        let texts = |name: &str| -> Vec<String> {
            let named = stanza.children().filter(|child| child.is(name, stanza.namespace()));
            named.map(|child| child.text().to_lowercase()).collect()
        };
        let what = match stanza.kind() {
            Kind::Message(kind) => {
                What::Message { kind, subjects: texts("subject"), bodies: texts("body") }
            }
            _ => {
                let payload = stanza.payload();
                What::Request { ns: payload.map_or("", |it| it.namespace()).to_owned() }
            }
        };
        let from = stanza.from().map(Jid::to_bare);
        let contact = match (contacts, &from, self.contacts.provider()) {
            (true, Some(from), Some(contacts)) => contacts.contact(account, from).wait().await?,
            _ => None,
        };
        let addressed = stanza.to().filter(|to| to.is_full());
        let sessions = server.sessions(account);
        let best = sessions.iter().filter_map(|session| session.priority()).max();
        let best = best.filter(|best| *best >= 0);
        let takes = match addressed.and_then(|to| server.session(to)) {
            Some(session) => vec![session],
            None => {
                let best = |it: Option<i8>| it.is_some() && it == best;
                sessions.into_iter().filter(|session| best(session.priority())).collect()
            }
        };
        let show = |presence: Stanza| {
            presence.child_text("show").map_or_else(String::new, |show| show.trim().to_owned())
        };
        Ok(Facts {
            what,
            from,
            resource: addressed.and_then(Jid::resource).map(str::to_lowercase),
            unavailable: best.is_none(),
            shows: takes.iter().filter_map(|session| session.presence()).map(show).collect(),
            contact,
        })
    }

    /// Does what the rules say: answers, passes on, keeps, in this order.
    async fn execute(
        &self,
        verdict: Verdict<'_>,
        stanza: &Stanza,
        account: &Jid,
        server: &Server,
    ) -> Result<Rewritten, Refusal> {
        let Some(kind) = verdict.kind else {
            return Ok(match verdict.error {
                _ if verdict.goes_on => Rewritten::Keep,
                Some(error) => Rewritten::Refuse(error.clone().into()),
                // Who asks is answered always (RFC 6120 §8.2.3).
                None => Rewritten::Refuse(Cause::ServiceUnavailable.into()),
            });
        };
        let hands = Hands::of(stanza, self.hops);
        let forwards = self.passable(&verdict, &hands, account);
        let done = verdict.reply.is_some() || verdict.error.is_some() || verdict.offline.is_some();
        if !verdict.goes_on && !verdict.forwards.is_empty() && forwards.is_empty() && !done {
            // It has been with all of them, or with too many.
            return Err(Cause::ServiceUnavailable.into());
        }
        if let Some(text) = verdict.reply {
            self.reply(text, stanza, &hands, account, server).await;
        }
        if let (Some(error), true) = (verdict.error, verdict.goes_on)
            && let Some(error) = stanza.error(error)
        {
            server.route(error).await;
        }
        let to: Vec<&Jid> = forwards.iter().map(|(to, _)| *to).collect();
        for (addressee, kind) in &forwards {
            let mut copy = forwarded(stanza, &hands, account, &to).with_to((*addressee).clone());
            copy.set_kind(*kind);
            server.route(copy).await;
        }
        if let Some(kind) = verdict.offline {
            match self.keep(retyped(stanza, kind), account, server).await {
                // Nobody is there now: it would be kept a second time.
                Ok(()) if verdict.goes_on && !is_there(stanza, account, server) => {
                    return Ok(Rewritten::Taken);
                }
                Err(refusal) if !verdict.goes_on && verdict.error.is_none() => return Err(refusal),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(match (verdict.goes_on, verdict.error) {
            (true, _) if Kind::from(kind) == stanza.kind() => Rewritten::Keep,
            (true, _) => Rewritten::Replace(Box::new(retyped(stanza, kind))),
            (false, Some(error)) => Rewritten::Refuse(error.clone().into()),
            (false, None) => Rewritten::Taken,
        })
    }

    /// To whom a message may be passed on: to nobody who has had it already.
    fn passable<'r>(
        &self,
        verdict: &Verdict<'r>,
        hands: &Hands,
        account: &Jid,
    ) -> Vec<(&'r Jid, MessageType)> {
        if hands.count() >= self.hops || hands.include(account) {
            return Vec::new();
        }
        let new = |to: &Jid| !hands.include(to) && !to.same_bare(account);
        let forwards = verdict.forwards.iter().copied().filter(|(to, _)| new(to));
        forwards.take(self.forwards).collect()
    }

    /// Answers a message that somebody wrote to the account.
    async fn reply(
        &self,
        text: &str,
        stanza: &Stanza,
        hands: &Hands,
        account: &Jid,
        server: &Server,
    ) {
        let Kind::Message(kind @ (MessageType::Normal | MessageType::Chat)) = stanza.kind() else {
            return;
        };
        // Whatever was sent by a rule is not answered by another, and servers are not talked to.
        let Some(from) = stanza.from().filter(|from| from.local().is_some()) else { return };
        if hands.count() > 0 || !self.answered.may(account, from, server.elapsed()) {
            return;
        }
        let reply = Stanza::message(kind)
            .from(account.clone())
            .to(from.clone())
            .body(text)
            .child(Hands::default().and(account));
        server.route(reply.build()).await;
    }

    async fn keep(&self, message: Stanza, account: &Jid, server: &Server) -> Result<(), Refusal> {
        match self.mailbox.provider() {
            Some(mailbox) => mailbox.keep(account, message, server).await,
            None => Err(Cause::ServiceUnavailable.into()),
        }
    }
}

fn retyped(message: &Stanza, kind: MessageType) -> Stanza {
    let mut message = message.clone();
    message.set_kind(kind);
    message
}

/// Whether somebody would take a message now.
fn is_there(message: &Stanza, account: &Jid, server: &Server) -> bool {
    let takes = |priority: Option<i8>| priority.is_some_and(|priority| priority >= 0);
    server.sessions(account).iter().any(|session| takes(session.priority()))
        || message.to().is_some_and(|to| server.session(to).is_some())
}

impl Deref for Sieve {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for Sieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sieve").field("defaults", &self.defaults).finish_non_exhaustive()
    }
}
