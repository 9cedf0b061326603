//! What a plugin breaks stays with it: a panic ends where the core has called the plugin.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::HashSet,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use parking_lot::Mutex;
use pin_project_lite::pin_project;

use crate::{Refusal, Seen, Server};

/// Where the core calls plugins, and so where a panic of theirs ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Joint {
    /// Something done about a stanza that a plan has claimed, or beside it.
    Act,
    /// The way to other servers.
    Beyond,
    /// A command, what it suggests, or whether it can be run.
    Command,
    /// What carries a connection: streams before they are bound, and what plugins put below them.
    Connection,
    /// What an entity says of itself.
    Description,
    /// An element that is no stanza.
    Element,
    /// An event.
    Event,
    /// A guard.
    Guard,
    /// Whether a guest is let in.
    Guest,
    /// What became of a stanza.
    Outcome,
    /// A new password.
    Password,
    /// A planner.
    Plan,
    /// A request.
    Request,
    /// A rewriter.
    Rewrite,
    /// The core itself, on the way of a stanza.
    Route,
    /// A message, a presence or an answer for a hosted service.
    Service,
    /// An account that moves.
    Transfer,
}

impl Joint {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Act,
        Self::Beyond,
        Self::Command,
        Self::Connection,
        Self::Description,
        Self::Element,
        Self::Event,
        Self::Guard,
        Self::Guest,
        Self::Outcome,
        Self::Password,
        Self::Plan,
        Self::Request,
        Self::Rewrite,
        Self::Route,
        Self::Service,
        Self::Transfer,
    ];

    /// Its name in logs and figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Beyond => "beyond",
            Self::Command => "command",
            Self::Connection => "connection",
            Self::Description => "description",
            Self::Element => "element",
            Self::Event => "event",
            Self::Guard => "guard",
            Self::Guest => "guest",
            Self::Outcome => "outcome",
            Self::Password => "password",
            Self::Plan => "plan",
            Self::Request => "request",
            Self::Rewrite => "rewrite",
            Self::Route => "route",
            Self::Service => "service",
            Self::Transfer => "transfer",
        }
    }
}

/// A panic that was caught, for [`Server::note_panic`].
#[derive(Debug)]
#[must_use = "a panic is to be noted"]
pub struct Panicked {
    said: String,
    /// The line of code, where the host program's panic hook has [asked](is_contained).
    line: Option<String>,
}

/// The longest message of a panic that is logged.
const SAID: usize = 200;

thread_local! {
    /// How many calls of this thread end a panic.
    static WITHIN: Cell<u32> = const { Cell::new(0) };
    /// Where the last of them came from.
    static LINE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// For the panic hook of a host program: whether a server ends this panic, and logs it together with
/// the plugin whose it is. There is nothing left for the hook to say then.
///
/// ```
/// let otherwise = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |panic| {
///     if !sestina_core::is_contained(panic) {
///         otherwise(panic);
///     }
/// }));
/// ```
pub fn is_contained(panic: &PanicHookInfo<'_>) -> bool {
    let contained = WITHIN.get() > 0;
    if contained {
        let line = panic.location().map(|line| format!("{}:{}", line.file(), line.line()));
        LINE.set(line);
    }
    contained
}

/// Runs what may panic, such as a step of what carries a connection, for plugins have a part in that.
///
/// Nobody may look again at what was being changed by what has panicked: that is up to each caller,
/// and the reason why this asks for nothing to be `UnwindSafe`. What plugins keep lies behind locks
/// that are not poisoned, so that the next stanza finds a plugin as the broken one has left it.
///
/// # Errors
///
/// The panic, if there is one.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    WITHIN.set(WITHIN.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(run));
    WITHIN.set(WITHIN.get() - 1);
    done.map_err(|panic| Panicked::of(&*panic))
}

/// The same of what waits. A future that has panicked is not asked again.
///
/// It ends in the panic if there is one.
pub const fn caught_later<F: Future>(run: F) -> CaughtLater<F> {
    CaughtLater { run }
}

pin_project! {
    /// What [`caught_later`] makes of a future: no larger than that is, for every connection has one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CaughtLater<F> {
        #[pin]
        run: F,
    }
}

impl<F: Future> Future for CaughtLater<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let run = self.project().run;
        match caught(|| run.poll(cx)) {
            Ok(polled) => polled.map(Ok),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    }
}

impl Panicked {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let said = text.unwrap_or("something that is no text").chars().take(SAID).collect();
        Self { said, line: LINE.take() }
    }
}

/// The panics of a server's life.
#[derive(Debug, Default)]
pub(crate) struct Panics {
    count: AtomicU64,
    /// Those that were logged, by plugin, place and line: there are no more of them than there is
    /// code, however often somebody runs into one.
    known: Mutex<HashSet<(&'static str, Joint, Option<String>)>>,
}

impl Server {
    /// How many panics of plugins it has lived through.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panicked().count.load(Ordering::Relaxed)
    }

    /// Runs what a plugin does; a panic is noted and becomes what is told to whoever has asked.
    pub(crate) fn contain<T>(
        &self,
        by: &'static str,
        joint: Joint,
        run: impl FnOnce() -> T,
    ) -> Result<T, Refusal> {
        caught(run).map_err(|panicked| self.note(by, joint, panicked))
    }

    /// The same of what waits.
    pub(crate) async fn contain_later<T>(
        &self,
        by: &'static str,
        joint: Joint,
        run: impl Future<Output = T>,
    ) -> Result<T, Refusal> {
        caught_later(run).await.map_err(|panicked| self.note(by, joint, panicked))
    }

    /// Notes that what carries a connection has panicked.
    pub fn note_panic(&self, panicked: Panicked) {
        self.note(crate::assembly::CORE, Joint::Connection, panicked);
    }

    /// Counts a panic, and logs it: the first of its kind as an error, those after it for whoever
    /// wants to see them all.
    pub(crate) fn note(&self, by: &'static str, joint: Joint, panicked: Panicked) -> Refusal {
        let Panicked { said, line } = panicked;
        let panics = self.panicked();
        panics.count.fetch_add(1, Ordering::Relaxed);
        self.see(Seen::Panicked { plugin: by, joint });
        let at = joint.name();
        if panics.known.lock().insert((by, joint, line.clone())) {
            tracing::error!(plugin = by, at, line, said, "a plugin has panicked");
        } else {
            tracing::debug!(plugin = by, at, line, said, "a plugin has panicked again");
        }
        Refusal::internal(format!("{by} has panicked"))
    }
}
