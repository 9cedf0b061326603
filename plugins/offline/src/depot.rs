//! Where messages wait: claimed, stored, and forgotten with their account.

use std::{
    ops::Deref,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use sestina_core::{
    AccountRemoved, BoxFuture, Live, Mailbox, Optional, Otherwise, Plan, Planned, PresenceChanged,
    Refusal, Rewritten, Server, ShuttingDown, Stamps,
};
use sestina_stanza::{Condition, Delay, Jid, Kind, Stanza};
use sestina_store::{Direction, ErrorKind, Log, LogBounds, LogId, Owner, Space, StoreError};
use tokio::sync::oneshot;

use crate::{
    Bounds, OfflineMessages,
    drain::Handed,
    spool::{Parcel, Spool},
    worth::{Kept, is_kept},
};

/// A handle to what waits; a clone is another.
#[derive(Clone)]
pub(crate) struct Depot(Arc<Inner>);

pub(crate) struct Inner {
    space: Space,
    pub(crate) log: Log<Kept>,
    pub(crate) settings: Live<OfflineMessages>,
    /// How else it is said since when a message has waited.
    pub(crate) stamps: Optional<dyn Stamps>,
    /// The accounts for which a task is at work.
    spools: DashMap<Jid, Arc<Spool>, foldhash::fast::RandomState>,
    pub(crate) handed: Handed,
    /// Accounts that went.
    removals: AtomicU64,
    stopping: AtomicBool,
}

/// Messages that are stored in one step, and their bytes.
const BATCH: usize = 128;
const BATCH_BYTES: usize = 512 << 10;
/// Messages that are looked at in one step where room is made.
pub(crate) const PAGE: usize = 64;
/// How often it is looked whether everything is written, at the end.
const LOOK: Duration = Duration::from_millis(5);

impl Depot {
    pub(crate) fn new(
        space: Space,
        stamps: Optional<dyn Stamps>,
        settings: Live<OfflineMessages>,
    ) -> Self {
        Self(Arc::new(Inner {
            log: space.log("messages"),
            space,
            settings,
            stamps,
            spools: DashMap::default(),
            handed: Handed::default(),
            removals: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }))
    }

    /// The log with room for as much as may wait at this moment.
    pub(crate) fn bounded(&self) -> Log<Kept> {
        let Bounds { messages, bytes, .. } = self.settings.now().bounds;
        let most = |most: usize| u64::try_from(most).unwrap_or(u64::MAX);
        let most = LogBounds::default().records(most(messages)).bytes(most(bytes));
        self.log.clone().bounded(most)
    }

    /// Nobody but the server says in its name since when something has waited (XEP-0203 §4).
    #[allow(clippy::unused_self, reason = "a hook is a method")]
    pub(crate) fn arriving(&self, stanza: &Stanza, server: &Server) -> Rewritten {
        let ours = |from: &Jid| from.local().is_none() && server.serves(from.domain());
        if !matches!(stanza.kind(), Kind::Message(_)) || stanza.from().is_some_and(ours) {
            return Rewritten::Keep;
        }
        match Delay::strip(stanza, |domain| server.serves(domain)) {
            Some(clean) => Rewritten::Replace(Box::new(clean)),
            None => Rewritten::Keep,
        }
    }

    /// Takes charge of what nobody is there to take.
    pub(crate) fn plan(&self, plan: &mut Plan, server: &Server) -> Planned {
        if plan.is_second() && self.handed.returns(plan.stanza()) {
            // It was not read where it was handed over, and is still stored.
            plan.retain_targets(|_| false);
            plan.keep(NAME, async |_, _| Ok(()));
            return Planned::Done;
        }
        if !plan.is_undeliverable() || !is_kept(plan.stanza()) {
            return Planned::Done;
        }
        let Some(account) = recipient(plan.stanza()) else { return Planned::Done };
        if server.sessions(&account).iter().any(|session| takes(session.priority())) {
            // RFC 6121 §8.5.3.2.1: meant for a resource that is not there, while others are.
            return Planned::Done;
        }
        // Looked at before the account is.
        let removals = self.removals.load(Ordering::Acquire);
        if self.spools.get(account.as_str()).is_some_and(|spool| !spool.is_leaving()) {
            self.claim(plan, account, removals);
            return Planned::Done;
        }
        let (depot, server) = (self.clone(), server.clone());
        Planned::Wait(Box::pin(async move {
            // RFC 6121 §8.5.1: whoever writes to nobody hears as little as whoever is kept waiting.
            let exists = server.accounts().exists(&account).await;
            let amendment: sestina_core::Amendment = Box::new(move |plan| match exists {
                true if plan.is_undeliverable() => depot.claim(plan, account, removals),
                true => {}
                false => plan.set_otherwise(Otherwise::Discard),
            });
            amendment
        }))
    }

    fn claim(&self, plan: &mut Plan, account: Jid, removals: u64) {
        let depot = self.clone();
        // What nobody sends again is not let go of before it is stored.
        let until_stored = plan.is_second() || self.stopping.load(Ordering::Acquire);
        plan.keep(NAME, move |stanza, server| async move {
            let kept = Kept::new(&stanza, account.domain(), server.now());
            let (settled, stored) = match until_stored {
                true => Some(oneshot::channel()).unzip(),
                false => (None, None),
            };
            let parcel = Parcel { stanza, kept, settled, held: false, removals };
            depot.store(&account, parcel, &server).await;
            if let Some(stored) = stored {
                let _settled_or_gone = stored.await;
            }
            Ok(())
        });
    }

    /// Queues a message, as soon as there is room.
    async fn store(&self, account: &Jid, mut parcel: Parcel, server: &Server) {
        loop {
            let bounds = self.settings.now().bounds;
            let (spool, put) = self.spool(account, server, |spool| spool.put(parcel, &bounds));
            let Err(back) = put else { return };
            let mut room = pin!(spool.room.notified());
            room.as_mut().enable();
            if !spool.has_room(back.kept.bytes(), &bounds) {
                room.await;
            }
            parcel = back;
        }
    }

    /// Does something with an account's spool, at which a task is at work then.
    fn spool<T>(
        &self,
        account: &Jid,
        server: &Server,
        act: impl FnOnce(&Spool) -> T,
    ) -> (Arc<Spool>, T) {
        let mut fresh = false;
        // Nobody takes it away before this is done, for it is locked.
        let spool = self.spools.entry(account.clone()).or_insert_with(|| {
            fresh = true;
            Arc::new(Spool::new(account.clone()))
        });
        let done = act(&spool);
        let spool = spool.clone();
        if fresh {
            tokio::spawn(self.clone().work(spool.clone(), server.clone()));
        }
        (spool, done)
    }

    /// Stores what comes, hands over what is asked for, and ends when there is neither.
    async fn work(self, spool: Arc<Spool>, server: Server) {
        loop {
            let written = self.write(&spool, &server).await;
            // Somebody may have come while this was on its way to the store.
            if spool.take_call() || written {
                if let Err(refusal) = self.drain(&spool, &server).await {
                    tracing::warn!(account = %spool.account, %refusal, "messages were not handed over");
                }
            } else if self.spools.remove_if(&spool.account, |_, held| held.is_idle()).is_some() {
                return;
            }
        }
    }

    /// Stores all that waits for it; says whether there was anything for whoever is there.
    pub(crate) async fn write(&self, spool: &Spool, server: &Server) -> bool {
        let mut any = false;
        loop {
            let batch = spool.take(BATCH, BATCH_BYTES);
            if batch.is_empty() {
                return any;
            }
            any |= batch.iter().any(|parcel| !parcel.held);
            self.write_batch(spool, batch, server).await;
            spool.written();
        }
    }

    async fn write_batch(&self, spool: &Spool, parcels: Vec<Parcel>, server: &Server) {
        let owner = Owner::account(spool.account.as_str());
        let removals = parcels.iter().map(|parcel| parcel.removals).min();
        let mut ids = Vec::with_capacity(parcels.len());
        let mut results = Vec::with_capacity(parcels.len());
        if !spool.is_leaving() {
            let mut batch = self.space.batch(&owner);
            for parcel in &parcels {
                batch.append(&self.bounded(), &parcel.kept);
            }
            match batch.commit().await {
                Ok(stored) => ids = stored,
                Err(error) if is_bound(&error) => {
                    for parcel in &parcels {
                        let stored = self.append(&owner, &parcel.kept, server).await;
                        results.push(stored.map(|id| ids.push(id)));
                    }
                }
                Err(error) => {
                    let refusal = Refusal::from(error);
                    let error = refusal.error().clone();
                    tracing::debug!(account = %spool.account, %refusal, "messages were not kept");
                    results.resize_with(parcels.len(), || Err(error.clone().into()));
                }
            }
        }
        // An account may have gone after it was looked up. What was stored before its records were
        // erased went with them; what was stored after that is for nobody.
        let gone = spool.is_leaving()
            || (removals.is_some_and(|seen| seen != self.removals.load(Ordering::Acquire))
                && !server.accounts().stays(&spool.account).await);
        if gone {
            if let Err(error) = self.take_back(&owner, ids).await {
                tracing::warn!(account = %spool.account, %error, "a message is kept for nobody");
            }
            results.clear();
            results.resize_with(parcels.len(), || Err(Condition::ServiceUnavailable.into()));
        }
        let results = results.into_iter().map(Result::err).chain(std::iter::repeat_with(|| None));
        for (parcel, refused) in parcels.into_iter().zip(results) {
            settle(parcel, refused.as_ref(), server).await;
        }
    }

    /// Removes what was stored for an account that is no more.
    async fn take_back(&self, owner: &Owner, ids: Vec<LogId>) -> Result<(), StoreError> {
        self.log.remove(owner, ids).await?;
        match self.log.size(owner).await?.records {
            0 => self.space.purge(owner).await,
            _ => Ok(()),
        }
    }

    /// Stores one message where not all of them find room.
    async fn append(&self, owner: &Owner, kept: &Kept, server: &Server) -> Result<LogId, Refusal> {
        let log = self.bounded();
        let mut stored = log.append(owner, kept).await;
        if stored.as_ref().is_err_and(is_bound) && self.expire(owner, server).await? {
            stored = log.append(owner, kept).await;
        }
        match stored {
            Ok(id) => Ok(id),
            // XEP-0160 §2.
            Err(error) if is_bound(&error) => {
                Err(Refusal::from(Condition::ServiceUnavailable).because(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Drops the oldest messages that have waited too long; says whether there were any.
    async fn expire(&self, owner: &Owner, server: &Server) -> Result<bool, StoreError> {
        let page = self.log.range(owner, .., PAGE, Direction::Forward).await?;
        let old = page.iter().take_while(|(_, kept)| self.is_old(kept, server)).last();
        let Some((last, _)) = old else { return Ok(false) };
        self.log.trim(owner, after(*last)).await?;
        Ok(true)
    }

    pub(crate) fn is_old(&self, kept: &Kept, server: &Server) -> bool {
        server.now().since(kept.at) >= self.settings.now().keep
    }

    /// XEP-0160 §2: the first presence that may take messages asks for what waits.
    pub(crate) async fn presence_changed(
        &self,
        changed: &PresenceChanged,
        server: &Server,
    ) -> Result<(), Refusal> {
        let session = &changed.session;
        let now = takes(session.priority());
        let before = session.part::<Asked>().0.swap(now, Ordering::AcqRel);
        if now && !before {
            self.spool(session.account(), server, Spool::call);
        }
        Ok(())
    }

    /// Waits for what is under way; the rest goes with the account.
    pub(crate) async fn account_removed(
        &self,
        removed: &AccountRemoved,
        _: &Server,
    ) -> Result<(), Refusal> {
        self.removals.fetch_add(1, Ordering::AcqRel);
        let spool = self.spools.get(removed.account.as_str()).map(|spool| spool.clone());
        if let Some(spool) = spool {
            spool.leave();
            while !spool.is_written() {
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Waits until everything is stored; from here on nobody is let go of before.
    pub(crate) async fn shutting_down(&self, _: &ShuttingDown, _: &Server) -> Result<(), Refusal> {
        self.stopping.store(true, Ordering::Release);
        while self.spools.iter().any(|spool| !spool.is_written()) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

impl Mailbox for Depot {
    fn keep(
        &self,
        account: &Jid,
        message: Stanza,
        server: &Server,
    ) -> BoxFuture<'static, Result<(), Refusal>> {
        let (depot, account, server) = (self.clone(), account.to_bare(), server.clone());
        Box::pin(async move {
            let removals = depot.removals.load(Ordering::Acquire);
            if !is_kept(&message) || !server.accounts().exists(&account).await {
                return Err(Condition::ServiceUnavailable.into());
            }
            let kept = Kept::new(&message, account.domain(), server.now());
            let (settled, stored) = oneshot::channel();
            let settled = Some(settled);
            let parcel = Parcel { stanza: message, kept, settled, held: true, removals };
            depot.store(&account, parcel, &server).await;
            let _settled_or_gone = stored.await;
            Ok(())
        })
    }
}

impl Deref for Depot {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

const NAME: &str = "offline";

/// Whether a session has asked for what waits.
#[derive(Default)]
struct Asked(AtomicBool);

/// Whether a session of this priority takes messages (RFC 6121 §8.5.2.1.1).
pub(crate) fn takes(priority: Option<i8>) -> bool {
    priority.is_some_and(|priority| priority >= 0)
}

/// The account that a message is for; one without an address is for its sender's own.
pub(crate) fn recipient(stanza: &Stanza) -> Option<Jid> {
    stanza.to().or_else(|| stanza.from()).map(Jid::to_bare)
}

/// The id after this one.
pub(crate) fn after(id: LogId) -> LogId {
    LogId::new(id.as_u64().saturating_add(1))
}

pub(crate) fn is_bound(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::Bound(_))
}

/// Tells the sender of a message that was not stored, and whoever waits.
async fn settle(parcel: Parcel, refused: Option<&Refusal>, server: &Server) {
    if let Some(refusal) = refused {
        tracing::debug!(%refusal, "a message was not kept");
        if let Some(error) = parcel.stanza.error(refusal.error()) {
            server.route(error).await;
        }
    }
    if let Some(settled) = parcel.settled {
        let _nobody_waits_any_more = settled.send(());
    }
}
