//! Messages are handed over: once, the oldest first, and kept until they were taken.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sestina_core::{Server, Session};
use sestina_stanza::{Jid, Stanza};
use sestina_store::{Direction, Owner, StoreError};
use tokio::time::timeout;

use crate::{
    depot::{Depot, PAGE, recipient, takes},
    spool::Spool,
};

impl Depot {
    /// Hands what is stored over to whoever is there, until nothing is left or nobody is there.
    pub(crate) async fn drain(&self, spool: &Spool, server: &Server) -> Result<(), StoreError> {
        let account = &spool.account;
        let owner = Owner::account(account.as_str());
        let Ok(domain) = Jid::new(account.domain()) else { return Ok(()) };
        let bounds = server.bounds().queue;
        let (most, most_bytes) = ((bounds.stanzas / 2).clamp(1, PAGE), bounds.bytes / 4);
        while let Some(session) = receiver(account, server) {
            let page = self.log.range(&owner, .., most, Direction::Forward).await?;
            if page.is_empty() {
                break;
            }
            let (mut ids, mut stanzas, mut bytes) = (Vec::new(), Vec::new(), 0);
            for (id, kept) in page {
                if !self.is_old(&kept, server) {
                    if !stanzas.is_empty() && kept.bytes() + bytes > most_bytes {
                        break;
                    }
                    bytes += kept.bytes();
                    match kept.read(&domain) {
                        Some(stanza) => stanzas.push(stanza),
                        None => tracing::error!(%account, %id, "a message cannot be read"),
                    }
                }
                ids.push(id);
            }
            self.handed.begin(account, &stanzas);
            let all = stanzas.into_iter().all(|stanza| server.deliver(&session, stanza));
            let taken = self.taken(&session, spool, server).await && all;
            self.handed.end(account, taken, server.elapsed());
            if taken {
                self.log.remove(&owner, ids).await?;
            } else if !session.is_ending() {
                // Its queue is full of other things.
                tokio::time::sleep(LONGEST_PAUSE).await;
            }
        }
        Ok(())
    }

    /// Waits until a session's connection has taken all that was queued; `false` if it ends before.
    async fn taken(&self, session: &Session, spool: &Spool, server: &Server) -> bool {
        let mut pause = SHORTEST_PAUSE;
        let mut looks = 0;
        loop {
            // A session that is not ending now has not been emptied by its end.
            if session.queued() == 0 && !session.is_ending() {
                return true;
            }
            if session.is_ending() {
                return false;
            }
            // Nobody waits for somebody else who does not read.
            self.write(spool, server).await;
            looks += 1;
            if looks <= QUICK_LOOKS {
                tokio::task::yield_now().await;
            } else {
                let _either = timeout(pause, spool.mail.notified()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// How often it is looked at once whether a queue is empty, and how long to wait afterwards.
const QUICK_LOOKS: usize = 8;
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

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
pub(crate) struct Handed(Mutex<HashMap<Jid, Vec<Message>>>);

struct Message {
    stanza: Stanza,
    /// When it is no longer waited for; nothing while it is in a queue.
    until: Option<Duration>,
}

/// What comes back does so within this time after its session has ended.
const COMES_BACK: Duration = Duration::from_secs(60);

impl Handed {
    fn begin(&self, account: &Jid, stanzas: &[Stanza]) {
        let mut accounts = self.0.lock();
        let messages = accounts.entry(account.clone()).or_default();
        messages
            .extend(stanzas.iter().map(|stanza| Message { stanza: stanza.clone(), until: None }));
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

    /// Whether this was handed over and is still stored; each is found once.
    pub(crate) fn returns(&self, stanza: &Stanza) -> bool {
        let Some(account) = recipient(stanza) else { return false };
        let mut accounts = self.0.lock();
        let Some(messages) = accounts.get_mut(&account) else { return false };
        let bytes = stanza.element().as_bytes();
        let found = messages.iter().position(|held| held.stanza.element().as_bytes() == bytes);
        found.map(|at| messages.swap_remove(at)).is_some()
    }
}
