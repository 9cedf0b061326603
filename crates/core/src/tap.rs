//! Following a session: what its client says and hears, for whoever administers the server.
//!
//! Nobody sees more than [`Glimpse::show`] tells, and that is never a password.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use sestina_stanza::{Jid, Timestamp};
use tokio::sync::Notify;

use crate::{Caller, Outgoing, Server, glimpse, session::Session};

/// Glimpses that wait for whoever follows; what comes on top is missed.
const WAITING: usize = 256;

/// Bytes of stanzas that wait for whoever follows.
const WAITING_BYTES: usize = 1 << 20;

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client has sent it.
    In,
    /// It is sent to the client.
    Out,
}

/// Something that a session's client says or hears.
#[derive(Clone)]
pub struct Glimpse {
    at: Timestamp,
    session: Jid,
    direction: Direction,
    item: Outgoing,
}

impl Glimpse {
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The session, by its full JID.
    #[must_use]
    pub fn session(&self) -> &Jid {
        &self.session
    }

    /// Which way it goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What kind of thing it is: the name of its root.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.item {
            Outgoing::Stanza(stanza) | Outgoing::Copy(stanza) => stanza.element().name(),
            Outgoing::Element(element) => element.name(),
        }
    }

    /// It as XML, at most some 64 KiB of it. What people write stands there only if `texts` are asked
    /// for, else how much of it there is; passwords and the like never do.
    #[must_use]
    pub fn show(&self, texts: bool) -> String {
        match &self.item {
            Outgoing::Stanza(stanza) | Outgoing::Copy(stanza) => {
                glimpse::show(&stanza.to_element(), texts)
            }
            Outgoing::Element(element) => glimpse::show(element, texts),
        }
    }
}

impl fmt::Debug for Glimpse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glimpse")
            .field("session", &self.session)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}

/// Why nobody is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotFollowed {
    /// Whoever asks does not administer the server.
    Forbidden,
    /// As many follow somebody as [may](crate::Bounds::followers).
    TooMany,
}

impl fmt::Display for NotFollowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "only administrators may follow a session",
            Self::TooMany => "as many sessions are followed as may be at a time",
        })
    }
}

impl std::error::Error for NotFollowed {}

/// What somebody who follows a session has before him; made by [`Server::follow`], and over when it
/// is dropped.
#[must_use = "whoever lets go of it follows nobody"]
pub struct Tap {
    line: Arc<Line>,
    taps: Weak<Taps>,
}

impl Tap {
    /// Whom it follows.
    #[must_use]
    pub fn whom(&self) -> &Jid {
        &self.line.whom
    }

    /// Waits for what comes next; none once the server is gone.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped has taken nothing.
    pub async fn next(&mut self) -> Option<Glimpse> {
        loop {
            let heard = self.line.heard.notified();
            if let Some(glimpse) = self.line.take() {
                return Some(glimpse);
            }
            if self.taps.strong_count() == 0 {
                return None;
            }
            heard.await;
        }
    }

    /// How much went by unseen since this was asked the last time, because nobody looked.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.line.missed.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(taps) = self.taps.upgrade() {
            taps.end(&self.line);
        }
        tracing::info!(whom = %self.line.whom, by = %self.line.by, "a session is followed no more");
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("whom", &self.line.whom).finish_non_exhaustive()
    }
}

/// Between a session and whoever follows it.
struct Line {
    whom: Jid,
    by: Caller,
    waiting: Mutex<Waiting>,
    heard: Notify,
    missed: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    glimpses: VecDeque<Glimpse>,
    bytes: usize,
}

impl Line {
    fn follows(&self, session: &Session) -> bool {
        if self.whom.is_bare() {
            session.account() == &self.whom
        } else {
            session.jid() == &self.whom
        }
    }

    fn put(&self, glimpse: Glimpse) {
        let size = glimpse.item.bytes();
        let mut waiting = self.waiting.lock();
        if waiting.glimpses.len() >= WAITING || waiting.bytes.saturating_add(size) > WAITING_BYTES {
            drop(waiting);
            self.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += size;
        waiting.glimpses.push_back(glimpse);
        drop(waiting);
        self.heard.notify_one();
    }

    fn take(&self) -> Option<Glimpse> {
        let mut waiting = self.waiting.lock();
        let glimpse = waiting.glimpses.pop_front()?;
        waiting.bytes = waiting.bytes.saturating_sub(glimpse.item.bytes());
        Some(glimpse)
    }
}

/// Who follows whom.
#[derive(Default)]
pub(crate) struct Taps {
    /// Read for each stanza, so that it costs one branch where nobody follows anybody.
    count: AtomicUsize,
    lines: Mutex<Vec<Arc<Line>>>,
}

impl Taps {
    fn end(&self, line: &Arc<Line>) {
        let mut lines = self.lines.lock();
        lines.retain(|held| !Arc::ptr_eq(held, line));
        self.count.store(lines.len(), Ordering::Release);
    }

    /// Whether anybody follows anybody.
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Taps {
    fn drop(&mut self) {
        for line in self.lines.get_mut() {
            line.heard.notify_one();
        }
    }
}

impl Server {
    /// Follows a session, by its full JID, or all sessions of an account, those that are yet to come
    /// as well. Only who administers the server may, as many at a time as
    /// [`Bounds::followers`](crate::Bounds::followers) says, and the log is told of each.
    ///
    /// What comes before a session is bound, as authentication does, is not seen.
    ///
    /// # Errors
    ///
    /// When whoever asks may not, or too many follow somebody already.
    pub fn follow(&self, whom: &Jid, by: &Caller) -> Result<Tap, NotFollowed> {
        if !by.administers(self) {
            return Err(NotFollowed::Forbidden);
        }
        let taps = self.taps();
        let line = Arc::new(Line {
            whom: whom.clone(),
            by: by.clone(),
            waiting: Mutex::default(),
            heard: Notify::new(),
            missed: AtomicU64::new(0),
        });
        let mut lines = taps.lines.lock();
        if lines.len() >= self.bounds().followers {
            return Err(NotFollowed::TooMany);
        }
        lines.push(line.clone());
        taps.count.store(lines.len(), Ordering::Release);
        drop(lines);
        tracing::info!(%whom, %by, "a session is followed");
        Ok(Tap { line, taps: Arc::downgrade(taps) })
    }

    /// Shows something to those who follow a session.
    #[cold]
    pub(crate) fn glimpsed(&self, session: &Session, direction: Direction, item: &Outgoing) {
        let lines = self.taps().lines.lock();
        for line in lines.iter().filter(|line| line.follows(session)) {
            let session = session.jid().clone();
            line.put(Glimpse { at: self.now(), session, direction, item: item.clone() });
        }
    }
}
