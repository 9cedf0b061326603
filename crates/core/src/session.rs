//! Sessions: bound resources, apart from the connections that carry them.

use std::{
    any::{Any, TypeId},
    fmt,
    future::poll_fn,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI16, Ordering},
    },
    task::{Context, Poll},
};

use parking_lot::Mutex;
use sestina_stanza::{Jid, Stanza, StreamError};

use crate::{
    Outgoing, Stay,
    bundle::{Bundle, Membership},
    queue::{Outbound, PushError, Queue, QueueBounds, Queued},
};

/// A bound resource: who it is, whether it is available, and what waits for it.
///
/// A session outlives its connection. Whoever carries it, a socket or the host program itself,
/// drains it with [`poll_outbound`](Self::poll_outbound) and hands what the peer says to
/// [`Server::receive`](crate::Server::receive).
pub struct Session {
    jid: Jid,
    bare: Jid,
    id: u64,
    /// The priority while available, else [`UNAVAILABLE`]: read for each message to a bare JID.
    rank: AtomicI16,
    interested: AtomicBool,
    presence: Mutex<Option<Stanza>>,
    lang: OnceLock<Box<str>>,
    parts: Mutex<Vec<Part>>,
    /// Set for a guest, with what is held for its stay.
    guest: OnceLock<Option<Stay>>,
    /// Whether it has left the table: set with the presence locked, since it has none from then on.
    departed: AtomicBool,
    /// Whether somebody sees to its end.
    ended: AtomicBool,
    /// Whether everybody has heard of its end, and what it had not read is elsewhere.
    over: AtomicBool,
    /// Whether it is carried by somebody who can carry several, and whether there are.
    shares: AtomicBool,
    bundled: AtomicBool,
    queue: Queue,
}

/// What a plugin keeps with a session, by its type.
type Part = (TypeId, Arc<dyn Any + Send + Sync>);

/// Below every priority.
const UNAVAILABLE: i16 = i16::MIN;

impl Session {
    pub(crate) fn new(jid: Jid, id: u64, bounds: QueueBounds) -> Arc<Self> {
        Arc::new(Self {
            bare: jid.to_bare(),
            jid,
            id,
            rank: AtomicI16::new(UNAVAILABLE),
            interested: AtomicBool::new(false),
            presence: Mutex::new(None),
            lang: OnceLock::new(),
            parts: Mutex::new(Vec::new()),
            guest: OnceLock::new(),
            departed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            over: AtomicBool::new(false),
            shares: AtomicBool::new(false),
            bundled: AtomicBool::new(false),
            queue: Queue::new(bounds),
        })
    }

    /// The full JID.
    #[must_use]
    pub fn jid(&self) -> &Jid {
        &self.jid
    }

    /// The account's bare JID.
    #[must_use]
    pub fn account(&self) -> &Jid {
        &self.bare
    }

    /// A number no other session of this server's life has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The language of stanzas that name none (RFC 6120 §8.1.5).
    #[must_use]
    pub fn lang(&self) -> Option<&str> {
        self.lang.get().map(|lang| &**lang)
    }

    /// Sets that language, once.
    pub fn set_lang(&self, lang: &str) {
        let _the_first_stays = self.lang.set(lang.into());
    }

    /// Whether its account is a guest's (XEP-0175): nobody's before this session and after it. What
    /// is stored under it is erased when the session ends.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.guest.get().is_some()
    }

    /// Says that whoever carries this session looks at its [`bundle`](Self::bundle), and carries what
    /// is bound beside it.
    pub fn share_stream(&self) {
        self.shares.store(true, Ordering::Release);
    }

    pub(crate) fn shares_its_stream(&self) -> bool {
        self.shares.load(Ordering::Acquire)
    }

    /// The sessions of its stream, once there was a second one.
    #[must_use]
    pub fn bundle(&self) -> Option<Arc<Bundle>> {
        if !self.bundled.load(Ordering::Acquire) {
            return None;
        }
        self.part::<Membership>().0.get().cloned()
    }

    /// The same, made if there is none.
    pub(crate) fn bundle_up(self: &Arc<Self>) -> Arc<Bundle> {
        self.bundle().unwrap_or_else(|| {
            let bundle = Arc::<Bundle>::default();
            bundle.enter(self);
            self.join(&bundle);
            bundle
        })
    }

    /// Notes which bundle it is in.
    pub(crate) fn join(&self, bundle: &Arc<Bundle>) {
        let _one_for_life = self.part::<Membership>().0.set(bundle.clone());
        self.share_stream();
        self.bundled.store(true, Ordering::Release);
    }

    pub(crate) fn be_guest(&self, stay: Option<Stay>) {
        let _the_first_stays = self.guest.set(stay);
    }

    /// The priority, while the session is available.
    #[must_use]
    pub fn priority(&self) -> Option<i8> {
        i8::try_from(self.rank.load(Ordering::Acquire)).ok()
    }

    /// Whether initial presence was sent and not taken back.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.priority().is_some()
    }

    /// The last available presence, as it was broadcast.
    #[must_use]
    pub fn presence(&self) -> Option<Stanza> {
        self.presence.lock().clone()
    }

    /// Whether the session has asked for the roster (RFC 6121 §2.2).
    #[must_use]
    pub fn is_interested(&self) -> bool {
        self.interested.load(Ordering::Acquire)
    }

    /// Notes that the session has asked for the roster.
    pub fn interest(&self) {
        self.interested.store(true, Ordering::Release);
    }

    /// What a plugin keeps with this session under a type of its own: made when it is first asked
    /// for, gone when the session goes.
    #[must_use]
    pub fn part<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut parts = self.parts.lock();
        let held = parts.iter().find(|(key, _)| *key == TypeId::of::<T>());
        if let Some(Ok(part)) = held.map(|(_, part)| part.clone().downcast()) {
            return part;
        }
        let part = Arc::<T>::default();
        parts.push((TypeId::of::<T>(), part.clone()));
        part
    }

    /// Sets or clears the presence; hands back what it was. A session that has left the table stays
    /// without.
    pub(crate) fn announce(&self, presence: Option<(i8, Stanza)>) -> Option<Stanza> {
        let mut held = self.presence.lock();
        let presence = presence.filter(|_| !self.has_departed());
        let (rank, next) = match presence {
            Some((priority, stanza)) => (i16::from(priority), Some(stanza)),
            None => (UNAVAILABLE, None),
        };
        self.rank.store(rank, Ordering::Release);
        std::mem::replace(&mut held, next)
    }

    /// Puts what `change` makes of the presence in its place; hands it back, if there is any.
    pub(crate) fn restate(&self, change: impl FnOnce(&Stanza) -> Option<Stanza>) -> Option<Stanza> {
        let mut held = self.presence.lock();
        let next = change(held.as_ref()?)?;
        *held = Some(next.clone());
        Some(next)
    }

    /// The session has left the table: whatever its peer still says of its presence is void.
    pub(crate) fn depart(&self) {
        let _no_announcement_meanwhile = self.presence.lock();
        self.departed.store(true, Ordering::Release);
    }

    /// Whether it has left the table.
    pub(crate) fn has_departed(&self) -> bool {
        self.departed.load(Ordering::Acquire)
    }

    /// Whether the caller is the one to see to its end.
    pub(crate) fn end(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }

    /// Nothing is left to do about its end.
    pub(crate) fn finish(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether nothing is left to do about its end.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Puts something into the queue.
    pub(crate) fn push(&self, queued: Queued) -> Result<(), PushError> {
        self.queue.push(queued)
    }

    /// Hands what waits to `take`, in order, until it answers `false`; wakes the task when there
    /// is something to take.
    ///
    /// Asking again says that what was taken before has gone out: see [`drained`](Self::drained).
    pub fn poll_outbound(
        &self,
        cx: &mut Context<'_>,
        take: impl FnMut(&Outgoing) -> bool,
    ) -> Poll<Outbound> {
        self.queue.poll_drain(cx, take)
    }

    /// What was taken has gone out.
    pub(crate) fn pass(&self) {
        self.queue.pass();
    }

    /// Waits until whoever carries the session has passed on all that is queued by now: a socket has
    /// taken it, or the host program. `false` if the session ended before.
    ///
    /// What is queued later is not waited for.
    pub fn drained(&self) -> impl Future<Output = bool> + Send + use<'_> {
        let mark = self.queue.mark();
        poll_fn(move |cx| self.queue.poll_passed(mark, cx))
    }

    /// How many stanzas, and answers to other elements, wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether the session is ending or has ended: nothing is delivered to it any more, and what its
    /// peer still sends is not heard.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.queue.is_closed()
    }

    /// What the peer is told about the end, if it is ending.
    pub(crate) fn reason(&self) -> Option<StreamError> {
        self.queue.reason()
    }

    /// Ends the session once its queue is drained; `error` is what the peer is told.
    pub fn close(&self, error: Option<StreamError>) {
        self.queue.close(error);
    }

    /// Ends the session once the request that its peer is waiting for has been answered.
    pub(crate) fn close_owing(&self, error: Option<StreamError>) {
        self.queue.close_owing(error);
    }

    /// The peer has its answer.
    pub(crate) fn settle(&self) {
        self.queue.settle();
    }

    /// Ends the queue; hands back what nobody has read and nobody else is to.
    pub(crate) fn abandon(&self) -> impl Iterator<Item = Stanza> + use<> {
        self.queue.abandon().into_iter().filter_map(Queued::unread)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("jid", &self.jid)
            .field("id", &self.id)
            .field("priority", &self.priority())
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_part_is_made_once_for_each_type() {
        let jid = Jid::new("juliet@capulet.example/balcony").unwrap();
        let session = Session::new(jid, 1, QueueBounds::default());
        session.part::<AtomicUsize>().store(7, Ordering::Relaxed);
        assert!(!session.part::<AtomicBool>().load(Ordering::Relaxed));
        assert_eq!(session.part::<AtomicUsize>().load(Ordering::Relaxed), 7);
    }
}
