#![doc = include_str!("../README.md")]

mod query;

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use sestina_core::{
    Assembly, AssemblyError, Get, Plan, Planned, Plugin, Refusal, Scope, Server, Set, Spec, answer,
};
use sestina_stanza::{Condition, Jid, Kind, MessageType, Payload, Stanza, StanzaError, Timestamp};
use sestina_store::{Collection, Owner, Record};
use sestina_xml::Element;

pub use self::query::{Absence, Query};

/// The most that [`Vacation::longest`] can be.
pub const LONGEST: usize = 64 << 10;

/// The most that [`Vacation::senders`] can be: so many of the longest addresses are stored.
pub const MOST_SENDERS: usize = 400;

/// Tells whoever writes to somebody on vacation that they are.
#[derive(Clone, Copy, Debug)]
pub struct Vacation {
    /// Bytes of a message; the default is 4 KiB, and [`LONGEST`] is the most.
    pub longest: usize,
    /// Senders that are told in one vacation, each once; the default, and the most, is
    /// [`MOST_SENDERS`].
    pub senders: usize,
}

impl Default for Vacation {
    fn default() -> Self {
        Self { longest: 4 << 10, senders: MOST_SENDERS }
    }
}

impl Plugin for Vacation {
    const NAME: &'static str = "vacation";
    const SPECS: &'static [Spec] = &[Spec::xep(109, "0.2")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(to.bad_setting("longest", "between 1 byte and 64 KiB"));
        }
        if !(1..=MOST_SENDERS).contains(&self.senders) {
            return Err(to.bad_setting("senders", format!("1 to {MOST_SENDERS}")));
        }
        let desk = Arc::new(Desk { settings: self, away: to.space().collection("away") });
        to.iq(Scope::Own, answer(&desk, Desk::show))?;
        to.iq(Scope::Own, answer(&desk, Desk::change))?;
        let state = desk.clone();
        to.recipient().plan(&desk, move |_, plan, _| state.plan(plan));
        // Only who has decided what becomes of a message knows whether it waits.
        to.after("offline");
        // XEP-0109 §3.1.
        to.feature(Scope::Server, Query::NAMESPACE);
        Ok(())
    }
}

struct Desk {
    settings: Vacation,
    /// Owned by the account, so it goes when the account goes.
    away: Collection<(), Away>,
}

/// Somebody's vacation as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Away {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    message: String,
    /// The bare addresses of those who know.
    told: BTreeSet<String>,
}

impl Record for Away {
    const VERSION: u8 = 1;
}

impl Away {
    /// Whether a sender is to be told.
    fn is_news(&self, sender: &str, now: Timestamp, most: usize) -> bool {
        self.start.is_none_or(|start| start <= now)
            && self.end.is_none_or(|end| now < end)
            && self.told.len() < most
            && !self.told.contains(sender)
    }
}

impl Desk {
    async fn show(&self, ask: Get<Query>, _: &Server) -> Result<Option<Query>, Refusal> {
        if ask.origin.is_addressed() {
            return Err(Condition::BadRequest.into());
        }
        let away = self.away.get(&owner(&ask.origin.to), &()).await?;
        Ok(away.map(|Away { start, end, message, .. }| Query {
            absence: Some(Absence { start, end, message }),
        }))
    }

    /// Another vacation in place of the one before, of which nobody has heard; or none.
    async fn change(&self, ask: Set<Query>, server: &Server) -> Result<(), Refusal> {
        if ask.origin.is_addressed() {
            return Err(Condition::BadRequest.into());
        }
        let owner = owner(&ask.origin.to);
        let Some(Absence { start, end, message }) = ask.payload.absence else {
            return Ok(self.away.remove(&owner, &()).await?);
        };
        if message.trim().is_empty() || message.len() > self.settings.longest {
            return Err(unacceptable("the message is empty or too long"));
        }
        if end.is_some_and(|end| start.is_some_and(|start| end <= start)) {
            return Err(unacceptable("the end comes before the start"));
        }
        // Whoever has no account has nothing to come back to.
        if !server.accounts().exists(&ask.origin.to).await {
            return Err(Condition::RegistrationRequired.into());
        }
        let away = Away { start, end, message, told: BTreeSet::new() };
        Ok(self.away.put(&owner, &(), &away).await?)
    }

    /// XEP-0109 §4: only what waits for later is answered.
    fn plan(self: &Arc<Self>, plan: &mut Plan) -> Planned {
        if !plan.targets().is_empty() || plan.claimed_by().is_none() {
            return Planned::Done;
        }
        if let Some(parties) = Parties::of(plan.stanza()) {
            let desk = self.clone();
            plan.besides(Vacation::NAME, async move |_, server| desk.tell(parties, server).await);
        }
        Planned::Done
    }

    async fn tell(&self, parties: Parties, server: Server) -> Result<(), Refusal> {
        let Parties { kind, sender, account } = parties;
        let (owner, known) = (owner(&account), sender.bare_str().to_owned());
        let (now, most) = (server.now(), self.settings.senders);
        let news = |away: &Away| away.is_news(&known, now, most);
        if !self.away.get(&owner, &()).await?.as_ref().is_some_and(news) {
            return Ok(());
        }
        // Noted first: rather nobody is told than anybody twice.
        let message = self.away.update(&owner, &(), |held| {
            let away = held.as_mut().filter(|away| news(away))?;
            away.told.insert(known.clone());
            Some(away.message.clone())
        });
        let Some(message) = message.await? else { return Ok(()) };
        let by = Element::builder("x", ENVELOPE)
            .child_with("forwardedby", |it| it.attr("jid", &account));
        let reply = Stanza::message(kind).from(account).to(sender).body(message).child(by);
        server.route(reply.build()).await;
        Ok(())
    }
}

/// Whose elements mark what a machine has written.
const ENVELOPE: &str = "jabber:x:envelope";

/// Who writes to whom.
struct Parties {
    kind: MessageType,
    sender: Jid,
    account: Jid,
}

impl Parties {
    /// Those of a message that a person has written to another.
    fn of(message: &Stanza) -> Option<Self> {
        let Kind::Message(kind @ (MessageType::Normal | MessageType::Chat)) = message.kind() else {
            return None;
        };
        let sender = message.from().filter(|from| from.is_full() && from.local().is_some())?;
        let account = message.to().filter(|to| !to.same_bare(sender))?.to_bare();
        let said = message.body().is_some() || message.child_text("subject").is_some();
        let machine = message.child("x", ENVELOPE).is_some();
        (said && !machine).then(|| Self { kind, sender: sender.clone(), account })
    }
}

fn unacceptable(why: &'static str) -> Refusal {
    StanzaError::new(Condition::NotAcceptable).with_text(why).into()
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}
