//! Messages are handed over: once, the oldest first, and kept until they were taken.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sestina_core::{Guarded, Refusal, Server, Session};
use sestina_stanza::{Condition, Jid, Stanza};
use sestina_store::{Direction, LogId, Owner};

use crate::{
    depot::{Depot, after, recipient, takes},
    spool::Spool,
    worth::Kept,
};

impl Depot {
    /// Hands what is stored over to whoever is there, until nothing is left or nobody is there.
    pub(crate) async fn drain(&self, spool: &Spool, server: &Server) -> Result<(), Refusal> {
        let account = &spool.account;
        let owner = Owner::account(account.as_str());
        let Ok(domain) = Jid::new(account.domain()) else { return Ok(()) };
        let bounds = server.bounds().queue;
        let (longest, most_bytes) = ((bounds.stanzas / 2).clamp(1, LONGEST), bounds.bytes / 4);
        let mut most = longest.min(FIRST);
        while let Some(session) = receiver(account, server) {
            let waiting = self.log.range(&owner, .., most, Direction::Forward).await?;
            if waiting.is_empty() {
                break;
            }
            let (mut page, mut bytes) = (Vec::with_capacity(waiting.len()), 0);
            for (id, kept) in waiting {
                bytes += kept.bytes();
                if !page.is_empty() && bytes > most_bytes {
                    break;
                }
                page.push((id, self.revive(id, &kept, &domain, server).await?));
            }
            // Where messages are large, few are read at once.
            most = if bytes < most_bytes / 2 { most * 2 } else { most / 2 }.clamp(1, longest);
            let (last, all) = self.hand_over(page, &session, spool, server).await;
            if let Some(last) = last {
                self.log.trim(&owner, after(last)).await?;
            }
            if !all && !session.is_ending() {
                // Its queue is full of other things.
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// A message as it is handed over; nothing if it has waited too long, cannot be read, or is not
    /// welcome any more.
    async fn revive(
        &self,
        id: LogId,
        kept: &Kept,
        domain: &Jid,
        server: &Server,
    ) -> Result<Option<Stanza>, Refusal> {
        if self.is_old(kept, server) {
            return Ok(None);
        }
        let Some(stanza) = kept.read(domain, self.stamps.provider()) else {
            tracing::error!(%domain, %id, "a message cannot be read");
            return Ok(None);
        };
        match server.screen(&stanza).await {
            Guarded::Pass => Ok(Some(stanza)),
            // A guard that could not tell will be asked again.
            Guarded::Refuse(refusal) if has_failed(&refusal) => Err(refusal),
            // Whoever is not welcome does not learn when somebody comes home.
            _ => Ok(None),
        }
    }

    /// Queues messages for a session, and waits until its connection has taken them: says which was
    /// the last of those that are done with, and whether all are.
    async fn hand_over(
        &self,
        page: Vec<(LogId, Option<Stanza>)>,
        session: &Arc<Session>,
        spool: &Spool,
        server: &Server,
    ) -> (Option<LogId>, bool) {
        self.handed.begin(&spool.account, page.iter().filter_map(|(_, stanza)| stanza.as_ref()));
        let mut queued = Vec::with_capacity(page.len());
        let mut all = true;
        for (id, stanza) in page {
            let due = stanza.is_some();
            all = stanza.is_none_or(|stanza| server.deliver(session, stanza));
            if !all {
                break;
            }
            queued.push((id, due.then(|| session.drained())));
        }
        let mut last = None;
        for (id, drained) in queued {
            if let Some(drained) = drained
                && !self.is_taken(drained, spool, server).await
            {
                all = false;
                break;
            }
            last = Some(id);
        }
        self.handed.end(&spool.account, all, server.elapsed());
        (last, all)
    }

    /// Waits until a message was taken; `false` if the session ends before.
    async fn is_taken(
        &self,
        drained: impl Future<Output = bool>,
        spool: &Spool,
        server: &Server,
    ) -> bool {
        let mut drained = pin!(drained);
        loop {
            tokio::select! {
                biased;
                taken = &mut drained => return taken,
                // Nobody waits for somebody else who does not read.
                () = spool.mail.notified() => {
                    self.write(spool, server).await;
                }
            }
        }
    }
}

/// Messages that are looked at in one step: so many at first, and at most.
const FIRST: usize = 32;
const LONGEST: usize = 512;
/// How long to wait for room in a queue.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether this is no judgement, but a guard that failed.
fn has_failed(refusal: &Refusal) -> bool {
    let condition = refusal.error().condition();
    matches!(condition, Condition::InternalServerError | Condition::ResourceConstraint)
}

/// The session that takes what has waited: the one with the highest priority.
fn receiver(account: &Jid, server: &Server) -> Option<Arc<Session>> {
    let sessions = server.sessions(account).into_iter();
    sessions
        .filter(|session| takes(session.priority()) && !session.is_ending())
        .max_by_key(|session| session.priority())
}

/// What was handed over and is still stored, so that it is told from new messages when it comes
/// back unread.
#[derive(Default)]
pub(crate) struct Handed(Mutex<HashMap<Jid, VecDeque<Message>>>);

struct Message {
    stanza: Stanza,
    /// When it is no longer waited for; nothing while it is in a queue.
    until: Option<Duration>,
}

/// What comes back does so within this time after its session has ended.
const COMES_BACK: Duration = Duration::from_secs(60);

impl Handed {
    fn begin<'a>(&self, account: &Jid, stanzas: impl Iterator<Item = &'a Stanza>) {
        let mut accounts = self.0.lock();
        let messages = accounts.entry(account.clone()).or_default();
        messages.extend(stanzas.map(|stanza| Message { stanza: stanza.clone(), until: None }));
    }

    fn end(&self, account: &Jid, taken: bool, now: Duration) {
        let mut accounts = self.0.lock();
        if let Some(messages) = accounts.get_mut(account) {
            messages.retain(|message| message.until.is_some() || !taken);
            for message in messages {
                message.until.get_or_insert(now + COMES_BACK);
            }
        }
        // Few have any, and only for a moment.
        accounts.retain(|_, messages| {
            messages.retain(|message| message.until.is_none_or(|until| until > now));
            !messages.is_empty()
        });
    }

    /// Whether this was handed over and is still stored; each is found once, the first at once if they
    /// come back in order.
    pub(crate) fn returns(&self, stanza: &Stanza) -> bool {
        let Some(account) = recipient(stanza) else { return false };
        let mut accounts = self.0.lock();
        let Some(messages) = accounts.get_mut(&account) else { return false };
        let bytes = stanza.element().as_bytes();
        let found = messages.iter().position(|held| held.stanza.element().as_bytes() == bytes);
        found.and_then(|at| messages.remove(at)).is_some()
    }
}
