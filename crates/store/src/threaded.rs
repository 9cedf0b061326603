//! Engines that block, carried by threads of their own.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Acknowledgement, Backend, Entry, ErrorKind, Fault, Measure, Outcome, Receipt, Run, Scan,
    Transaction,
};

/// An ordered key-value engine whose calls block: the contract of [`Backend`] without the waiting.
///
/// [`Threaded`] calls [`commit`](Self::commit), [`drop_space`](Self::drop_space) and
/// [`close`](Self::close) from one thread only, the others from several.
pub trait Engine: Send + Sync + 'static {
    /// Reads the value at `key`.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault>;

    /// Reads a run of entries in order.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn scan(&self, space: &str, scan: &Scan) -> Result<Vec<Entry>, Fault>;

    /// Says how much lies in a run, without handing it over.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn measure(&self, space: &str, run: &Run) -> Result<Measure, Fault>;

    /// Judges and applies each transaction in turn, and makes them durable together: one outcome
    /// each.
    ///
    /// # Errors
    ///
    /// None of the transactions was applied, unless the error is of kind [`ErrorKind::Io`], after
    /// which all or none may be.
    fn commit(&self, group: &[Transaction]) -> Result<Vec<Outcome>, Fault>;

    /// Names the spaces that exist, in order.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn spaces(&self) -> Result<Vec<String>, Fault>;

    /// Removes a space with everything in it, durably.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn drop_space(&self, space: &str) -> Result<(), Fault>;

    /// Makes ready to be dropped.
    ///
    /// # Errors
    ///
    /// Whatever the engine reports.
    fn close(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// How many threads a [`Threaded`] engine has and how much may wait for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadedBounds {
    /// Threads that read; 2 unless told.
    pub readers: usize,
    /// Reads that wait for a thread before callers do; 256 unless told.
    pub read_queue: usize,
    /// Transactions that wait for the writer before callers do; 1,024 unless told.
    pub write_queue: usize,
    /// Transactions in one group; 512 unless told.
    pub group_transactions: usize,
    /// Bytes after which a group takes no more; 8 MiB unless told.
    pub group_bytes: usize,
}

impl Default for ThreadedBounds {
    fn default() -> Self {
        Self {
            readers: 2,
            read_queue: 256,
            write_queue: 1024,
            group_transactions: 512,
            group_bytes: 8 * 1024 * 1024,
        }
    }
}

impl ThreadedBounds {
    /// Sets how many threads read.
    #[must_use]
    pub fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// Sets how many reads wait for a thread before callers do.
    #[must_use]
    pub fn read_queue(self, reads: usize) -> Self {
        Self { read_queue: reads, ..self }
    }

    /// Sets how many transactions wait for the writer before callers do.
    #[must_use]
    pub fn write_queue(self, transactions: usize) -> Self {
        Self { write_queue: transactions, ..self }
    }

    /// Sets how many transactions and bytes are committed at once.
    #[must_use]
    pub fn group(self, transactions: usize, bytes: usize) -> Self {
        Self { group_transactions: transactions, group_bytes: bytes, ..self }
    }
}

/// Carries an [`Engine`] on threads of its own, so that no call blocks the runtime.
///
/// One thread writes: it gathers whatever waits, commits it at once and then acknowledges each.
/// A few threads read. Queues are bounded; a full one makes callers wait. What was taken into a
/// queue is done even if its caller goes away.
///
/// Dropping it lets the threads finish on their own; [`Backend::close`] waits for them.
pub struct Threaded {
    reads: mpsc::Sender<Read>,
    writes: mpsc::Sender<Write>,
}

enum Read {
    Job(Job),
    Stop,
}

type Job = Box<dyn FnOnce(&dyn Engine) + Send>;

enum Write {
    Close(oneshot::Sender<Result<(), Fault>>),
    Commit(Transaction, Acknowledgement),
    DropSpace(String, oneshot::Sender<Result<(), Fault>>),
}

impl Threaded {
    /// Starts the threads that carry `engine`; their names start with `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the system refuses a thread.
    pub fn start(name: &str, engine: impl Engine, bounds: ThreadedBounds) -> Result<Self, Fault> {
        let (reads, waiting_reads) = mpsc::channel(bounds.read_queue.max(1));
        let (writes, waiting_writes) = mpsc::channel(bounds.write_queue.max(1));
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let waiting_reads = Arc::new(Mutex::new(waiting_reads));
        let mut readers = Vec::new();
        for number in 0..bounds.readers.max(1) {
            let (engine, waiting) = (Arc::clone(&engine), Arc::clone(&waiting_reads));
            let reader = thread::Builder::new().name(format!("{name}-read-{number}"));
            let reader = reader.spawn(move || read(&*engine, &waiting)).map_err(Fault::from_io)?;
            readers.push(reader);
        }
        let writer =
            Writer { engine, bounds, waiting: waiting_writes, reads: reads.downgrade(), readers };
        let thread = thread::Builder::new().name(format!("{name}-write"));
        thread.spawn(move || writer.run()).map_err(Fault::from_io)?;
        Ok(Self { reads, writes })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Engine) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |engine| {
            // Whoever asked may be gone by now, and need not be read for.
            if !answer.is_closed() {
                let _ = answer.send(guarded(|| read(engine)));
            }
        });
        self.reads.send(Read::Job(job)).await.map_err(|_| ErrorKind::Closed)?;
        answered.await.map_err(|_| ErrorKind::Closed)?
    }

    async fn write(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), Fault>>) -> Write,
    ) -> Result<(), Fault> {
        let (answer, answered) = oneshot::channel();
        self.writes.send(job(answer)).await.map_err(|_| ErrorKind::Closed)?;
        answered.await.map_err(|_| ErrorKind::Closed)?
    }
}

impl fmt::Debug for Threaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threaded").finish_non_exhaustive()
    }
}

impl Backend for Threaded {
    async fn get(&self, space: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let (space, key) = (space.to_owned(), key.to_owned());
        self.read(move |engine| engine.get(&space, &key)).await
    }

    async fn scan(&self, space: &str, scan: Scan) -> Result<Vec<Entry>, Fault> {
        let space = space.to_owned();
        self.read(move |engine| engine.scan(&space, &scan)).await
    }

    async fn measure(&self, space: &str, run: Run) -> Result<Measure, Fault> {
        let space = space.to_owned();
        self.read(move |engine| engine.measure(&space, &run)).await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Receipt, Fault> {
        let (acknowledgement, receipt) = Receipt::channel();
        let job = Write::Commit(transaction, acknowledgement);
        self.writes.send(job).await.map_err(|_| ErrorKind::Closed)?;
        Ok(receipt)
    }

    async fn spaces(&self) -> Result<Vec<String>, Fault> {
        self.read(<dyn Engine>::spaces).await
    }

    async fn drop_space(&self, space: &str) -> Result<(), Fault> {
        let space = space.to_owned();
        self.write(|answer| Write::DropSpace(space, answer)).await
    }

    async fn close(&self) -> Result<(), Fault> {
        match self.write(Write::Close).await {
            Err(closed) if closed.kind() == ErrorKind::Closed => Ok(()),
            result => result,
        }
    }
}

/// Reads for whoever waits, taking turns with the other readers, until the queue is closed.
fn read(engine: &dyn Engine, waiting: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        let mut turn = waiting.lock();
        match turn.blocking_recv() {
            Some(Read::Job(job)) => {
                drop(turn);
                job(engine);
            }
            // What was taken in before is still read.
            Some(Read::Stop) => turn.close(),
            None => return,
        }
    }
}

struct Writer {
    engine: Arc<dyn Engine>,
    bounds: ThreadedBounds,
    waiting: mpsc::Receiver<Write>,
    /// Weak, so that the readers end when the last handle goes.
    reads: mpsc::WeakSender<Read>,
    readers: Vec<JoinHandle<()>>,
}

impl Writer {
    fn run(mut self) {
        let mut closing = Vec::new();
        let mut group = Group::default();
        while let Some(job) = self.waiting.blocking_recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Write::Commit(transaction, acknowledgement) => {
                        group.push(transaction, acknowledgement);
                    }
                    Write::Close(answer) => {
                        // Nothing more is taken in; what waits is still done.
                        self.waiting.close();
                        closing.push(answer);
                    }
                    Write::DropSpace(space, answer) => {
                        group.commit(&*self.engine);
                        let _ = answer.send(guarded(|| self.engine.drop_space(&space)));
                    }
                }
                if group.has_room(&self.bounds) {
                    next = self.waiting.try_recv().ok();
                }
            }
            group.commit(&*self.engine);
        }
        let result = self.finish();
        for answer in closing {
            let _ = answer.send(result.clone());
        }
    }

    /// Lets the readers finish, then lets go of the engine and its files.
    fn finish(self) -> Result<(), Fault> {
        if let Some(reads) = self.reads.upgrade() {
            // Refused only if the readers have stopped already.
            let _ = reads.blocking_send(Read::Stop);
        }
        for reader in self.readers {
            let _ = reader.join();
        }
        let result = guarded(|| self.engine.close());
        drop(self.engine);
        result
    }
}

/// Transactions that are made durable together.
#[derive(Default)]
struct Group {
    transactions: Vec<Transaction>,
    acknowledgements: Vec<Acknowledgement>,
    bytes: usize,
}

impl Group {
    fn push(&mut self, transaction: Transaction, acknowledgement: Acknowledgement) {
        self.bytes += transaction.bytes();
        self.transactions.push(transaction);
        self.acknowledgements.push(acknowledgement);
    }

    fn has_room(&self, bounds: &ThreadedBounds) -> bool {
        self.transactions.len() < bounds.group_transactions && self.bytes < bounds.group_bytes
    }

    /// Commits what was gathered, then says so.
    fn commit(&mut self, engine: &dyn Engine) {
        let Self { transactions, acknowledgements, .. } = std::mem::take(self);
        if transactions.is_empty() {
            return;
        }
        match commit(engine, &transactions) {
            Ok(outcomes) => {
                for (acknowledgement, outcome) in acknowledgements.into_iter().zip(outcomes) {
                    acknowledgement.give(Ok(outcome));
                }
            }
            // Nothing was applied, and what is too much together may fit one by one.
            Err(fault) if fault.kind() != ErrorKind::Io && transactions.len() > 1 => {
                for (transaction, acknowledgement) in transactions.iter().zip(acknowledgements) {
                    let outcome = commit(engine, std::slice::from_ref(transaction));
                    acknowledgement.give(outcome.and_then(|outcomes| {
                        outcomes.first().copied().ok_or_else(|| ErrorKind::Io.into())
                    }));
                }
            }
            Err(fault) => {
                for acknowledgement in acknowledgements {
                    acknowledgement.give(Err(fault.clone()));
                }
            }
        }
    }
}

fn commit(engine: &dyn Engine, group: &[Transaction]) -> Result<Vec<Outcome>, Fault> {
    let outcomes = guarded(|| engine.commit(group))?;
    if outcomes.len() == group.len() {
        Ok(outcomes)
    } else {
        Err(Fault::new(ErrorKind::Io, "the engine did not answer for every transaction"))
    }
}

/// Keeps a panic of the engine from taking the thread, and with it the store, along.
fn guarded<T>(call: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Fault::new(ErrorKind::Io, format!("the engine panicked: {said}")))
    })
}
