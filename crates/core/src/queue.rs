//! The bounded queue between the router and a session's connection.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use sestina_stanza::{Kind, Stanza, StreamError};

use crate::Outgoing;

/// What a session may have waiting.
#[derive(Clone, Copy, Debug)]
pub struct QueueBounds {
    /// Stanzas; the default is 1,024.
    pub stanzas: usize,
    /// Bytes of content; the default is 4 MiB.
    pub bytes: usize,
}

impl Default for QueueBounds {
    fn default() -> Self {
        Self { stanzas: 1024, bytes: 4 << 20 }
    }
}

/// Something in a queue.
pub(crate) struct Queued {
    item: Outgoing,
    /// What it shares with its likes in the queues of other sessions, if there are any.
    shared: Option<Arc<Shared>>,
}

/// Held by each of several queues that one stanza waits in, and by nobody else: whoever lets go of it
/// last, with nobody having taken the stanza, has the only one that is left.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    taken: AtomicBool,
}

impl Shared {
    /// Lets go of it; says whether the stanza is lost thereby.
    pub(crate) fn is_lost(self: Arc<Self>) -> bool {
        Arc::into_inner(self).is_some_and(|shared| !shared.taken.into_inner())
    }
}

impl Queued {
    pub(crate) fn new(item: Outgoing, shared: Option<Arc<Shared>>) -> Self {
        Self { item, shared }
    }

    /// What is to be routed anew, since nobody has read it here: not what another session has or may
    /// still read, and no presence, which says how things were then.
    pub(crate) fn unread(self) -> Option<Stanza> {
        let lost = self.shared.is_none_or(Shared::is_lost);
        let stanza = self.item.into_stanza()?;
        (lost && !matches!(stanza.kind(), Kind::Presence(_))).then_some(stanza)
    }
}

/// What a router pushes and a connection drains.
///
/// One lock, no allocation while empty; the connection is woken once for however much comes in
/// before it looks.
pub(crate) struct Queue {
    bounds: QueueBounds,
    inner: Mutex<Inner>,
    /// Whether it takes nothing more: set with the lock held, read without.
    closed: AtomicBool,
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Queued>,
    bytes: usize,
    reader: Option<Waker>,
    end: Option<End>,
    /// Stanzas that were handed over and that the reader has done with.
    passed: u64,
    /// Stanzas that were handed over after these; in the end, those that nobody will read as well.
    held: u64,
    /// Who waits until so many have passed.
    waiting: Vec<(u64, Waker)>,
}

/// Why a queue takes nothing more.
#[derive(Clone, Debug)]
enum End {
    /// The server ends the stream once it has answered what the peer has asked.
    Owing(Option<StreamError>),
    /// The server ends the stream, telling the peer why.
    Closing(Option<StreamError>),
    /// Nobody reads any more.
    Closed,
}

/// What a reader of the queue finds.
#[derive(Debug)]
pub enum Outbound {
    /// Some stanzas were handed over, perhaps not all.
    Stanzas,
    /// The server ends this session: what was queued has been handed over.
    End(Option<StreamError>),
}

/// Why a stanza was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    Closed,
    Full,
}

impl Queue {
    pub(crate) fn new(bounds: QueueBounds) -> Self {
        Self { bounds, inner: Mutex::default(), closed: AtomicBool::new(false) }
    }

    pub(crate) fn push(&self, queued: Queued) -> Result<(), PushError> {
        let mut inner = self.inner.lock();
        if matches!(inner.end, Some(End::Closing(_) | End::Closed)) {
            return Err(PushError::Closed);
        }
        let size = queued.item.bytes();
        // One stanza finds room however large it is: what it may measure is for the parser to say,
        // and nobody's session ends for what a single stanza of somebody else weighs.
        let bytes = inner.bytes.saturating_add(size);
        let full = inner.items.len() >= self.bounds.stanzas || bytes > self.bounds.bytes;
        if full && !inner.items.is_empty() {
            return Err(PushError::Full);
        }
        inner.bytes = bytes;
        inner.items.push_back(queued);
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Asks the reader to end the stream once it has drained what is queued.
    pub(crate) fn close(&self, error: Option<StreamError>) {
        let mut inner = self.inner.lock();
        if matches!(inner.end, None | Some(End::Owing(_))) {
            inner.end = Some(End::Closing(error));
            self.closed.store(true, Ordering::Release);
        }
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The same, once the answer that is owed has been queued as well.
    pub(crate) fn close_owing(&self, error: Option<StreamError>) {
        let mut inner = self.inner.lock();
        if inner.end.is_none() {
            inner.end = Some(End::Owing(error));
        }
    }

    /// The answer that is owed is queued, if one was.
    pub(crate) fn settle(&self) {
        let mut inner = self.inner.lock();
        if let Some(End::Owing(error)) = &inner.end {
            inner.end = Some(End::Closing(error.clone()));
            self.closed.store(true, Ordering::Release);
            let reader = inner.reader.take();
            drop(inner);
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    /// Ends the queue from its reader's side; hands back what nobody will read.
    pub(crate) fn abandon(&self) -> VecDeque<Queued> {
        let mut inner = self.inner.lock();
        inner.end = Some(End::Closed);
        self.closed.store(true, Ordering::Release);
        inner.reader = None;
        inner.bytes = 0;
        let (unread, waiting) =
            (std::mem::take(&mut inner.items), std::mem::take(&mut inner.waiting));
        inner.held += unread.len() as u64;
        drop(inner);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        unread
    }

    /// Whether it takes nothing more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Why it takes nothing more, where the peer is to be told.
    pub(crate) fn reason(&self) -> Option<StreamError> {
        match &self.inner.lock().end {
            Some(End::Closing(error)) => error.clone(),
            _ => None,
        }
    }

    /// Hands what waits to `take` in order until it answers `false`. Whoever comes for more has done
    /// with what it was handed before.
    pub(crate) fn poll_drain(
        &self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&Outgoing) -> bool,
    ) -> Poll<Outbound> {
        let mut inner = self.inner.lock();
        inner.pass();
        if inner.items.is_empty() {
            return match &inner.end {
                Some(End::Closing(error)) => Poll::Ready(Outbound::End(error.clone())),
                Some(End::Closed) => Poll::Ready(Outbound::End(None)),
                None | Some(End::Owing(_)) => {
                    match &inner.reader {
                        Some(reader) if reader.will_wake(cx.waker()) => {}
                        _ => inner.reader = Some(cx.waker().clone()),
                    }
                    Poll::Pending
                }
            };
        }
        while let Some(Queued { item, shared }) = inner.items.pop_front() {
            if let Some(shared) = shared {
                shared.taken.store(true, Ordering::Relaxed);
            }
            inner.bytes = inner.bytes.saturating_sub(item.bytes());
            inner.held += 1;
            if !take(&item) {
                break;
            }
        }
        if inner.items.is_empty() && inner.items.capacity() > KEPT {
            inner.items = VecDeque::new();
        }
        Poll::Ready(Outbound::Stanzas)
    }

    /// The reader has done with what it was handed.
    pub(crate) fn pass(&self) {
        self.inner.lock().pass();
    }

    /// How many will have passed when all that is queued now has.
    pub(crate) fn mark(&self) -> u64 {
        let inner = self.inner.lock();
        inner.passed + inner.held + inner.items.len() as u64
    }

    /// Ready when so many have passed; with `false` when they will not.
    pub(crate) fn poll_passed(&self, mark: u64, cx: &mut Context<'_>) -> Poll<bool> {
        let mut inner = self.inner.lock();
        if inner.passed >= mark {
            return Poll::Ready(true);
        }
        if matches!(inner.end, Some(End::Closed)) {
            return Poll::Ready(false);
        }
        let known = |(held, waker): &(u64, Waker)| *held == mark && waker.will_wake(cx.waker());
        if !inner.waiting.iter().any(known) {
            inner.waiting.push((mark, cx.waker().clone()));
        }
        Poll::Pending
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.lock().items.len()
    }
}

impl Inner {
    fn pass(&mut self) {
        if matches!(self.end, Some(End::Closed)) {
            return;
        }
        self.passed += std::mem::take(&mut self.held);
        if !self.waiting.is_empty() {
            let passed = self.passed;
            for (_, waker) in self.waiting.extract_if(.., |(mark, _)| *mark <= passed) {
                waker.wake();
            }
        }
    }
}

/// Room for so many stanzas stays with an idle queue.
const KEPT: usize = 4;

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sestina_stanza::{MessageType, PresenceType};

    use super::*;

    /// Queues that one message waits in.
    fn queues(count: usize) -> Vec<Queue> {
        let shared = Arc::<Shared>::default();
        let message = Stanza::message(MessageType::Chat).body("Hark!").build();
        let queues = (0..count).map(|_| {
            let queue = Queue::new(QueueBounds::default());
            let queued = Queued::new(message.clone().into(), Some(shared.clone()));
            queue.push(queued).expect("room");
            queue
        });
        queues.collect()
    }

    fn unread(queue: &Queue) -> usize {
        queue.abandon().into_iter().filter_map(Queued::unread).count()
    }

    fn read(queue: &Queue) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(queue.poll_drain(&mut cx, |_| true).is_ready());
    }

    #[test]
    fn the_last_to_end_without_reading_has_what_nobody_has_read() {
        let queues = queues(3);
        assert_eq!(queues.iter().map(unread).collect::<Vec<_>>(), [0, 0, 1]);
    }

    #[test]
    fn whenever_one_reads_it_nobody_else_has_it_unread() {
        for reader in 0..3 {
            for first in 0..3 {
                let queues = queues(3);
                let mut left = 0;
                for at in [first, (first + 1) % 3, (first + 2) % 3] {
                    if at == reader {
                        read(&queues[at]);
                    }
                    left += unread(&queues[at]);
                }
                assert_eq!(left, 0, "{reader} reads, and {first} is the first to end");
            }
        }
    }

    #[test]
    fn whoever_ends_at_the_same_time_leaves_it_unread_once() {
        for _ in 0..100 {
            let left = std::thread::scope(|scope| {
                let queues = queues(4).into_iter();
                let ends: Vec<_> =
                    queues.map(|queue| scope.spawn(move || unread(&queue))).collect();
                ends.into_iter().map(|end| end.join().expect("no panic")).sum::<usize>()
            });
            assert_eq!(left, 1);
        }
    }

    #[test]
    fn presence_is_read_at_once_or_not_at_all() {
        let queue = Queue::new(QueueBounds::default());
        let presence = Stanza::presence(PresenceType::Available).build();
        queue.push(Queued::new(presence.into(), None)).expect("room");
        assert_eq!(unread(&queue), 0);
    }
}
