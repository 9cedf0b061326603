#![doc = include_str!("../README.md")]

mod change;
mod guard;
mod matcher;
mod portable;
mod presence;
mod query;
mod rule;
mod shelf;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use sestina_core::{
    AccountCreated, AccountRemoved, Assembly, AssemblyError, Contacts, Foundation, Optional,
    Refusal, Server, SessionBound, SessionClosed,
};

use self::shelf::Shelf;
pub use self::{
    change::{
        Blocked, Bounds, ListsChanged, MOST_BYTES, MOST_ITEMS, MOST_LISTS, NAME_BYTES, Names,
    },
    matcher::{Known, Matcher, Verdict},
    query::{Part, Query},
    rule::{List, Rule, Stanzas, Way, Whom},
    shelf::REMEMBERED,
};

/// The lists of all accounts; a clone is another handle to them.
#[derive(Clone)]
pub struct Lists(Arc<Kept>);

struct Kept {
    shelf: Shelf,
    contacts: Optional<dyn Contacts>,
    /// Whether who sends to somebody blocked is told so in the words of XEP-0191.
    marks_blocked: AtomicBool,
    /// Those of the dialect that allows more: what accounts may bring along.
    bounds: Mutex<Bounds>,
}

/// In which words clients speak of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Those of block lists: only rules that block somebody altogether are in force.
    Blocking,
    /// Those of privacy lists: all rules are in force.
    Privacy,
}

impl Foundation for Lists {
    const NAME: &'static str = "lists";

    fn install(to: &mut Assembly) -> Result<Arc<Self>, AssemblyError> {
        let lists = Arc::new(Self(Arc::new(Kept {
            shelf: Shelf::new(to.space()),
            contacts: to.optional(),
            marks_blocked: AtomicBool::new(false),
            bounds: Mutex::new(Bounds { lists: 0, items: 0, bytes: 0 }),
        })));
        to.sender().guard(&lists, Self::leaving);
        to.recipient().guard(&lists, Self::arriving);
        to.recipient().plan(&lists, Self::plan);
        // What is denied is not kept for later.
        to.before("offline");
        to.portable(&lists)?;
        to.on(&lists, Self::bound);
        to.on(&lists, Self::closed);
        to.on(&lists, Self::account_created);
        to.on(&lists, Self::account_removed);
        Ok(lists)
    }
}

impl Lists {
    /// The lists, for a plugin whose clients speak of them in these words and within these bounds.
    ///
    /// # Errors
    ///
    /// When they cannot stand beside what is assembled already.
    pub fn speaking(
        to: &mut Assembly,
        dialect: Dialect,
        bounds: &Bounds,
    ) -> Result<Arc<Self>, AssemblyError> {
        let lists = to.foundation::<Self>()?;
        lists.0.bounds.lock().widen(bounds);
        match dialect {
            Dialect::Blocking => lists.0.marks_blocked.store(true, Ordering::Release),
            Dialect::Privacy => lists.0.shelf.open(),
        }
        Ok(lists)
    }

    fn marks_blocked(&self) -> bool {
        self.0.marks_blocked.load(Ordering::Acquire)
    }

    /// From the first moment of a session, what is in force for it is in memory.
    async fn bound(&self, bound: &SessionBound, _: &Server) -> Result<(), Refusal> {
        Ok(self.0.shelf.begin(&bound.session).await?)
    }

    async fn closed(&self, closed: &SessionClosed, _: &Server) -> Result<(), Refusal> {
        self.0.shelf.end(&closed.session).await;
        Ok(())
    }

    async fn account_created(&self, created: &AccountCreated, _: &Server) -> Result<(), Refusal> {
        self.0.shelf.forget(&created.account).await;
        Ok(())
    }

    async fn account_removed(&self, removed: &AccountRemoved, _: &Server) -> Result<(), Refusal> {
        self.0.shelf.forget(&removed.account).await;
        Ok(())
    }
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lists").field("shelf", &self.0.shelf).finish_non_exhaustive()
    }
}
