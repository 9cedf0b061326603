#![doc = include_str!("../README.md")]

mod rooms;

use std::{net::IpAddr, sync::Arc};

use sestina_core::{
    Assembly, AssemblyError, BoxFuture, Guarded, Guests, Plugin, Refusal, Server, Spec, Started,
    Stay,
};
use sestina_sasl::AnonymousOffer;
use sestina_stanza::{Condition, IqType, Jid, Kind, Stanza, ns};
use sestina_store::{Collection, Owner, Space};

use self::rooms::Rooms;

/// Lets guests in, who have no account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous {
    /// Whom guests may turn to beside the server; services by default.
    pub reach: Reach,
    /// Whether guests may keep what clients keep for themselves, until they go; off by default.
    pub keep: bool,
    /// How many guests there may be.
    pub bounds: Bounds,
}

/// Whom guests may turn to beside the server and themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nobody.
    Nobody,
    /// The services of the server, such as rooms.
    #[default]
    Services,
    /// The same, and all accounts and guests of the server.
    Accounts,
}

/// How many guests there may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At a time; the default is 1,000.
    pub guests: usize,
    /// At a time from one address, or one /64 network of IPv6, other than this machine; the default
    /// is 10.
    pub per_address: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { guests: 1_000, per_address: 10 }
    }
}

impl Plugin for Anonymous {
    const NAME: &'static str = "anonymous";
    const SPECS: &'static [Spec] = &[Spec::xep(175, "1.2"), Spec::rfc(4505)];

    fn install(self, to: &mut Assembly) -> Result<(), AssemblyError> {
        if self.bounds.guests == 0 {
            return Err(to.bad_setting("bounds.guests", "at least 1"));
        }
        if self.bounds.per_address == 0 {
            return Err(to.bad_setting("bounds.per_address", "at least 1"));
        }
        let inn = Arc::new(Inn {
            rules: self,
            rooms: Rooms::new(self.bounds),
            space: to.space(),
            book: to.space().collection("guests"),
        });
        to.mechanism(AnonymousOffer);
        to.provide::<dyn Guests>(inn.clone())?;
        to.on(&inn, Inn::started);
        to.sender().guard(&inn, Inn::guard);
        Ok(())
    }
}

/// Owners that are looked at together.
const PAGE: usize = 256;

/// Where guests stay.
struct Inn {
    rules: Anonymous,
    rooms: Rooms,
    space: Space,
    /// Who is there: each owns an entry, which goes with all else that the guest owns.
    book: Collection<(), ()>,
}

impl Guests for Inn {
    fn admit<'a>(
        &'a self,
        guest: &'a Jid,
        from: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Stay, Refusal>> {
        Box::pin(async move {
            let Some(room) = self.rooms.take(from) else {
                tracing::info!(?from, "no room for another guest");
                return Err(Condition::ResourceConstraint.into());
            };
            self.book.put(&Owner::account(guest.as_str()), &(), &()).await?;
            Ok(Box::new(room) as Stay)
        })
    }
}

impl Inn {
    /// Clears up after guests whose end an earlier server has not lived to see.
    async fn started(&self, _: &Started, server: &Server) -> Result<(), Refusal> {
        let mut last = None;
        loop {
            let page = self.space.owners(last.as_ref(), PAGE).await?;
            for owner in &page {
                let Some(guest) = owner.as_account().and_then(|it| Jid::new(it).ok()) else {
                    continue;
                };
                if let Err(error) = server.accounts().forget_guest(&guest).await {
                    tracing::warn!(%guest, %error, "something is left of a guest");
                }
            }
            match page.last() {
                Some(owner) if page.len() == PAGE => last = Some(owner.clone()),
                _ => return Ok(()),
            }
        }
    }

    /// XEP-0175 §3: what a stranger may do on this server, and nothing beyond it.
    fn guard(&self, stanza: &Stanza, server: &Server) -> Guarded {
        let session = stanza.from().and_then(|from| server.session(from));
        // Subscriptions come from the bare address.
        let account = stanza.from().filter(|from| from.is_bare());
        let guest = match (session, account) {
            (Some(session), _) => session.is_guest(),
            (None, Some(account)) => {
                server.sessions(account).iter().any(|session| session.is_guest())
            }
            (None, None) => false,
        };
        if !guest || self.allows(stanza, server) {
            Guarded::Pass
        } else {
            Guarded::Refuse(Condition::Forbidden.into())
        }
    }

    fn allows(&self, stanza: &Stanza, server: &Server) -> bool {
        let own = match (stanza.from(), stanza.to()) {
            (_, None) => true,
            (Some(from), Some(to)) => to.same_bare(from),
            (None, Some(_)) => false,
        };
        match stanza.kind() {
            // Whoever has asked may be answered.
            Kind::Iq(IqType::Result | IqType::Error) => true,
            Kind::Iq(IqType::Set) if own => self.may_set(stanza),
            // A guest has no contacts, who would be left with an address that nobody has.
            Kind::Presence(presence) if presence.is_subscription() => false,
            _ => own || stanza.to().is_some_and(|to| self.reaches(to, server)),
        }
    }

    fn may_set(&self, stanza: &Stanza) -> bool {
        match stanza.payload().map(|payload| payload.namespace()) {
            Some(ns::ROSTER) => false,
            // Changes nothing, and clients written for RFC 3921 insist on it.
            Some(ns::SESSION) => true,
            _ => self.rules.keep,
        }
    }

    fn reaches(&self, to: &Jid, server: &Server) -> bool {
        if server.service(to.domain()).is_some() {
            return self.rules.reach != Reach::Nobody;
        }
        // XEP-0175 §3: nobody on other servers.
        server.serves(to.domain()) && (to.local().is_none() || self.rules.reach == Reach::Accounts)
    }
}
