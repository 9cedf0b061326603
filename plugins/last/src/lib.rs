#![doc = include_str!("../README.md")]

mod query;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sestina_core::{
    AccountCreated, Arrival, Assembly, AssemblyError, Contacts, Get, Guarded, Optional, Plugin,
    Portable, PresenceChanged, Refusal, Scope, Server, Set, Spec, Started, answer,
};
use sestina_stanza::{Condition, Invalid, Jid, Kind, Payload, Stanza, Timestamp};
use sestina_store::{Collection, Owner, Record, Space};
use sestina_xml::Element;

pub use self::query::Query;

/// The most that [`LastActivity::status`] can be.
pub const LONGEST_STATUS: usize = 256 << 10;

/// Tells when accounts were last online, and how long the server has been.
#[derive(Clone, Copy, Debug)]
pub struct LastActivity {
    /// How many bytes of a last status are kept; the default is 1,024, and [`LONGEST_STATUS`] is
    /// the most.
    pub status: usize,
}

impl Default for LastActivity {
    fn default() -> Self {
        Self { status: 1024 }
    }
}

impl Plugin for LastActivity {
    const NAME: &'static str = "last";
    const SPECS: &'static [Spec] = &[Spec::xep(12, "2.0")];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.status > LONGEST_STATUS {
            return Err(to.bad_setting("status", "at most 256 KiB"));
        }
        let last = Arc::new(Last {
            status: self.status,
            started: OnceLock::new(),
            seen: seen(&to.space()),
            contacts: to.optional(),
        });
        to.iq(Scope::Server, answer(&last, Last::uptime))?;
        to.iq(Scope::Account, answer(&last, Last::account))?;
        for scope in [Scope::Server, Scope::Account] {
            to.iq(scope, answer(&last, Last::set))?;
        }
        to.recipient().guard(&last, Last::may_ask);
        to.on(&last, Last::start);
        to.on(&last, Last::created);
        to.on(&last, Last::changed);
        to.portable(&last)
    }
}

struct Last {
    status: usize,
    /// When the server did.
    started: OnceLock<Duration>,
    /// Owned by the account, so it goes when the account goes.
    seen: Collection<(), LastSeen>,
    contacts: Optional<dyn Contacts>,
}

/// When an account was last online.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LastSeen {
    at: Timestamp,
    status: String,
}

impl Record for LastSeen {
    const VERSION: u8 = 1;
}

impl Last {
    /// XEP-0012 §5.
    async fn uptime(&self, _: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        let started = self.started.get().copied().unwrap_or_default();
        Ok(Query::seconds(server.elapsed().saturating_sub(started).as_secs()))
    }

    /// XEP-0012 §3, for those whom [`may_ask`](Self::may_ask) lets in.
    async fn account(&self, ask: Get<Query>, server: &Server) -> Result<Query, Refusal> {
        let account = &ask.origin.to;
        if is_available(account, server) {
            return Ok(Query::seconds(0));
        }
        let seen = self.seen.get(&owner(account), &()).await?;
        let seen = seen.ok_or(Condition::ServiceUnavailable)?;
        let ago = server.now().since(seen.at);
        Ok(Query { seconds: Some(ago.as_secs()), status: seen.status })
    }

    /// The server alone says when somebody was last online.
    async fn set(&self, _: Set<Query>, _: &Server) -> Result<(), Refusal> {
        Err(Condition::NotAllowed.into())
    }

    /// XEP-0012 §3 and §4: the same rule for accounts, for their resources, which would answer for
    /// themselves, and for accounts that nobody has, which look like those that do not know whoever
    /// asks.
    fn may_ask(&self, stanza: &Stanza, _: &Server) -> Guarded {
        let asks = matches!(stanza.kind(), Kind::Iq(kind) if kind.is_request())
            && stanza.payload().is_some_and(Query::is);
        if !asks {
            return Guarded::Pass;
        }
        let (Some(from), Some(of)) = (stanza.from(), stanza.to()) else {
            return Guarded::Refuse(Condition::Forbidden.into());
        };
        let (contacts, from, of) = (self.contacts.clone(), from.clone(), of.clone());
        Guarded::Wait(Box::pin(async move {
            let sees = match contacts.provider() {
                Some(contacts) => contacts.may_see_presence(&of, &from).await,
                None => Ok(of.same_bare(&from)),
            };
            match sees {
                Ok(true) => Guarded::Pass,
                Ok(false) => Guarded::Refuse(Condition::Forbidden.into()),
                Err(error) => Guarded::Refuse(Refusal::from(Condition::Forbidden).because(error)),
            }
        }))
    }

    async fn start(&self, _: &Started, server: &Server) -> Result<(), Refusal> {
        self.started.get_or_init(|| server.elapsed());
        Ok(())
    }

    /// An account that nobody has used yet was last seen when it was made.
    async fn created(&self, event: &AccountCreated, server: &Server) -> Result<(), Refusal> {
        self.remember(&event.account, "Registered", server).await
    }

    /// Whoever goes last is remembered.
    async fn changed(&self, change: &PresenceChanged, server: &Server) -> Result<(), Refusal> {
        let account = change.session.account();
        if change.session.is_available() || is_available(account, server) {
            return Ok(());
        }
        // A host program's session need not have an account.
        if !server.accounts().exists(account).await {
            return Ok(());
        }
        let status = change.presence.child_text("status").unwrap_or_default();
        self.remember(account, &status, server).await
    }

    async fn remember(&self, account: &Jid, status: &str, server: &Server) -> Result<(), Refusal> {
        let status = beginning(status, self.status).to_owned();
        let seen = LastSeen { at: server.now(), status };
        Ok(self.seen.put(&owner(account), &(), &seen).await?)
    }
}

/// Other servers have no element for this in common. This is how jabberd 1.4 has kept it:
/// `<query xmlns='jabber:iq:last' last='982588272'>Registered</query>`.
impl Portable for Last {
    const ELEMENTS: &'static [(&'static str, &'static str)] = &[(Query::NAME, Query::NAMESPACE)];

    async fn export(&self, account: &Jid, _: &Server) -> Result<Vec<Element>, Refusal> {
        let seen = self.seen.get(&owner(account), &()).await?;
        let written = |seen: LastSeen| {
            let at = seen.at.unix_seconds().to_string();
            Query::builder().attr("last", at).text(seen.status).build()
        };
        Ok(seen.map(written).into_iter().collect())
    }

    async fn import(&self, query: &Element, to: &Arrival<'_>) -> Result<(), Refusal> {
        let at = query.attr("last").and_then(|at| at.parse::<u32>().ok());
        let at = at.ok_or_else(|| Invalid::attribute("last"))?;
        let status = beginning(&query.text(), self.status).to_owned();
        let last = LastSeen { at: Timestamp::from_unix(at.into(), 0), status };
        Ok(seen(to.space()).put(&to.owner(), &(), &last).await?)
    }
}

fn seen(space: &Space) -> Collection<(), LastSeen> {
    space.collection("seen")
}

/// Whether an account shows itself. One that is connected and does not is as good as offline.
fn is_available(account: &Jid, server: &Server) -> bool {
    server.sessions(account).iter().any(|session| session.is_available())
}

/// As many whole characters as there is room for.
fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn owner(account: &Jid) -> Owner {
    Owner::account(account.bare_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stay_whole() {
        for (bytes, left) in [(0, ""), (1, "n"), (2, "n"), (3, "né"), (4, "née"), (9, "née")] {
            assert_eq!(beginning("née", bytes), left, "{bytes}");
        }
    }
}
